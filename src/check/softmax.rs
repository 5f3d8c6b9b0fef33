//! Softmax along any axis, rows shorter and longer than a workgroup.

use super::{Case, LENGTHS, awkward, normal, tol};
use crate::kernels::Target;
use crate::graph::Shape;
use crate::ops;
use crate::reference::softmax as reference;

/// Softmax of `shape` along `dim`.
pub fn case(shape: impl Into<Shape>, dim: usize) -> Case {
    let x = normal(1, shape);
    let around = x.shape.around(dim);
    Case::new("softmax", format!("{} along {dim}", x.shape), [x], move |g, x| ops::softmax(g, x[0], dim))
        .forward(move |x| reference::forward(around, &x[0]))
        .backward(move |x, dy| reference::backward(around, &reference::forward(around, &x[0]), &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let axes = |n| [([2, n, 1], 1), ([1, 3, n], 2), ([n, 2, 3], 0), ([2, 5, n], 1), ([16, n, 5], 1)];
    let mut all: Vec<Case> = awkward(128).into_iter().flat_map(axes).map(|(shape, dim)| case(shape, dim)).collect();
    for n in LENGTHS {
        all.extend(axes(n).into_iter().take(3).map(|(shape, dim)| case(shape, dim).doctor(true)));
    }
    all
}
