//! Squared hinge of decisions.

use super::row_mean::mean_loss;
use super::{Case, awkward, fixed, normal};
use crate::kernels::Target;
use crate::ops;
use crate::reference::squared_hinge as reference;

fn mean(rows: usize, cols: usize, scale: f64) -> Case {
    let size = (rows, cols);
    let decision = normal(rows as u64, [rows, cols]).map(move |z| z * scale);
    let target = fixed(5, [rows, cols]).map(|t| f64::from(u8::from(t > 0.3)));
    mean_loss(
        "squared hinge",
        format!("{size:?} at scale {scale}"),
        [decision, target],
        ops::squared_hinge,
        move |z, t| reference::forward(size, z, t),
        move |z, t, dloss| reference::backward(size, z, t, dloss),
    )
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(64).into_iter().flat_map(|rows| [(1, 1.0), (4, 20.0), (7, 1.0)].map(|(cols, scale)| mean(rows, cols, scale))).collect()
}
