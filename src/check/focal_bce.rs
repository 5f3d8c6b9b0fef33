//! Focal loss of logits and smoothed labels.

use super::row_mean::mean_loss;
use super::{Case, awkward, fixed, given, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::focal_bce as reference;

fn mean(rows: usize, (cols, gamma, smoothing): (usize, f32, f32)) -> Case {
    let (size, s, f) = ((rows, cols), f64::from(smoothing), f64::from(gamma));
    let target = fixed(5, [rows, cols]).map(|t| t.abs().min(1.0));
    mean_loss(
        "focal bce",
        format!("{size:?}, gamma {gamma}, smoothing {smoothing}"),
        [normal(rows as u64, [rows, cols]).map(|z| 2.0 * z), target],
        move |g, z, t, w| ops::focal_bce(g, z, t, w, gamma, smoothing),
        move |z, t| reference::forward(size, s, f, z, t),
        move |z, t, dloss| reference::backward(size, s, f, z, t, dloss),
    )
}

/// Uniform probabilities, and probabilities equal to the smoothed labels: where the loss has its floor and no slope.
fn golden() -> Case {
    let target = [0.0, 1.0, 0.0, 0.0];
    let optimum = [0.025f64.ln(), 0.925f64.ln(), 0.025f64.ln(), 0.025f64.ln()];
    let inputs = [given([2, 4], [[0.0; 4], optimum].concat()), given([2, 4], [target; 2].concat())];
    let build = |g: &mut _, x: &mut [_]| Ok([ops::focal_bce_rows(g, x[0], x[1], 2.0, 0.1)?, ops::focal_bce(g, x[0], x[1], None, 2.0, 0.1)?]);
    Case::new("focal bce", "golden values", inputs, build)
        .forward(|_| [vec![0.1903, 0.00471], vec![(0.1903 + 0.00471) / 2.0]])
        .tolerance(1e-3)
}

/// Confident rows, wrong and right: probabilities round to 0 and 1, yet loss and gradient are those of the logits.
fn confident() -> Case {
    let logits = given([2, 4], [60.0, 0.0, -1.0, 2.0, -300.0, 300.0, 1.0, 5.0]).differentiable();
    let target = given([2, 4], [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let s = f64::from(0.1f32);
    Case::new("focal bce", "of confident rows", [logits, target], |g, x| ops::focal_bce_rows(g, x[0], x[1], 2.0, 0.1))
        .forward(move |x| reference::forward((2, 4), s, 2.0, &x[0], &x[1]))
        .backward(move |x, dy| reference::backward((2, 4), s, 2.0, &x[0], &x[1], &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let kinds = [(4, 2.0, 0.1), (2, 0.0, 0.0), (7, 1.5, 0.1)];
    awkward(64).into_iter().flat_map(|rows| kinds.map(|kind| mean(rows, kind))).chain([golden(), confident()]).collect()
}
