//! Cases of `slice.wgsl`: slice_fwd slice_bwd concat_part.

use crate::case::{check, normal, tol};
use emotone::ops;
use emotone::reference::slice as reference;

#[test]
fn slices_along_any_axis() {
    for (shape, dim, start, end) in
        [([1, 1, 1], 0, 0, 1), ([3, 7, 5], 1, 2, 7), ([3, 7, 5], 2, 0, 1), ([2, 129, 3], 1, 128, 129), ([5, 2, 131], 0, 1, 4)]
    {
        let x = normal(1, shape);
        let around = x.shape.around(dim);
        check(
            &format!("{start}..{end} of {} along {dim}", x.shape),
            tol::EXACT,
            &[x],
            |g, x| Ok(vec![ops::slice(g, x[0], dim, start, end)?]),
            |x| vec![reference::take(around, start, end - start, &x[0])],
            |_, dy| vec![Some(reference::pad(around, start, end - start, &dy[0]))],
        );
    }
}

#[test]
fn concat_along_any_axis() {
    for (dim, extents) in [(0, [1, 3, 2]), (1, [1, 16, 5]), (2, [7, 1, 130])] {
        let shape = |e: usize| {
            let mut s = [2, 3, 4];
            s[dim] = e;
            s
        };
        let total = extents.iter().sum();
        let mut whole = shape(total);
        whole[dim] = total;
        let around = emotone::graph::Shape::from(whole).around(dim);
        let starts = [0, extents[0], extents[0] + extents[1]];
        check(
            &format!("concat {extents:?} along {dim}"),
            tol::EXACT,
            &[normal(1, shape(extents[0])), normal(2, shape(extents[1])), normal(3, shape(extents[2]))],
            |g, x| Ok(vec![ops::concat(g, x, dim)?]),
            |x| {
                let mut y = vec![0.0; whole.iter().product()];
                for (i, x) in x.iter().enumerate() {
                    let placed = reference::pad(around, starts[i], extents[i], x);
                    y.iter_mut().zip(placed).for_each(|(y, p)| *y += p);
                }
                vec![y]
            },
            |_, dy| (0..3).map(|i| Some(reference::take(around, starts[i], extents[i], &dy[0]))).collect(),
        );
    }
}
