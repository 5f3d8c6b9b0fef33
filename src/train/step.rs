//! A step of training as a value: what it takes, how it ends, and where a stage stands after it.

use super::loss_scale::LossScale;
use super::recipe::io;
use crate::augment::{PairInputs, Pairs};
use crate::compile::Program;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A batch, or a micro-batch, as the host prepares it.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Inputs or features, row after row; inputs that differ in length with zeros behind them, up to one length.
    pub x: Vec<f32>,
    /// Valid frames of each row, where inputs differ in length; none where all are.
    pub lengths: Vec<u32>,
    /// Soft targets of each task of the stage.
    pub targets: BTreeMap<String, Vec<f32>>,
    /// What rows count, 0 for those without a target, of each task whose clips do not all count alike.
    pub weights: BTreeMap<String, Vec<f32>>,
    /// Mixtures, where the stage makes them.
    pub pairs: Option<Pairs>,
}

impl Batch {
    /// Writes it as the inputs of a training program.
    ///
    /// # Errors
    /// Another number of values than the program takes.
    pub fn write(&self, p: &Program) -> Result<()> {
        p.write(io::X, &self.x)?;
        match p.input_shape(io::LENGTHS).and(p.input_shape(io::X)) {
            Some(x) if self.lengths.is_empty() => p.write_u32(io::LENGTHS, &vec![x[1] as u32; x[0]])?,
            Some(_) => p.write_u32(io::LENGTHS, &self.lengths)?,
            None => {}
        }
        for (task, values) in &self.targets {
            p.write(&io::target(task), values)?;
        }
        for (task, values) in &self.weights {
            p.write(&io::weight(task), values)?;
        }
        self.pairs.as_ref().map_or(Ok(()), |pairs| PairInputs::write(p, pairs))
    }
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
