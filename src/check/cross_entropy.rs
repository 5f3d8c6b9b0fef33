//! Cross-entropy of logits and soft labels.

use super::row_mean::mean_loss;
use super::{Case, Input, awkward, given, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::{cross_entropy as reference, noise};

/// Soft labels: rows of positive shares. Their sums are not 1, so that a gradient that assumes it is caught.
fn labels(seed: u64, rows: usize, cols: usize) -> Input {
    let mut t: Vec<f64> = noise(seed, rows * cols).iter().map(|t| t.exp()).collect();
    for row in t.chunks_mut(cols) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|t| *t *= 1.25 / sum);
    }
    given([rows, cols], t)
}

fn mean(rows: usize, (cols, scale, smoothing): (usize, f64, f32)) -> Case {
    let (size, s) = ((rows, cols), f64::from(smoothing));
    let logits = normal(rows as u64, [rows, cols]).map(move |z| z * scale);
    mean_loss(
        "cross-entropy",
        format!("{size:?}, smoothing {smoothing}"),
        [logits, labels(3, rows, cols)],
        move |g, z, t, w| ops::cross_entropy(g, z, t, w, smoothing),
        move |z, t| reference::forward(size, s, z, t),
        move |z, t, dloss| reference::backward(size, s, z, t, dloss),
    )
}

/// Logits far beyond what exp can take, and labels that are one-hot.
fn extreme() -> Case {
    let logits = given([2, 3], [1e4, -1e4, 0.0, 3e30, -3e30, 0.0]).differentiable();
    let labels = given([2, 3], [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    Case::new("cross-entropy", "of extreme logits", [logits, labels], |g, x| ops::cross_entropy_rows(g, x[0], x[1], 0.0))
        .forward(|_| vec![2e4, 0.0])
        .backward(|_, dy| vec![dy[0][0], -dy[0][0], 0.0, 0.0, 0.0, 0.0])
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let kinds = [(4, 1.0, 0.1), (1, 1.0, 0.1), (24, 20.0, 0.0), (2, 20.0, 0.1)];
    awkward(64).into_iter().flat_map(|rows| kinds.map(|kind| mean(rows, kind))).chain([extreme()]).collect()
}
