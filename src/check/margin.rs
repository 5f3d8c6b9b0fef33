//! Margin loss of capsule lengths.

use super::row_mean::mean_loss;
use super::{Case, awkward, fixed, normal};
use crate::kernels::Target;
use crate::ops::{self, Margin};
use crate::reference::margin as reference;

fn mean(rows: usize, cols: usize, constants: Margin) -> Case {
    let c = [constants.upper, constants.lower, constants.down].map(f64::from);
    mean_loss(
        "margin",
        format!("({rows}, {cols}), {constants:?}"),
        [normal(rows as u64, [rows, cols]).map(|z| 0.5 + 0.4 * z), fixed(5, [rows, cols]).map(|t| t.abs().min(1.0))],
        move |g, z, t, w| ops::margin(g, z, t, w, constants),
        move |z, t| reference::forward(cols, c, z, t),
        move |z, t, dloss| reference::backward(cols, c, z, t, dloss),
    )
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let kinds = [(4, Margin::default()), (1, Margin::default()), (7, Margin { upper: 0.8, lower: 0.3, down: 1.5 })];
    awkward(64).into_iter().flat_map(|rows| kinds.map(|(cols, constants)| mean(rows, cols, constants))).collect()
}
