//! What a run tells its caller while it works: programs draw bars or print lines from it, the run itself prints nothing.

use super::report::RunResult;
use crate::data::LeftOut;
use serde::{Deserialize, Serialize};

/// One epoch's record, a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Stage.
    pub stage: String,
    /// Epoch from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Mean gradient norm before clipping.
    pub norm: f64,
    /// Learning rate of the last update.
    pub lr: f64,
    /// Validation recall averaged over classes.
    pub valid_uar: Option<f64>,
    /// Validation accuracy.
    pub valid_wa: Option<f64>,
    /// Validation macro F1.
    pub valid_macro_f1: Option<f64>,
    /// Validation concordance, where the stage learns numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_ccc: Option<f64>,
    /// Whether this epoch's weights are the best so far.
    pub best: bool,
}

/// Something worth showing.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A line of the opening summary (adapter, data, plan).
    Summary(&'a str),
    /// Something the user should know about.
    Warning(&'a str),
    /// Inputs were left out; the file that holds all of them, if one does.
    LeftOut(&'a LeftOut, Option<&'a std::path::Path>),
    /// Preparation went on: what, done, total.
    Preparing(&'static str, usize, usize),
    /// A stage begins at an epoch and step.
    Stage {
        /// The stage.
        stage: &'a str,
        /// Epochs in all.
        epochs: usize,
        /// Steps per epoch.
        steps: usize,
        /// Updates already made (on resuming).
        done: usize,
    },
    /// A step was made.
    Step {
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Clips per second since the stage began.
        clips_per_s: f64,
        /// Updates made in this stage.
        done: usize,
    },
    /// An epoch ended.
    Epoch(&'a EpochRecord),
    /// A stage ended.
    StageEnd(&'a str),
    /// State was saved.
    Saved(&'a std::path::Path),
    /// The run is complete.
    Finished(&'a RunResult),
    /// One of several folds begins, or is found complete.
    Fold(Fold<'a>),
    /// A fold is complete, now or before.
    FoldEnd(Fold<'a>, &'a RunResult),
    /// Share of all folds that is done, in \[0, 1\].
    Share(f64),
}

/// Where a run of several folds stands.
#[derive(Debug, Clone, Copy)]
pub struct Fold<'a> {
    /// The fold.
    pub name: &'a str,
    /// Its number from 1, over all seeds.
    pub at: usize,
    /// Folds in all, over all seeds.
    pub of: usize,
}

/// How much of a run is done, by what it tells.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Epochs of all stages.
    all: usize,
    /// Epochs of the stages before this one, and of this one.
    before: usize,
    epochs: usize,
    steps: usize,
}

impl Done {
    /// Nothing, of a run of so many epochs in all.
    pub fn new(epochs: usize) -> Self {
        Done { all: epochs.max(1), ..Done::default() }
    }

    /// The share in \[0, 1\] after a step.
    pub fn after(&mut self, event: &Event) -> Option<f64> {
        match event {
            Event::Stage { epochs, steps, .. } => {
                self.before += self.epochs;
                (self.epochs, self.steps) = (*epochs, (*steps).max(1));
                None
            }
            Event::Step { done, .. } => Some((self.before as f64 + *done as f64 / self.steps as f64) / self.all as f64),
            _ => None,
        }
    }
}

/// Receives events.
pub type Observer<'a> = dyn FnMut(Event) + 'a;
