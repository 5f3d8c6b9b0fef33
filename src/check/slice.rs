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

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let slices =
        [([1, 1, 1], 0, 0, 1), ([3, 7, 5], 1, 2, 7), ([3, 7, 5], 2, 0, 1), ([2, 129, 3], 1, 128, 129), ([5, 2, 131], 0, 1, 4)];
    let concats = [(0, [1, 3, 2]), (1, [1, 16, 5]), (2, [7, 1, 130])];
    slices.map(|(shape, dim, start, end)| slice(shape, dim, start, end)).into_iter().chain(concats.map(|(d, e)| concat(d, e))).collect()
}
