//! Binary cross-entropy of logits.

use super::row_mean::mean_loss;
use super::{Case, awkward, fixed, given, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::bce_with_logits as reference;

fn mean(rows: usize, cols: usize, scale: f64) -> Case {
    let size = (rows, cols);
    let logits = normal(rows as u64, [rows, cols]).map(move |z| z * scale);
    let target = fixed(5, [rows, cols]).map(|t| t.abs().min(1.0));
    mean_loss(
        "bce with logits",
        format!("{size:?} at scale {scale}"),
        [logits, target],
        ops::bce_with_logits,
        move |z, t| reference::forward(size, z, t),
        move |z, t, dloss| reference::backward(size, z, t, dloss),
    )
}

/// Losses much smaller than 1, scaled up, and logits far beyond what exp can take.
fn extreme(logit: f64, target: f64) -> Case {
    let inputs = [given([1, 1], [logit]).differentiable(), given([1, 1], [target])];
    let build = |g: &mut _, x: &mut [_]| {
        let rows = ops::bce_with_logits_rows(g, x[0], x[1])?;
        ops::scale(g, rows, 1e8)
    };
    Case::new("bce with logits", format!("logit {logit}"), inputs, build)
        .forward(|x| vec![1e8 * reference::forward((1, 1), &x[0], &x[1])[0]])
        .backward(|x, dy| reference::backward((1, 1), &x[0], &x[1], &[1e8 * dy[0][0]]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let means = awkward(64).into_iter().flat_map(|rows| [(1, 1.0), (4, 20.0), (7, 1.0)].map(|(cols, scale)| mean(rows, cols, scale)));
    means.chain([(12.0, 1.0), (-20.0, 0.0), (1e5, 0.0), (-3e30, 1.0)].map(|(z, t)| extreme(z, t))).collect()
}
