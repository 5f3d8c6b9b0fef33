//! The loss of the emotion task.

use super::config::{Loss, Train};
use crate::Result;
use crate::graph::{Graph, Var};
use crate::ops;

/// `logits` (B, K) and soft labels `target` (B, K) to a scalar mean over the batch.
///
/// # Errors
/// Shape errors of the ops.
pub fn emotion_loss(g: &mut Graph, train: &Train, logits: Var, target: Var) -> Result<Var> {
    let smoothing = train.label_smoothing as f32;
    match train.loss {
        Loss::CrossEntropy => ops::cross_entropy(g, logits, target, None, smoothing),
        Loss::FocalBce => ops::focal_bce(g, logits, target, None, train.focal_gamma as f32, smoothing),
        Loss::Bce => ops::bce_with_logits(g, logits, target, None),
    }
}
