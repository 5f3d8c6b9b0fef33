//! The loss of a stage.

use crate::Result;
use crate::graph::{Graph, Var};
use crate::ops;
use serde::{Deserialize, Serialize};

/// Which loss the emotion head is trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Softmax cross-entropy with soft labels.
    CrossEntropy,
    /// Binary focal loss on softmax outputs (the released code).
    FocalBce,
    /// Sigmoid with binary cross-entropy (multi-hot labels).
    Bce,
}

/// `logits` (B, K) and soft labels `target` (B, K) to a scalar mean over the batch.
///
/// # Errors
/// Shape errors of the ops.
pub fn loss(g: &mut Graph, kind: LossKind, logits: Var, target: Var, smoothing: f32, gamma: f32) -> Result<Var> {
    match kind {
        LossKind::CrossEntropy => ops::cross_entropy(g, logits, target, None, smoothing),
        LossKind::FocalBce => ops::focal_bce(g, logits, target, None, gamma, smoothing),
        LossKind::Bce => ops::bce_with_logits(g, logits, target, None),
    }
}
