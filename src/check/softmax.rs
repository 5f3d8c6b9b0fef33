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

/// One value is far above the others, so that the gradient is what two nearly equal numbers leave of each other.
fn saturated(shape: impl Into<Shape>, dim: usize) -> Case {
    let x = normal(4, shape);
    let around = x.shape.around(dim);
    let scaled = |x: &[f64]| x.iter().map(|v| 30.0 * v).collect::<Vec<f64>>();
    let op = move |g: &mut crate::graph::Graph, x: crate::graph::Var| {
        let x = ops::scale(g, x, 30.0)?;
        ops::softmax(g, x, dim)
    };
    Case::new("softmax", format!("{} along {dim}, saturated", x.shape), [x], move |g, x| op(g, x[0]))
        .forward(move |x| reference::forward(around, &scaled(&x[0])))
        .backward(move |x, dy| scaled(&reference::backward(around, &reference::forward(around, &scaled(&x[0])), &dy[0])))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let axes = |n| [([2, n, 1], 1), ([1, 3, n], 2), ([n, 2, 3], 0), ([2, 5, n], 1), ([16, n, 5], 1)];
    let mut all: Vec<Case> = awkward(128).into_iter().flat_map(axes).map(|(shape, dim)| case(shape, dim)).collect();
    for n in LENGTHS {
        all.extend(axes(n).into_iter().take(3).map(|(shape, dim)| case(shape, dim).doctor(true)));
    }
    all.extend([([1, 17, 1], 1), ([1, 3, 1], 1), ([1, 1, 300], 2)].map(|(shape, dim)| saturated(shape, dim)));
    all
}
