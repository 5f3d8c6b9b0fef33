//! The sections of a configuration. Real numbers are f64 so that they print as they were written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::*;
pub use crate::augment::{Augment, Cutout, Daarip, HorizontalMixup, Mixup, RandomCut, SaltPepper, SpecAugment, Version, Warp};
pub use crate::frontend::{Frames, Frontend, Image, Sequence, Signal, Vector};

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
    pub stages: Vec<String>,
    /// Optimiser.
    pub optimiser: Optimiser,
    /// Share of the label spread over all classes.
    pub label_smoothing: f64,
    /// Exponent of the focal loss.
    pub focal_gamma: f64,
    /// Decay of all weights per step, times the learning rate.
    pub weight_decay: f64,
    /// Decay rates of AdamW's averages; the second is RMSprop's too.
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
    /// Some training clips are kept for validation, by which the weights of an epoch are chosen; else all are trained on, and the last weights
    /// are kept.
    #[serde(default = "yes")]
    pub validate: bool,
    /// Epochs without improvement on the validation set before a stage ends; 0 for never.
    pub early_stopping: usize,
    /// Frozen layers keep their batch-norm statistics too.
    pub bn_frozen: bool,
    /// Every class is drawn equally often.
    pub class_balanced: bool,
    /// Copies of each recording that training takes beside it: slower, faster, telephone, noise. Networks that are solved take them all,
    /// others one or the recording itself in each epoch. Earlier versions made none.
    #[serde(default)]
    pub copies: Vec<Version>,
    /// The final test is made a second time on six views of each image.
    pub tta: bool,
}

/// `[distil]`: how a teacher's answers are learnt, where a run has a teacher (Hinton et al. 2015, "Distilling the knowledge in a neural
/// network").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distil {
    /// Divides the logits of teacher and student before they are compared: the higher, the more the improbable classes say.
    pub temperature: f64,
    /// Share of the teacher in a loss; the labels have the rest.
    pub share: f64,
}

impl Train {
    /// Inputs that are computed at a time, in training and in evaluation.
    pub fn rows(&self) -> usize {
        self.batch / self.micro_batches
    }
}

/// `[task.NAME]`: what a head learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Where its targets come from.
    pub target: Target,
    /// Which head of the network learns it.
    pub head: Head,
    /// Its loss.
    pub loss: Loss,
    /// What it is validated by.
    pub metric: Metric,
}

/// Where the targets of a task come from: `label`, `speaker`, or `column:NAME,...`: numbers in columns of a manifest (one for a number
/// such as valence; one per class for the probabilities of a teacher), or `teacher`: the embeddings of the run's teacher.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The emotion label.
    Label,
    /// The training speaker.
    Speaker,
    /// Numbers in columns of the manifest.
    Columns(Vec<String>),
    /// Embeddings of the run's teacher.
    Teacher,
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), text.strip_prefix("column:")) {
            ("label", _) => Ok(Target::Label),
            ("speaker", _) => Ok(Target::Speaker),
            ("teacher", _) => Ok(Target::Teacher),
            (_, Some(names)) if !names.split(',').any(|n| n.trim().is_empty()) => {
                let names: Vec<String> = names.split(',').map(|n| n.trim().to_string()).collect();
                match names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
                    Some((_, twice)) => Err(format!("{text:?} names column {twice} twice")),
                    None => Ok(Target::Columns(names)),
                }
            }
            _ => Err(format!("{text:?} is not one of label, speaker, column:NAME, column:NAME,NAME,... or teacher")),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        match target {
            Target::Label => "label".into(),
            Target::Speaker => "speaker".into(),
            Target::Teacher => "teacher".into(),
            Target::Columns(names) => format!("column:{}", names.join(",")),
        }
    }
}

/// `[stage.NAME]`: what differs between stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Groups of parameters that are trained: `trunk`, and the names of tasks for their heads.
    pub trains: Vec<String>,
    /// Passes over the training set.
    pub epochs: usize,
    /// Base learning rate.
    pub lr: f64,
    /// Base learning rate of the trunk, where it is to learn at another (a pretrained one more slowly than its new head); 0 for the same.
    #[serde(default)]
    pub trunk_lr: f64,
    /// Factor of the trunk's learning rate from each of its blocks to the one below it (Howard & Ruder 2018).
    #[serde(default = "one")]
    pub layer_decay: f64,
    /// Whether images and frames are augmented. Other inputs never are.
    pub augment: bool,
    /// Tasks by name, and the weights of their losses; 0 for a task that is left out.
    pub tasks: BTreeMap<String, f64>,
}

impl Stage {
    /// Whether parameters of a group are trained.
    pub fn trains(&self, group: &str) -> bool {
        self.trains.iter().any(|g| g == group)
    }

    /// Names of its tasks and the weights of their losses.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, f64)> {
        self.tasks.iter().filter(|(_, weight)| **weight > 0.0).map(|(name, weight)| (name.as_str(), *weight))
    }
}

/// What versions did that had no choice.
fn yes() -> bool {
    true
}

/// The value of a factor that changes nothing.
fn one() -> f64 {
    1.0
}
