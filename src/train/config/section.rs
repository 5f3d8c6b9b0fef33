//! The sections of a configuration. Real numbers are f64 so that they print as they were written.

use serde::{Deserialize, Serialize};

use super::words::*;
pub use crate::augment::{Augment, Cutout, HorizontalMixup, Mixup, RandomCut, SaltPepper, SpecAugment};
pub use crate::features::{Frontend, Image};
pub use crate::models::Model;

/// `[train]`: how the network learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// Seed of everything random.
    pub seed: u64,
    /// Clips per step.
    pub batch: usize,
    /// Parts a batch is computed in, for memory; they divide it.
    pub micro_batches: usize,
    /// Numbers that products multiply.
    pub precision: Precision,
    /// Computes what the backward pass needs from inside a residual block or a transformer layer a second time, for memory.
    pub recompute: bool,
    /// Stages in order.
    pub stages: Vec<StageName>,
    /// Optimiser.
    pub optimiser: Optimiser,
    /// Loss of the emotion task; the speaker task has cross-entropy.
    pub loss: Loss,
    /// Share of the label spread over all classes.
    pub label_smoothing: f64,
    /// Exponent of the focal loss.
    pub focal_gamma: f64,
    /// Decay of all weights per step, times the learning rate.
    pub weight_decay: f64,
    /// Decay rates of AdamW's moments; the second is RMSprop's too.
    pub betas: [f64; 2],
    /// Added to the denominators of AdamW and RMSprop.
    pub eps: f64,
    /// Momentum of SGD and RMSprop.
    pub momentum: f64,
    /// Largest gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    /// Learning-rate schedule.
    pub schedule: Schedule,
    /// Factor of the step schedule.
    pub step_gamma: f64,
    /// Epochs between its steps.
    pub step_epochs: usize,
    /// Epochs of linear warm-up at the start of a stage; fractions count.
    pub warmup_epochs: f64,
    /// Decay of the weights' moving average per step; 0 for none.
    pub ema: f64,
    /// Epochs without improvement on the validation set before a stage ends; 0 for never.
    pub early_stopping: usize,
    /// Frozen layers keep their batch-norm statistics too.
    pub bn_frozen: bool,
    /// Weight of the speaker loss in the joint stage.
    pub joint_alpha: f64,
    /// Every class is drawn equally often.
    pub class_balanced: bool,
}

/// `[stage.*]`: what differs between stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    /// `[stage.voiceprint]`
    pub voiceprint: Stage,
    /// `[stage.emotion]`
    pub emotion: Stage,
    /// `[stage.finetune]`
    pub finetune: Stage,
    /// `[stage.single]`
    pub single: Stage,
    /// `[stage.joint]`
    pub joint: Stage,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Passes over the training set.
    pub epochs: usize,
    /// Base learning rate.
    pub lr: f64,
    /// Whether images are augmented.
    pub augment: bool,
}
