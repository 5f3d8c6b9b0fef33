//! Slices and concatenations along any axis.

use super::{Case, normal};
use crate::kernels::Target;
use crate::graph::Shape;
use crate::ops;
use crate::reference::slice as reference;

fn slice(shape: [usize; 3], dim: usize, start: usize, end: usize) -> Case {
    let around = Shape::from(shape).around(dim);
    let name = format!("{start}..{end} of {shape:?} along {dim}");
    Case::new("slice", name, [normal(1, shape)], move |g, x| ops::slice(g, x[0], dim, start, end))
        .forward(move |x| reference::take(around, start, end - start, &x[0]))
        .backward(move |_, dy| reference::pad(around, start, end - start, &dy[0]))
}

fn concat(dim: usize, extents: [usize; 3]) -> Case {
    let shape = move |extent: usize| {
        let mut s = [2, 3, 4];
        s[dim] = extent;
        s
    };
    let around = Shape::from(shape(extents.iter().sum())).around(dim);
    let starts = [0, extents[0], extents[0] + extents[1]];
    let inputs = [0, 1, 2].map(|i| normal(i as u64, shape(extents[i])));
    Case::new("concat", format!("{extents:?} along {dim}"), inputs, move |g, x| ops::concat(g, x, dim))
        .forward(move |x| -> Vec<f64> {
            let [a, b, c] = [0, 1, 2].map(|i| reference::pad(around, starts[i], extents[i], &x[i]));
            (0..a.len()).map(|i| a[i] + b[i] + c[i]).collect()
        })
        .backward(move |_, dy| [0, 1, 2].map(|i| reference::take(around, starts[i], extents[i], &dy[0])))
}

/// Both parts of a tensor, and one of them where the other is not read.
fn split(dim: usize, extents: [usize; 2], both: bool) -> Case {
    let shape = move |extent: usize| {
        let mut s = [3, 2, 5];
        s[dim] = extent;
        s
    };
    let whole = Shape::from(shape(extents[0] + extents[1]));
    let around = whole.around(dim);
    let name = format!("{extents:?} along {dim}, {}", if both { "both" } else { "the second" });
    Case::new("split", name, [normal(1, whole)], move |g, x| {
        let parts = ops::split(g, x[0], dim, &extents)?;
        Ok(if both { parts } else { vec![parts[1]] })
    })
    .forward(move |x| -> Vec<Vec<f64>> {
        let parts = [(0, extents[0]), (extents[0], extents[1])];
        parts[usize::from(!both)..].iter().map(|(start, m)| reference::take(around, *start, *m, &x[0])).collect()
    })
    .backward(move |_, dy| -> Vec<f64> {
        let second = reference::pad(around, extents[0], extents[1], &dy[usize::from(both)]);
        let first = if both { reference::pad(around, 0, extents[0], &dy[0]) } else { vec![0.0; second.len()] };
        first.iter().zip(second).map(|(a, b)| a + b).collect()
    })
}

/// A tensor filled by three parts; the first two are read before the third comes, and the whole at the end.
fn filled(dim: usize, extents: [usize; 3]) -> Case {
    let shape = move |extent: usize| {
        let mut s = [2, 3, 4];
        s[dim] = extent;
        s
    };
    let [a, b, c] = extents;
    let inputs = [0, 1, 2].map(|i| normal(i as u64, shape(extents[i])));
    let around = Shape::from(shape(a + b + c)).around(dim);
    Case::new("append", format!("{extents:?} along {dim}"), inputs, move |g, x| {
        let first = ops::reserve(g, x[0], dim, a + b + c)?;
        let second = ops::append(g, first, dim, a, x[1])?;
        let whole = ops::append(g, second, dim, a + b, x[2])?;
        // Read after the third part came, of the tensor as it was before.
        let early = ops::slice(g, second, dim, 0, a + b)?;
        Ok([ops::scale(g, whole, 3.0)?, early])
    })
    .forward(move |x| -> [Vec<f64>; 2] {
        let [p, q, r] = [(0, 0), (1, a), (2, a + b)].map(|(i, start)| reference::pad(around, start, extents[i], &x[i]));
        let whole: Vec<f64> = (0..p.len()).map(|i| p[i] + q[i] + r[i]).collect();
        [whole.iter().map(|v| 3.0 * v).collect(), reference::take(around, 0, a + b, &whole)]
    })
    .backward(move |_, dy| -> [Vec<f64>; 3] {
        let early = reference::pad(around, 0, a + b, &dy[1]);
        let all: Vec<f64> = dy[0].iter().zip(early).map(|(w, e)| 3.0 * w + e).collect();
        [(0, a), (a, b), (a + b, c)].map(|(start, m)| reference::take(around, start, m, &all))
    })
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let slices =
        [([1, 1, 1], 0, 0, 1), ([3, 7, 5], 1, 2, 7), ([3, 7, 5], 2, 0, 1), ([2, 129, 3], 1, 128, 129), ([5, 2, 131], 0, 1, 4)];
    let concats = [(0, [1, 3, 2]), (1, [1, 16, 5]), (2, [7, 1, 130])];
    slices.map(|(shape, dim, start, end)| slice(shape, dim, start, end)).into_iter().chain(concats.map(|(d, e)| concat(d, e)))
        .chain([(0, [1, 3]), (1, [16, 5]), (2, [7, 130])].into_iter().flat_map(|(d, e)| [split(d, e, true), split(d, e, false)]))
        .chain(concats.map(|(d, e)| filled(d, e)))
        .collect()
}
