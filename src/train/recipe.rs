//! What a checkpoint must carry so that nothing else is needed (configuration, what the heads' outputs stand for, normalisation), and
//! the graphs of network and losses that follow from it.

use super::calibration::{Calibration, divided};
use super::config::{Config, Head, Stage, Target};
use super::distil::{self, Lesson, Taught};
use super::rooms::Rooms;
use super::task;
use crate::augment::{self, Levels, PairInputs};
use crate::compile::Options;
use crate::frontend::{Inputs, frames};
use crate::graph::{Graph, Shape, Var};
use crate::kernels::TunedCache;
use crate::models::{Network, TRUNK};
use crate::nn::{Context, Params};
use crate::{Error, Result, ops};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The network and its surroundings, independent of weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recipe {
    /// The whole configuration, front end and image included.
    pub config: Config,
    /// Heads by the name of their task, and what each output stands for: classes, speakers, columns.
    pub heads: BTreeMap<String, Vec<String>>,
    /// Mean over the training split of each part of an input: channels of images, features of sequences (over their own frames).
    pub mean: Vec<f32>,
    /// Standard deviation of each part over the training split.
    pub std: Vec<f32>,
    /// Tasks that some training clips have no target of; these clips do not count in the task's loss.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub partial: BTreeSet<String>,
    /// The teacher it learns from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught: Option<Taught>,
    /// What was found on validation, by the name of the task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calibration: BTreeMap<String, Calibration>,
    /// Hash of all clips, and the split.
    pub data_hash: String,
    /// Variants chosen by measurement, so that the same ones compute later on.
    #[serde(rename = "choices", default, skip_serializing_if = "TunedCache::is_empty")]
    pub tuned: TunedCache,
}

/// What enters the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Inputs, before normalisation; of those that differ in length as long as they get.
    Raw,
    /// Inputs that differ in length, filled up to so many frames.
    Frames(usize),
    /// Features of a frozen trunk, computed beforehand.
    Features,
}

/// A stage's graph up to its loss.
pub struct StageGraph {
    /// The graph.
    pub graph: Graph,
    /// Scalar loss.
    pub loss: Var,
    /// Parameters it uses, by name.
    pub used: BTreeMap<String, Var>,
    /// What can be read beside the loss: [`io::FEATURES`], [`io::logits`] of the stage's tasks, and what the network marks.
    pub results: BTreeMap<String, Var>,
}

/// Names of program inputs and outputs.
pub mod io {
    /// Inputs of the network, or features.
    pub const X: &str = "x";
    /// Valid frames (B) of each input, unsigned integers, where inputs differ in length.
    pub const LENGTHS: &str = "lengths";
    /// Factor of the loss, with half precision.
    pub const LOSS_SCALE: &str = "loss_scale";
    /// Loss.
    pub const LOSS: &str = "loss";
    /// Features of the trunk.
    pub const FEATURES: &str = "features";
    /// A vector per input.
    pub const EMBEDDING: &str = "embedding";

    /// Targets (B, K) of a task.
    pub fn target(task: &str) -> String {
        format!("{task}.target")
    }

    /// Weights (B) of the rows in a task's loss, where some have no target.
    pub fn weight(task: &str) -> String {
        format!("{task}.weight")
    }

    /// Logits (B, K) of a task's head.
    pub fn logits(task: &str) -> String {
        format!("{task}.logits")
    }
}

impl Recipe {
    /// The recipe of a run whose data have these classes and training speakers, without normalisation. Heads are those of the tasks of
    /// the run's stages.
    ///
    /// # Errors
    /// [`Error::Config`] for stages or tasks that are not there.
    pub fn untrained(config: Config, classes: &[String], speakers: &[String]) -> Result<Self> {
        let mut heads = BTreeMap::new();
        for (_, stage) in config.stages()? {
            for (name, _) in stage.tasks() {
                let task = config.task.get(name).ok_or_else(|| Error::Config(format!("no task {name}")))?;
                let outputs = match &task.target {
                    Target::Label => classes.to_vec(),
                    Target::Speaker => speakers.to_vec(),
                    Target::Columns(columns) => columns.clone(),
                    // Whoever has the teacher knows.
                    Target::Teacher => Vec::new(),
                };
                heads.insert(name.to_string(), outputs);
            }
        }
        let parts = config.inputs()?.normalised();
        Ok(Recipe {
            config,
            heads,
            mean: vec![0.0; parts],
            std: vec![1.0; parts],
            partial: BTreeSet::new(),
            taught: None,
            calibration: BTreeMap::new(),
            data_hash: String::new(),
            tuned: TunedCache::new(),
        })
    }

    /// The task a stage is judged by: the first by name that the network's own head learns, else the first.
    pub fn judged_task<'a>(&self, stage: &'a Stage) -> &'a str {
        let main = |name: &str| self.config.task.get(name).is_some_and(|t| t.head == Head::Main);
        let names: Vec<&str> = stage.tasks().map(|(name, _)| name).collect();
        names.iter().find(|name| main(name)).or(names.first()).copied().unwrap_or_default()
    }

    /// The task a model answers: that of the last stage which is judged by the network's own head, else of the last stage.
    ///
    /// # Errors
    /// [`Error::Config`] for stages that are not there.
    pub fn answered_task(&self) -> Result<&str> {
        let judged: Vec<&str> = self.config.stages()?.iter().rev().map(|(_, stage)| self.judged_task(stage)).collect();
        let main = judged.iter().find(|name| self.config.task.get(**name).is_some_and(|t| t.head == Head::Main));
        Ok(main.or(judged.first()).copied().unwrap_or_default())
    }

    /// What the outputs of a task's head stand for.
    pub fn outputs(&self, task: &str) -> &[String] {
        self.heads.get(task).map_or(&[], Vec::as_slice)
    }

    /// What the head of a task says: the answer to its logits over the temperature that was found.
    pub fn answer(&self, task: &str, logits: &[f32]) -> Vec<f32> {
        self.config.task[task].loss.answer(&divided(logits, self.temperature(task)))
    }

    /// Logits, but for a constant that a softmax does not see, to which [`Recipe::answer`] says this.
    pub fn logits_of(&self, task: &str, answer: &[f32]) -> Vec<f32> {
        let temperature = self.temperature(task);
        self.config.task[task].loss.logits_of(answer).into_iter().map(|l| l * temperature).collect()
    }

    fn temperature(&self, task: &str) -> f32 {
        self.calibration.get(task).map_or(1.0, |c| c.temperature)
    }

    /// Whether a stage trains on features of a frozen trunk that nothing changes from epoch to epoch, and of which there are as many for
    /// inputs of every length.
    pub fn caches_features(&self, stage: &Stage) -> bool {
        let frozen = !stage.trains(TRUNK) && self.config.train.bn_frozen && !self.augments(stage);
        let of = |rooms: Rooms, frames| self.feature_shape(Source::Frames(rooms.least(frames))).ok();
        frozen && self.config.inputs().is_ok_and(|i| Rooms::of(&i).is_none_or(|r| of(r, 1) == of(r, r.most())))
    }

    /// Whether a stage changes its inputs: augmentation is for images and frames, whatever the stage asks for.
    pub fn augments(&self, stage: &Stage) -> bool {
        let changes = |inputs: Inputs| match inputs {
            Inputs::Images(..) => true,
            Inputs::Frames(..) => self.config.augment.changes_frames(),
            Inputs::Sequences(..) | Inputs::Vectors(..) | Inputs::Signals(..) => false,
        };
        stage.augment && self.config.inputs().is_ok_and(changes)
    }

    /// Shape of one network input, without the batch.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn input_shape(&self, source: Source) -> Result<Vec<usize>> {
        let mut shape = self.config.input_shape()?;
        match source {
            Source::Raw => Ok(shape),
            Source::Frames(frames) => {
                shape[0] = frames;
                Ok(shape)
            }
            Source::Features => self.feature_shape(Source::Raw),
        }
    }

    /// Shape of the features of one input, without the batch.
    fn feature_shape(&self, source: Source) -> Result<Vec<usize>> {
        let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
        let mut cx = Context::new(&mut g, &mut params, false);
        let x = self.enter(&mut cx, 1, source)?;
        let x = self.centre(cx.g, x)?;
        let features = self.config.network()?.features(&mut cx, x)?;
        Ok(g.shape(features)[1..].to_vec())
    }

    /// Declares what enters the network, and where inputs differ in length, how many frames of each are valid.
    fn enter(&self, cx: &mut Context, batch: usize, source: Source) -> Result<Var> {
        let x = cx.input(io::X, [&[batch], &self.input_shape(source)?[..]].concat());
        if source != Source::Features && matches!(self.config.inputs()?, Inputs::Frames(..)) {
            cx.lengths = Some(cx.input(io::LENGTHS, [batch]));
        }
        Ok(x)
    }

    /// Whether inputs of a stage are mixed with each other. Not where speakers are learnt: two voices mixed are no third.
    pub fn mixes(&self, stage: &Stage) -> bool {
        let a = &self.config.augment;
        let speakers = stage.tasks().any(|(name, _)| self.config.task.get(name).is_some_and(|t| t.target == Target::Speaker));
        self.augments(stage) && !speakers && a.mixup.ratio + a.horizontal_mixup.ratio > 0.0
    }

    /// Whether training a stage repeats inputs that differ in length to the end of their room: where the network asks for it, and where they
    /// are warped, which turns them around their end.
    ///
    /// # Errors
    /// Settings that make no network.
    pub fn repeats(&self, stage: &Stage) -> Result<bool> {
        Ok(self.config.network()?.repeats() || (self.augments(stage) && self.config.augment.warp.prob > 0.0))
    }

    fn features(&self, cx: &mut Context, network: &dyn Network, source: Source, x: Var) -> Result<Var> {
        if source == Source::Features {
            return Ok(x);
        }
        let x = self.centre(cx.g, x)?;
        let x = self.normalise(cx.g, x)?;
        cx.group(TRUNK, network.scope(TRUNK), |cx| network.features(cx, x))
    }

    /// Logits (B, K) of a task's head.
    fn logits(&self, cx: &mut Context, network: &dyn Network, task: &str, features: Var) -> Result<Var> {
        self.in_group(cx, network, task, |cx, outputs, main| match main {
            true => network.head(cx, features, outputs),
            false => network.auxiliary(cx, features, outputs),
        })
    }

    /// Logits (B, K) of all that a task trains.
    fn heads(&self, cx: &mut Context, network: &dyn Network, task: &str, features: Var) -> Result<Vec<Var>> {
        self.in_group(cx, network, task, |cx, outputs, main| match main {
            true => network.heads(cx, features, outputs),
            false => Ok(vec![network.auxiliary(cx, features, outputs)?]),
        })
    }

    /// Builds a head, of so many outputs and the network's own or a light one, where its parameters belong.
    fn in_group<T>(
        &self,
        cx: &mut Context,
        network: &dyn Network,
        task: &str,
        build: impl FnOnce(&mut Context, usize, bool) -> Result<T>,
    ) -> Result<T> {
        let outputs = self.outputs(task).len();
        if outputs == 0 {
            return Err(Error::Config(format!("the data have nothing for task {task} to learn, so it has no head")));
        }
        let main = self.config.task.get(task).is_none_or(|t| t.head == Head::Main);
        cx.group(task, network.scope(task), |cx| build(cx, outputs, main))
    }

    /// How to compile its graphs, in single precision.
    pub fn options(&self) -> Options {
        Options { tuned: Arc::new(self.tuned.clone()), ..Options::default() }
    }

    /// The network in evaluation mode on `batch` inputs, with the results `results`: [`io::logits`] of a task, [`io::FEATURES`],
    /// [`io::EMBEDDING`], and what the network [marks](Context::mark).
    ///
    /// # Errors
    /// Shape errors of the network; a result it does not have.
    pub fn inference(&self, params: &mut Params, batch: usize, source: Source, results: &[&str]) -> Result<Graph> {
        let network = self.config.network()?;
        let mut g = Graph::new();
        let mut cx = Context::new(&mut g, params, false);
        let x = self.enter(&mut cx, batch, source)?;
        let features = self.features(&mut cx, &*network, source, x)?;
        let mut all = BTreeMap::from([(io::FEATURES.to_string(), features)]);
        for task in self.heads.keys() {
            all.insert(io::logits(task), self.logits(&mut cx, &*network, task, features)?);
        }
        all.insert(io::EMBEDDING.to_string(), network.embedding(&mut cx, features)?);
        all.extend(cx.marks().clone());
        for name in results {
            let value = all.get(*name).ok_or_else(|| Error::Graph(format!("the network has no result {name}")))?;
            g.output(name, *value);
        }
        Ok(g)
    }

    /// Augmentation, network and loss of a stage on `batch` inputs. The loss is the sum of the tasks' losses times their weights.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn training(&self, params: &mut Params, stage: &Stage, batch: usize, source: Source) -> Result<StageGraph> {
        let (network, train) = (self.config.network()?, &self.config.train);
        let mut g = Graph::new();
        let mut cx = Context::new(&mut g, params, true);
        cx.freeze_statistics = train.bn_frozen;
        let x = self.enter(&mut cx, batch, source)?;
        let x = if source != Source::Features { self.augment(&mut cx, stage, batch, x)? } else { x };
        let features = self.features(&mut cx, &*network, source, x)?;
        let mut results = BTreeMap::from([(io::FEATURES.to_string(), features)]);
        let mut total: Option<Var> = None;
        for (name, weight) in stage.tasks() {
            let logits = self.heads(&mut cx, &*network, name, features)?;
            if let [logits] = logits.as_slice() {
                results.insert(io::logits(name), *logits);
            }
            let mut loss = self.loss(&mut cx, name, &logits)?;
            if weight != 1.0 {
                loss = ops::scale(cx.g, loss, weight as f32)?;
            }
            total = Some(match total {
                Some(sum) => ops::add(cx.g, sum, loss)?,
                None => loss,
            });
        }
        let loss = total.ok_or_else(|| Error::Config("a stage without tasks has no loss".into()))?;
        results.extend(cx.marks().clone());
        let used = cx.used().clone();
        Ok(StageGraph { graph: g, loss, used, results })
    }

    /// The loss of a task, summed over what it trains, the teacher's share included.
    fn loss(&self, cx: &mut Context, task: &str, heads: &[Var]) -> Result<Var> {
        let shape: Shape = heads.first().map_or_else(|| Shape(Vec::new()), |z| cx.g.shape(*z).clone());
        let inputs = |cx: &mut Context, key: &str| {
            let target = cx.input(&io::target(key), shape.clone());
            (target, self.partial.contains(key).then(|| cx.input(&io::weight(key), [shape[0]])))
        };
        let (target, rows) = inputs(cx, task);
        let (of, distil) = (&self.config.task[task], &self.config.distil);
        let lesson = self.taught.as_ref().map(|t| t.lesson);
        let teacher = (of.target == Target::Label && lesson == Some(Lesson::Answers)).then(|| inputs(cx, &distil::key(task)));
        let mut total: Option<Var> = None;
        for logits in heads {
            let own = task::loss(cx.g, of, &self.config.train, *logits, target, rows)?;
            let loss = match (&of.target, teacher, lesson) {
                (_, Some((teacher, rows)), _) => distil::loss(cx.g, distil, own, *logits, teacher, rows)?,
                (Target::Label, None, Some(_)) => ops::scale(cx.g, own, (1.0 - distil.share) as f32)?,
                (Target::Teacher, None, Some(_)) => ops::scale(cx.g, own, distil.share as f32)?,
                _ => own,
            };
            total = Some(match total {
                Some(sum) => ops::add(cx.g, sum, loss)?,
                None => loss,
            });
        }
        total.ok_or_else(|| Error::Config(format!("task {task} trains no head")))
    }

    /// Names under which batches of a stage carry targets: its tasks, and what a teacher says beside them.
    pub fn learnt(&self, stage: &Stage) -> Vec<String> {
        let mut names: Vec<String> = stage.tasks().map(|(task, _)| task.to_string()).collect();
        if self.taught.as_ref().is_some_and(|t| t.lesson == Lesson::Answers) {
            let labels = stage.tasks().filter(|(task, _)| self.config.task.get(*task).is_some_and(|t| t.target == Target::Label));
            names.extend(labels.map(|(task, _)| distil::key(task)));
        }
        names
    }

    fn augment(&self, cx: &mut Context, stage: &Stage, batch: usize, x: Var) -> Result<Var> {
        if !self.augments(stage) {
            return Ok(x);
        }
        let (rng, _) = cx.random();
        let pairs = self.mixes(stage).then(|| PairInputs::declare(cx.g, batch));
        if let Inputs::Frames(..) = self.config.inputs()? {
            return augment::frames(cx.g, x, rng, pairs.as_ref(), &self.config.augment, frames::MIDDLE);
        }
        let levels = Levels { low: 0.0, high: 1.0, fill: self.mean.first().copied().unwrap_or(0.0) };
        augment::augment(cx.g, x, rng, pairs.as_ref(), &self.config.augment, &levels)
    }
}
