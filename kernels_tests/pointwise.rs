//! Cases of `pointwise.wgsl` and `copy.wgsl`.

use crate::case::{awkward, check, normal, tol};
use emotone::ops;

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
