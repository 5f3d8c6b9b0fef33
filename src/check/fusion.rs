//! Ops that take their producers in: values, gradients, and the launches it saves.

use super::{Case, normal, tol};
use crate::kernels::Target;
use crate::kernels::matmul::{SUBGROUP, Variant};
use crate::kernels::panel::Panel;
use crate::ops::{self, LayerNormMode};
use crate::reference::matmul::{self, Extents};
use crate::reference::{channel_scale, layer_norm, squeeze_excite};

/// A case, and the launches that fusion saves in its forward pass and in one with all gradients.
type Saving = (Case, Option<[usize; 2]>);

fn positive(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| v.max(0.0)).collect()
}

fn where_positive(y: &[f64], d: &[f64]) -> Vec<f64> {
    y.iter().zip(d).map(|(y, d)| if *y > 0.0 { *d } else { 0.0 }).collect()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// A residual block's end: relu(s u + a), the sum in either order.
fn scale_add_relu([b, c, inner]: [usize; 3], swapped: bool) -> Saving {
    let inputs = [normal(1, [b, c, inner, 1]), normal(2, [b, c]), normal(3, [b, c, inner, 1])];
    let sum = move |x: &[Vec<f64>]| plus(&channel_scale::forward(inner, &x[0], &x[1]), &x[2]);
    let case = Case::new("relu(s u + a)", format!("{b}x{c}x{inner}, swapped {swapped}"), inputs, move |g, x| {
        let scaled = ops::channel_scale(g, x[0], x[1])?;
        let sum = if swapped { ops::add(g, x[2], scaled)? } else { ops::add(g, scaled, x[2])? };
        ops::relu(g, sum)
    })
    .forward(move |x| positive(&sum(x)))
    .backward(move |x, dy| {
        let d = where_positive(&sum(x), &dy[0]);
        let (du, ds) = channel_scale::backward(inner, &x[0], &x[1], &d);
        [du, ds, d]
    });
    (case.tolerance(tol::SUM), Some([2, 2]))
}

/// Squeeze-excitation from the feature maps on: the gradients through the factors and through the means meet in one pass.
fn squeeze_and_scale([b, c, h, w]: [usize; 4]) -> Saving {
    let (inner, r) = (h * w, 2);
    let means = move |u: &[f64]| u.chunks(inner).map(|row| row.iter().sum::<f64>() / inner as f64).collect::<Vec<f64>>();
    let inputs = [normal(1, [b, c, h, w]), normal(2, [r, c]), normal(3, [c, r])];
    let case = Case::new("s(mean u) u", format!("{b}x{c}x{h}x{w}"), inputs, |g, x| {
        let m = ops::global_avg_pool(g, x[0])?;
        let s = ops::squeeze_excite(g, m, x[1], x[2])?;
        ops::channel_scale(g, x[0], s)
    })
    .forward(move |x| channel_scale::forward(inner, &x[0], &squeeze_excite::forward([b, c, r], &means(&x[0]), &x[1], &x[2]).1))
    .backward(move |x, dy| {
        let m = means(&x[0]);
        let (_, s) = squeeze_excite::forward([b, c, r], &m, &x[1], &x[2]);
        let (du, ds) = channel_scale::backward(inner, &x[0], &s, &dy[0]);
        let [dm, dw1, dw2] = squeeze_excite::backward([b, c, r], &m, &x[1], &x[2], &ds);
        let du = du.iter().enumerate().map(|(i, d)| d + dm[i / inner] / inner as f64).collect();
        [du, dw1, dw2]
    });
    (case.tolerance(tol::SUM), Some([0, 2]))
}

/// relu(a + b), and a sum that somebody else reads as well, which stays.
fn add_then_relu(kept: bool) -> Saving {
    let case = Case::new("relu(a + b)", format!("sum kept {kept}"), [normal(1, [3, 5]), normal(2, [3, 5])], move |g, x| {
        let sum = ops::add(g, x[0], x[1])?;
        let y = ops::relu(g, sum)?;
        Ok(if kept { vec![y, sum] } else { vec![y] })
    })
    .forward(move |x| {
        let sum = plus(&x[0], &x[1]);
        if kept { vec![positive(&sum), sum] } else { vec![positive(&sum)] }
    })
    .backward(move |x, dy| {
        let d = where_positive(&plus(&x[0], &x[1]), &dy[0]);
        let d = if kept { plus(&d, &dy[1]) } else { d };
        [d.clone(), d]
    });
    (case, (!kept).then_some([1, 1]))
}

/// y = x + LN(x): the gradient of the norm takes the other path's in.
fn norm_beside_a_residual_path(rows: usize, n: usize, mode: LayerNormMode) -> Saving {
    let unbiased = mode == LayerNormMode::UnbiasedStd;
    let inputs = [normal(1, [rows, n]), normal(2, [n]), normal(3, [n])];
    let case = Case::new("x + norm of x", format!("{rows} x {n} {mode:?}"), inputs, move |g, x| {
        let y = ops::layer_norm(g, x[0], x[1], x[2], mode, 1e-5)?;
        ops::add(g, x[0], y)
    })
    .forward(move |x| plus(&x[0], &layer_norm::forward(&x[0], &x[1], &x[2], 1e-5, unbiased)))
    .backward(move |x, dy| {
        let (dx, dw, db) = layer_norm::backward(&x[0], &x[1], 1e-5, unbiased, &dy[0]);
        [plus(&dx, &dy[0]), dw, db]
    });
    (case.tolerance(tol::SUM), Some([0, 1]))
}

/// relu(a bᵀ + bias), seen under another shape.
fn product_then_relu(variant: Variant, [m, n, k]: [usize; 3]) -> Saving {
    let e = Extents { batch: 1, m, n, k, transposed: [false, true] };
    let sum = move |x: &[Vec<f64>]| -> Vec<f64> {
        matmul::forward(e, &x[0], &x[1]).iter().enumerate().map(|(i, y)| y + x[2][i % n]).collect()
    };
    let inputs = [normal(1, [1, m, k]), normal(2, [1, n, k]), normal(3, [n])];
    let case = Case::new("relu(a b + c)", format!("{variant:?} {e:?}"), inputs, move |g, x| {
        let y = ops::matmul_with(g, x[0], x[1], Some(x[2]), e.transposed, 1.0, variant)?;
        let y = ops::reshape(g, y, [m * n])?;
        ops::relu(g, y)
    })
    .forward(move |x| positive(&sum(x)))
    .backward(move |x, dy| {
        let d = where_positive(&sum(x), &dy[0]);
        let (da, db) = matmul::backward(e, &x[0], &x[1], &d);
        let bias = (0..n).map(|j| d.iter().skip(j).step_by(n).sum()).collect();
        [da, db, bias]
    });
    (case.tolerance(tol::SUM), Some([1, 1]))
}

/// The cases with what fusion saves.
pub fn savings(target: &Target) -> Vec<Saving> {
    let ends = [[1, 1, 1], [2, 3, 7], [3, 17, 64], [2, 5, 4], [4, 33, 300]];
    let mut all: Vec<Saving> = ends.into_iter().flat_map(|e| [scale_add_relu(e, false), scale_add_relu(e, true)]).collect();
    all.extend([[1, 1, 1, 1], [2, 5, 3, 4], [3, 16, 2, 2], [2, 33, 13, 11]].map(squeeze_and_scale));
    all.extend([false, true].map(add_then_relu));
    for (rows, n) in [(1, 2), (5, 33), (130, 64), (3, 513)] {
        let modes = [LayerNormMode::Standard, LayerNormMode::UnbiasedStd];
        all.extend(modes.map(|mode| norm_beside_a_residual_path(rows, n, mode)));
    }
    let mut variants = vec![Variant::Tile, Variant::Panel(Panel::ALL[3]), Variant::Row { slices: 3 }];
    if target.subgroup_size == Some(SUBGROUP) {
        variants.push(Variant::Subgroup);
        variants.extend(target.int64.then_some(Variant::Wide));
    }
    for variant in variants {
        all.extend([[17, 34, 16], [65, 66, 40], [3, 130, 8]].map(|e| product_then_relu(variant, e)));
    }
    all
}

/// The cases.
pub fn cases(target: &Target) -> Vec<Case> {
    savings(target).into_iter().map(|(case, _)| case).collect()
}
