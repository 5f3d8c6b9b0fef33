//! Sums, products and affine functions of elements.

use super::{Case, awkward, normal, tol};
use crate::kernels::Target;
use crate::graph::Shape;
use crate::ops;
use crate::reference::pointwise as reference;

/// Sum of two tensors.
pub fn add(shape: impl Into<Shape>) -> Case {
    let (a, b) = (normal(1, shape), 2);
    let name = a.shape.to_string();
    let b = normal(b, a.shape.clone());
    Case::new("add", name, [a, b], |g, x| ops::add(g, x[0], x[1]))
        .forward(|x| -> Vec<f64> { x[0].iter().zip(&x[1]).map(|(a, b)| a + b).collect() })
        .backward(|_, dy| [dy[0].clone(), dy[0].clone()])
}

fn affine_of_a_product(n: usize) -> Case {
    Case::new("pointwise", format!("3·(a + b)·b + 1 of {n}"), [normal(1, [n]), normal(2, [n])], |g, x| {
        let sum = ops::add(g, x[0], x[1])?;
        let product = ops::mul(g, sum, x[1])?;
        ops::affine(g, product, 3.0, 1.0)
    })
    .forward(|x| -> Vec<f64> { x[0].iter().zip(&x[1]).map(|(a, b)| 3.0 * (a + b) * b + 1.0).collect() })
    .backward(|x, dy| -> [Vec<f64>; 2] {
        let da = x[1].iter().zip(&dy[0]).map(|(b, d)| 3.0 * b * d).collect();
        let db = (0..x[0].len()).map(|i| 3.0 * (x[0][i] + 2.0 * x[1][i]) * dy[0][i]).collect();
        [da, db]
    })
}

/// A grid past 65 535 workgroups is folded and still covers every element.
fn folded() -> Case {
    let n = 65_536 * 128 + 5;
    Case::new("pointwise", "affine past 65 535 workgroups", [normal(3, [n])], |g, x| ops::affine(g, x[0], 2.0, -1.0))
        .forward(|x| -> Vec<f64> { x[0].iter().map(|v| 2.0 * v - 1.0).collect() })
        .backward(|_, dy| -> Vec<f64> { dy[0].iter().map(|d| 2.0 * d).collect() })
}

/// A sum or a product of `a` with `b` repeated, in either order.
fn repeated(a: &[usize], b: &[usize], around: (usize, usize, usize)) -> Vec<Case> {
    let case = |(product, exchanged): (bool, bool)| {
        let name = format!("{a:?} and {b:?}, product {product}, exchanged {exchanged}");
        Case::new("broadcast", name, [normal(1, a), normal(2, b)], move |g, x| {
            let (a, b) = if exchanged { (x[1], x[0]) } else { (x[0], x[1]) };
            if product { ops::mul(g, a, b) } else { ops::add(g, a, b) }
        })
        .forward(move |x| reference::broadcast(around, product, &x[0], &x[1]))
        .backward(move |x, dy| reference::broadcast_backward(around, product, &x[0], &x[1], &dy[0]))
        .tolerance(tol::SUM)
    };
    [(false, false), (false, true), (true, false), (true, true)].map(case).into()
}

/// `x · stop_gradient(x)` has the gradient `dy · x`, not twice that.
fn stopped() -> Case {
    Case::new("pointwise", "x · stop_gradient(x)", [normal(1, [37])], |g, x| {
        let constant = ops::stop_gradient(g, x[0])?;
        ops::mul(g, x[0], constant)
    })
    .forward(|x| -> Vec<f64> { x[0].iter().map(|v| v * v).collect() })
    .backward(|x, dy| -> Vec<f64> { x[0].iter().zip(&dy[0]).map(|(x, d)| x * d).collect() })
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = vec![folded(), stopped()];
    for n in awkward(128) {
        all.extend([affine_of_a_product(n), add([n])]);
        all.extend(repeated(&[3, n], &[1, n], (3, n, 1)));
        all.extend(repeated(&[2, 3, n], &[n], (6, n, 1)));
        all.extend(repeated(&[n, 3], &[n, 1], (1, n, 3)));
    }
    all.extend(repeated(&[5, 7, 12], &[7, 12], (5, 84, 1)));
    all.extend(repeated(&[4, 6, 3, 5], &[1, 6, 1, 1], (4, 6, 15)));
    all.extend(repeated(&[4, 6, 3, 5], &[6, 1, 1], (4, 6, 15)));
    all.extend(repeated(&[2, 1, 3], &[2, 1, 1], (1, 2, 3)));
    all.extend(repeated(&[9, 1, 4], &[4], (9, 4, 1)));
    all.extend(repeated(&[1, 3], &[3], (1, 3, 1)));
    all.extend(repeated(&[7, 5], &[], (35, 1, 1)));
    all.extend(repeated(&[65_537, 8], &[8], (65_537, 8, 1)));
    all
}
