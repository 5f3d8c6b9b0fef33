//! What a network is to those who train and ask it.

use crate::gpu::Device;
use crate::graph::Var;
use crate::nn::layers::linear;
use crate::nn::{Context, Weights};
use crate::range::within;
use crate::{Error, Result, ops};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::sync::Arc;
use toml::Table;

/// Group of the parameters that [`Network::features`] builds. The parameters of a head are in the group of the head's task.
pub const TRUNK: &str = "trunk";

/// What a network takes, without the batch; it decides which front end feeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// An image (C, H, W) of mel bands over time.
    Image,
    /// A sequence (T, F) of feature vectors.
    Sequence,
    /// Frames (T, F) of log-mel bands, as many as the recording has and an even number of them. Batches are filled up with zeros behind
    /// each, and [`Context::lengths`](crate::nn::Context::lengths) says how many are valid.
    Frames,
    /// A vector (F) of statistics of a recording.
    Vector,
    /// A flat row of signals and an image, one after the other: (C, L) of each signal, (C, S, S) of the image. What has no channels is
    /// absent.
    Signal {
        /// Channels of the electrocardiogram.
        ecg: usize,
        /// Channels of the electroencephalogram.
        eeg: usize,
        /// Channels of the image of speech.
        audio: usize,
        /// Samples of a signal.
        length: usize,
    },
}

/// A network: a trunk that makes features of inputs, and heads that make outputs of features. It knows layers and shapes, but no
/// stage of training and no data, and of tasks only the names under which their weights were published ([`Network::scope`]).
///
/// What `--recompute` may compute a second time is marked where it is built, with [`Context::block`](crate::nn::Context::block).
pub trait Network: Debug + Send + Sync {
    /// The kind of input it takes.
    fn input(&self) -> Input;

    /// Checks its settings, and that it takes inputs of `shape` (without the batch). By default nothing is wrong.
    ///
    /// # Errors
    /// [`Error::Config`] naming the key, its value and what is allowed.
    fn check(&self, shape: &[usize]) -> Result<()> {
        let _ = shape;
        Ok(())
    }

    /// The trunk: inputs (B, ...) to features (B, C, ...). Where it is frozen and inputs do not change, its features are computed once
    /// for the whole corpus.
    ///
    /// # Errors
    /// Shape errors of the ops.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var>;

    /// The network's own head: features to (B, outputs).
    ///
    /// # Errors
    /// Shape errors of the ops.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var>;

    /// What is trained in the head's place: all of these logits have the task's loss, and training's is their sum. By default the head's.
    ///
    /// # Errors
    /// Shape errors of the ops.
    fn heads(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Vec<Var>> {
        Ok(vec![self.head(cx, features, outputs)?])
    }

    /// Results of the network ([`Context::mark`](crate::nn::Context::mark)) from which parameters are found after a stage, where some are;
    /// by default none.
    fn settled_by(&self) -> Vec<String> {
        Vec::new()
    }

    /// Parameters that are found, not trained, by name: from the results of [`Network::settled_by`], each with a row per validation input,
    /// and the inputs' targets.
    ///
    /// # Errors
    /// What keeps the network from finding them.
    fn settle(&self, results: &[Vec<Vec<f32>>], targets: &[Vec<f32>]) -> Result<Weights> {
        let _ = (results, targets);
        Ok(Weights::new())
    }

    /// A light head for what the trunk learns on the way: features to (B, outputs). By default a linear layer on the embedding.
    ///
    /// # Errors
    /// Shape errors of the ops.
    fn auxiliary(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let flat = self.embedding(cx, features)?;
        linear(cx, flat, outputs, true)
    }

    /// Whether training repeats inputs of frames to the end of the room they have in a batch, where there would be zeros otherwise. It should
    /// where batch statistics must count speech alone; without them [`Context::lengths`](crate::nn::Context::lengths) says what is valid. By
    /// default it does not.
    fn repeats(&self) -> bool {
        false
    }

    /// A vector per input, to compare recordings by: features to (B, C). By default the mean of each channel.
    ///
    /// # Errors
    /// Shape errors of the ops.
    fn embedding(&self, cx: &mut Context, features: Var) -> Result<Var> {
        let shape = cx.g.shape(features).clone();
        if shape.rank() <= 2 {
            return Ok(features);
        }
        let inner = shape[2..].iter().product::<usize>();
        let rows = ops::reshape(cx.g, features, [shape[0], shape[1], inner])?;
        ops::mean(cx.g, rows, 2)
    }

    /// How many blocks of the trunk lie above the one a parameter of it belongs to; its learning rate is multiplied by
    /// `stage.NAME.layer_decay` as often. By default none: the trunk learns at one rate.
    fn blocks_above(&self, parameter: &str) -> usize {
        let _ = parameter;
        0
    }

    /// The scope of a group's parameters, where names must be those of weights published elsewhere. By default the group's name.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        group
    }

    /// How it is solved, where it is not trained by steps. By default it is.
    fn solver(&self) -> Option<&dyn Solver> {
        None
    }

    /// Settings, `model.key=value`, with which its gradient is the derivative of its loss, where a part of it counts as a constant to the
    /// gradient otherwise. By default none is needed.
    fn derivable(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether computing blocks a second time saves it memory. Not where its first layer alone takes most of it.
    fn recomputable(&self) -> bool {
        true
    }

    /// Whether tensors are weights that [`Network::import`] reads, so that `--weights` may name them too. By default none are.
    fn imports(&self, foreign: &Weights) -> bool {
        let _ = foreign;
        false
    }

    /// Weights published under other names (torchvision's, timm's), renamed and fitted to inputs of `shape`.
    ///
    /// # Errors
    /// When it knows no other names, or a tensor is missing or of another shape.
    fn import(&self, foreign: &Weights, shape: &[usize]) -> Result<Weights> {
        let _ = (foreign, shape);
        Err(Error::Config("this network imports no weights published under other names; --weights takes models of ours".into()))
    }
}

/// What a network is solved on: a value of each list for each example, a clip or a version of one.
#[derive(Clone)]
pub struct Examples<'a> {
    /// Its input, or the trunk's features of it ([`Solver::on_features`]).
    pub inputs: Vec<&'a [f32]>,
    /// Its class.
    pub classes: Vec<usize>,
    /// What is to be answered to it, a value for each class. Empty where that is 1 for its own class and −1 for the rest.
    pub answers: Vec<Vec<f32>>,
    /// Number of classes.
    pub outputs: usize,
    /// Number of its corpus.
    pub corpora: Vec<usize>,
    /// The corpus for whose clips the answers are; none where they are for clips of any other corpus, and all of these weigh the same.
    pub home: Option<usize>,
    /// Number of its speaker, counted through over all corpora; none where unknown.
    pub speakers: Vec<Option<usize>>,
    /// 0 for the clip itself, for a copy of it made for training which kind of copy.
    pub versions: Vec<usize>,
    /// Number of the clip that it is a version of.
    pub originals: Vec<usize>,
    /// What it counts, more than 0, in the sum that is least ([`Solver::weighs`]).
    pub weights: Vec<f64>,
    /// Number of the recording that it is of: windows of a long one have the same, and versions of one clip.
    pub recordings: Vec<usize>,
    /// Values of the head's parameters to start from, by their names within it; empty where there are none.
    pub given: &'a Weights,
}

impl<'a> Examples<'a> {
    /// Clips of one corpus, of unknown speakers, without copies, and nothing to start from.
    pub fn of(inputs: Vec<&'a [f32]>, classes: Vec<usize>, outputs: usize, given: &'a Weights) -> Self {
        let n = inputs.len();
        Examples {
            inputs,
            classes,
            answers: Vec::new(),
            outputs,
            corpora: vec![0; n],
            home: Some(0),
            speakers: vec![None; n],
            versions: vec![0; n],
            originals: (0..n).collect(),
            weights: vec![1.0; n],
            recordings: (0..n).collect(),
            given,
        }
    }
}

/// What solving found.
#[derive(Debug, Clone, Default)]
pub struct Solution {
    /// Values of the trunk's parameters and statistics, by their names within it.
    pub trunk: Weights,
    /// Values of the head's parameters, by their names within it.
    pub head: Weights,
    /// Settings that are known only now; they are kept with the model.
    pub settings: Table,
    /// The objective of each of its problems, as good as it was found.
    pub objective: Vec<f64>,
    /// How far each may be from its optimum: the distance to a bound that no solution passes.
    pub gap: Vec<f64>,
    /// What the head answers to examples, by their number, when it is solved without their speaker ([`Solver::holds_out`]).
    pub held_out: Vec<(usize, Vec<f32>)>,
    /// What the head answers, on the average, to as many recordings of each class, where solving says so; else that is found on the answers to clips
    /// it was solved without.
    pub centre: Vec<f32>,
    /// What these answers leave out at a time, in a word: parts of what.
    pub divided_by: &'static str,
}

/// What a network does that is solved, not stepped.
pub trait Solver {
    /// Whether it is solved on features of the trunk, whose weights are given, in the place of inputs. By default it is not, and has no others.
    fn on_features(&self) -> bool {
        false
    }

    /// Whether a solution says what it answers to clips whose speaker it does not know: then it needs no others for validation. By default not.
    fn holds_out(&self) -> bool {
        false
    }

    /// Whether examples count by their weights. By default all count alike.
    fn weighs(&self) -> bool {
        false
    }

    /// Weights and settings from all training clips at once. `progress` hears how many of how many problems are solved; its error ends the
    /// work.
    ///
    /// # Errors
    /// That of `progress`; data that it cannot be solved on; device faults.
    fn solve(&self, device: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution>;
}

/// What registering a network takes besides [`Network`]: its fields are the keys of `[model]`.
pub trait Settings: Network + Serialize + DeserializeOwned + 'static {
    /// The value of `model.name`.
    const NAME: &'static str;

    /// Its settings at a size: `tiny` for tests and the demo, `small` for a few processor cores, `paper` as published.
    fn preset(size: &str) -> Self;

    /// What else of a configuration goes with the network at a size, as TOML that is laid over the built-in one where `model.name` selects
    /// the network: images, stages, losses, optimiser. By default nothing. A user's own values are laid over it in turn.
    fn config(size: &str) -> &'static str {
        let _ = size;
        ""
    }
}

/// Checks `model.blocks`: how many each stage has, and the number of stages.
pub(super) fn check_blocks(blocks: &[usize]) -> Result<()> {
    within("model.blocks (their number)", blocks.len(), 1, 6)?;
    blocks.iter().try_for_each(|n| within("model.blocks", *n, 1, 100))
}

/// [`Network::scope`] of a network whose trunk and emotion head are at the root of names.
pub(super) fn rooted(group: &str) -> &str {
    if group == TRUNK || group == "emotion" { "" } else { group }
}

/// [`Settings::config`] of a network that the paper trains in one stage, and published for colour images.
pub(super) fn single_stage(size: &str) -> &'static str {
    match size {
        "paper" => "[image]\nchannels = 3\n[train]\nstages = [\"single\"]\n",
        _ => "[train]\nstages = [\"single\"]\n",
    }
}
