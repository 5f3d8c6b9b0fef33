//! A step of training as a value: what it takes, how it ends, and where a stage stands after it.

use super::loss_scale::LossScale;
use crate::augment::Pairs;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A batch, or a micro-batch, as the host prepares it.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Inputs or features, row after row.
    pub x: Vec<f32>,
    /// Soft targets of each task of the stage.
    pub targets: BTreeMap<String, Vec<f32>>,
    /// 1 for rows with a target and 0 for others, of each task that some clips have no target of.
    pub weights: BTreeMap<String, Vec<f32>>,
    /// Mixtures, where the stage makes them.
    pub pairs: Option<Pairs>,
}

/// What one update did.
#[derive(Debug, Clone, Copy)]
pub struct Update {
    /// Mean loss over the batch.
    pub loss: f64,
    /// Global gradient norm before clipping; 0 for a step that was skipped for half precision's sake.
    pub norm: f64,
}

/// How an update ended.
#[derive(Debug)]
pub enum Step {
    /// It was made.
    Done(Update),
    /// A number was not finite, and the update does not count.
    Diverged {
        /// [`Error::NonFinite`] with the first such value, where it could be found.
        error: Error,
        /// Whether everything is as it was before. Where the gradients were finite and only the loss was not, weights have moved.
        intact: bool,
    },
}

impl Step {
    /// The update, where it was made.
    ///
    /// # Errors
    /// [`Error::NonFinite`] where it diverged.
    pub fn done(self) -> Result<Update> {
        match self {
            Step::Done(update) => Ok(update),
            Step::Diverged { error, .. } => Err(error),
        }
    }
}

/// Where a stage stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs completed.
    pub epoch: usize,
    /// Steps completed in the epoch.
    pub step: usize,
    /// Updates made.
    pub updates: u64,
    /// Factor of the loss, with half precision.
    pub loss_scale: Option<LossScale>,
    /// Sum of losses in the epoch so far.
    pub loss_sum: f64,
    /// Sum of gradient norms in the epoch so far.
    pub norm_sum: f64,
    /// Seconds trained.
    pub seconds: f64,
    /// Clips trained on.
    pub clips: u64,
}

/// One of several learners that share a batch between them, each with a part of it: data-parallel training. A worker's random numbers
/// and batch statistics are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}
