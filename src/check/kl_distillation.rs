//! Distillation from a teacher's distribution.

use super::row_mean::mean_loss;
use super::{Case, Input, awkward, given, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::{kl_distillation as reference, noise};

/// Shares that do not sum to 1, some of them 0, so that a gradient or a logarithm that assumes otherwise is caught.
fn shares(seed: u64, rows: usize, cols: usize) -> Input {
    let mut q: Vec<f64> = noise(seed, rows * cols).iter().map(|q| q.exp()).collect();
    for (b, row) in q.chunks_mut(cols).enumerate() {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|q| *q *= 1.25 / sum);
        if cols > 1 && b % 3 == 1 {
            row[b % cols] = 0.0;
        }
    }
    given([rows, cols], q)
}

fn mean(rows: usize, (cols, scale, temperature): (usize, f64, f32)) -> Case {
    let (size, t) = ((rows, cols), f64::from(temperature));
    let logits = normal(rows as u64, [rows, cols]).map(move |z| z * scale);
    mean_loss(
        "kl distillation",
        format!("{size:?}, temperature {temperature}"),
        [logits, shares(3, rows, cols)],
        move |g, z, q, w| ops::kl_distillation(g, z, q, w, temperature),
        move |z, q| reference::forward(size, t, z, q),
        move |z, q, dloss| reference::backward(size, t, z, q, dloss),
    )
}

/// Logits far beyond what exp can take, and a teacher that is sure.
fn extreme() -> Case {
    let logits = given([2, 3], [1e4, -1e4, 0.0, 3e30, -3e30, 0.0]).differentiable();
    let teacher = given([2, 3], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    Case::new("kl distillation", "of extreme logits", [logits, teacher], |g, x| ops::kl_distillation_rows(g, x[0], x[1], 2.0))
        .forward(|_| vec![4e4, 0.0])
        .backward(|_, dy| vec![2.0 * dy[0][0], -2.0 * dy[0][0], 0.0, 0.0, 0.0, 0.0])
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let kinds = [(4, 1.0, 4.0), (1, 1.0, 2.0), (24, 20.0, 1.0), (2, 20.0, 0.5)];
    awkward(64).into_iter().flat_map(|rows| kinds.map(|kind| mean(rows, kind))).chain([extreme()]).collect()
}
