//! Cases of `pointwise.wgsl` (also add_broadcast and mul_broadcast) and `copy.wgsl`.

use crate::case::{awkward, check, normal, tol};
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::pointwise as reference;

#[test]
fn add_mul_affine() {
    for n in awkward(128) {
        let (a, b) = (normal(1, [n]), normal(2, [n]));
        check(
            &format!("3·(a + b)·b + 1 of {n}"),
            tol::EXACT,
            &[a, b],
            |g, x| {
                let sum = ops::add(g, x[0], x[1])?;
                let product = ops::mul(g, sum, x[1])?;
                Ok(vec![ops::affine(g, product, 3.0, 1.0)?])
            },
            |x| vec![x[0].iter().zip(&x[1]).map(|(a, b)| 3.0 * (a + b) * b + 1.0).collect()],
            |x, dy| {
                let da = x[1].iter().zip(&dy[0]).map(|(b, d)| 3.0 * b * d).collect();
                let db = (0..x[0].len()).map(|i| 3.0 * (x[0][i] + 2.0 * x[1][i]) * dy[0][i]).collect();
                vec![Some(da), Some(db)]
            },
        );
    }
}

/// A grid past 65 535 workgroups is folded and still covers every element.
#[test]
fn folded_grid() {
    let n = 65_536 * 128 + 5;
    let x = normal(3, [n]);
    check(
        "affine past 65 535 workgroups",
        tol::EXACT,
        &[x],
        |g, x| Ok(vec![ops::affine(g, x[0], 2.0, -1.0)?]),
        |x| vec![x[0].iter().map(|v| 2.0 * v - 1.0).collect()],
        |_, dy| vec![Some(dy[0].iter().map(|d| 2.0 * d).collect())],
    );
}

/// A sum and a product of `a` with `b` repeated, in either order.
fn repeated(a: &[usize], b: &[usize], around: (usize, usize, usize)) {
    for product in [false, true] {
        for exchanged in [false, true] {
            check(
                &format!("{a:?} and {b:?}, product {product}, exchanged {exchanged}"),
                tol::SUM,
                &[normal(1, a), normal(2, b)],
                |g, x| {
                    let (a, b) = if exchanged { (x[1], x[0]) } else { (x[0], x[1]) };
                    Ok(vec![if product { ops::mul(g, a, b)? } else { ops::add(g, a, b)? }])
                },
                |x| vec![reference::broadcast(around, product, &x[0], &x[1])],
                |x, dy| reference::broadcast_backward(around, product, &x[0], &x[1], &dy[0]).map(Some).to_vec(),
            );
        }
    }
}

#[test]
fn the_smaller_operand_is_repeated() {
    for n in awkward(128) {
        repeated(&[3, n], &[1, n], (3, n, 1));
        repeated(&[2, 3, n], &[n], (6, n, 1));
        repeated(&[n, 3], &[n, 1], (1, n, 3));
    }
    repeated(&[5, 7, 12], &[7, 12], (5, 84, 1));
    repeated(&[4, 6, 3, 5], &[1, 6, 1, 1], (4, 6, 15));
    repeated(&[4, 6, 3, 5], &[6, 1, 1], (4, 6, 15));
    repeated(&[2, 1, 3], &[2, 1, 1], (1, 2, 3));
    repeated(&[9, 1, 4], &[4], (9, 4, 1));
    repeated(&[1, 3], &[3], (1, 3, 1));
    repeated(&[7, 5], &[], (35, 1, 1));
    repeated(&[65_537, 8], &[8], (65_537, 8, 1));
}

#[test]
fn what_cannot_be_repeated_is_named() {
    for (a, b) in [(vec![4, 5, 6], vec![4, 1, 6]), (vec![4, 5], vec![4]), (vec![4, 5], vec![2, 5]), (vec![1, 5], vec![5, 1])] {
        let mut g = Graph::new();
        let x = [g.input("a", a.clone()), g.input("b", b.clone())];
        for got in [ops::add(&mut g, x[0], x[1]), ops::mul(&mut g, x[1], x[0])] {
            let message = got.err().map(|e| e.to_string()).unwrap_or_default();
            let named = [&a, &b].iter().all(|s| message.contains(&emotone::graph::Shape((*s).clone()).to_string()));
            assert!(named, "{a:?} and {b:?}: {message}");
        }
    }
}

/// `x · stop_gradient(x)` has the gradient `dy · x`, not twice that.
#[test]
fn a_stopped_gradient_is_a_constant() {
    check(
        "x · stop_gradient(x)",
        tol::EXACT,
        &[normal(1, [37])],
        |g, x| {
            let constant = ops::stop_gradient(g, x[0])?;
            Ok(vec![ops::mul(g, x[0], constant)?])
        },
        |x| vec![x[0].iter().map(|v| v * v).collect()],
        |x, dy| vec![Some(x[0].iter().zip(&dy[0]).map(|(x, d)| x * d).collect())],
    );
    let mut g = Graph::new();
    let x = g.input("x", [1]);
    let y = ops::stop_gradient(&mut g, x).expect("view");
    assert!(g.grad(y, &[x]).is_err(), "nothing differentiable depends on x");
}
