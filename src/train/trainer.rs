//! One stage from its first step to its best weights: epochs, validation, snapshots.

use super::config::{Metric, MixLabels, Stage, Target};
use super::dataset::Dataset;
use super::early_stop::EarlyStop;
use super::events::{EpochRecord, Event, Observer};
use super::frozen::Frozen;
use super::learner::Learner;
use super::metrics::Confusion;
use super::recipe::{Recipe, Source};
use super::report::StageResult;
use super::rooms::Rooms;
use super::schedule::Schedule;
use super::state::{self, Folder, Progress};
use super::step::{Batch, Step};
use super::task::Measure;
use crate::augment::Pairs;
use crate::data::Batches;
use crate::gpu::Device;
use crate::nn::{Weights, file};
use crate::random::Rng;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What every stage of a run shares.
pub struct RunContext<'a> {
    /// The device.
    pub device: &'a Arc<Device>,
    /// Network and configuration.
    pub recipe: &'a Recipe,
    /// Inputs and targets.
    pub data: &'a Dataset,
    /// The run's files.
    pub folder: &'a Folder,
    /// Set from outside to stop after the current step.
    pub stop: &'a AtomicBool,
    /// Time between snapshots.
    pub save_every: Duration,
    /// Look at every value of every step for what is not finite.
    pub detect_anomaly: bool,
    /// Where features of a frozen trunk are kept for later runs, where they are.
    pub features: Option<&'a Path>,
}

/// Every so many of a speaker's training clips one is kept for validation, where speakers are what a stage learns.
const HELD_OUT: usize = 8;

/// Key of the random stream of copies.
const DRAWN: u64 = 0x6472_6177;

/// A stage being trained.
struct StageRun<'a, 'b> {
    run: &'a RunContext<'a>,
    name: &'a str,
    stage: &'a Stage,
    /// The task it is judged by.
    judged: &'a str,
    learner: Learner,
    /// Features of every utterance and its copies, where the trunk is frozen and nothing changes the inputs.
    features: Option<Vec<Arc<Vec<Vec<f32>>>>>,
    /// How inputs share batches, where they differ in length.
    rooms: Option<Rooms>,
    /// Whether they are repeated to the end of their room.
    repeats: bool,
    valid_rows: Vec<usize>,
    /// What batches carry targets of, and whether their images are mixed: the recipe's answers, for every step.
    learnt: Vec<String>,
    mixes: bool,
    batches: Batches,
    schedule: Schedule,
    early: EarlyStop,
    progress: &'a mut Progress,
    observe: &'a mut Observer<'b>,
    saved: Instant,
}

/// Trains the stage `name` from `weights`, continuing from `progress` and its snapshot where there is one; returns the best weights.
///
/// # Errors
/// [`Error::Interrupted`] after saving, when asked to stop; device faults; [`Error::NonFinite`] after saving what was before the update.
pub fn train_stage(
    run: &RunContext,
    name: &str,
    weights: &Weights,
    snapshot: Option<&Weights>,
    progress: &mut Progress,
    observe: &mut Observer,
) -> Result<Weights> {
    let mut stage = StageRun::new(run, name, weights, snapshot, progress, observe)?;
    let (steps, epochs) = (stage.batches.steps_per_epoch(), stage.stage.epochs);
    (stage.observe)(Event::Stage { stage: name, epochs, steps, done: stage.learner.at.updates as usize });
    while stage.learner.at.epoch < epochs && !stage.early.stop() {
        stage.epoch(steps)?;
        stage.validate_and_keep(steps)?;
    }
    stage.finish()
}

impl<'a, 'b> StageRun<'a, 'b> {
    fn new(
        run: &'a RunContext<'a>,
        name: &'a str,
        weights: &Weights,
        snapshot: Option<&Weights>,
        progress: &'a mut Progress,
        observe: &'a mut Observer<'b>,
    ) -> Result<Self> {
        let (recipe, data, train) = (run.recipe, run.data, &run.recipe.config.train);
        let stage = recipe.config.stage(name)?;
        let (train_rows, valid_rows) = rows(recipe, data, stage);
        // A frozen trunk that nobody has trained is as the seed gives it: in the features, and in the model.
        let complete = if recipe.caches_features(stage) { Some(recipe.complete_weights(weights)?) } else { None };
        let features = complete.as_ref().map(|weights| features(run, weights, observe)).transpose()?;
        let weights = complete.as_ref().unwrap_or(weights);
        let rooms = if features.is_some() { None } else { Rooms::of(&recipe.config.inputs()?) };
        let source = if features.is_some() { Source::Features } else { data.sources(&recipe.config)?[0] };
        let mut learner = Learner::new(run.device, recipe, stage, source, weights)?;
        learner.detect_anomaly = run.detect_anomaly;
        if let Some(s) = snapshot {
            learner.restore(s, progress.at.clone())?;
        }
        let seed = train.seed.wrapping_add(0x517c_c1b7 * (progress.stage as u64 + 1));
        let labels = stage.tasks().any(|(task, _)| recipe.config.task[task].target == Target::Label);
        let batches = match train.class_balanced && labels {
            true => Batches::balanced(&train_rows, &data.class, train.batch, seed)?,
            false => Batches::training(&train_rows, train.batch, seed)?,
        };
        let batches = match rooms {
            Some(rooms) => batches.alike(data.inputs.iter().map(|input| rooms.room(input)).collect())?,
            None => batches,
        };
        let schedule = Schedule::new(train, stage, batches.steps_per_epoch() as u64)?;
        let early = progress.early.take().unwrap_or_else(|| EarlyStop::new(train.early_stopping));
        let (judged, saved) = (recipe.judged_task(stage), Instant::now());
        let (learnt, mixes, repeats) = (recipe.learnt(stage), recipe.mixes(stage), recipe.repeats(stage)?);
        Ok(StageRun {
            run,
            name,
            stage,
            judged,
            learner,
            features,
            rooms,
            repeats,
            valid_rows,
            learnt,
            mixes,
            batches,
            schedule,
            early,
            progress,
            observe,
            saved,
        })
    }

    /// What enters the network of some utterances, and how many frames of each are its own where inputs differ in length.
    fn filled(&self, indices: &[usize]) -> (Vec<f32>, Vec<u32>) {
        let rows = indices.iter().map(|&i| self.drawn(i));
        match self.rooms {
            Some(rooms) => {
                let room = rows.clone().map(|row| rooms.room(row)).max().unwrap_or_default();
                if self.repeats { rooms.repeat(rows, room) } else { rooms.fill(rows, room) }
            }
            None => (rows.flatten().copied().collect(), Vec::new()),
        }
    }

    /// What enters the network of an utterance.
    fn input(&self, i: usize) -> &[f32] {
        self.features.as_ref().map_or(&self.run.data.inputs[i], |f| &f[0][i])
    }

    /// What a training step takes of an utterance: the recording or one of its copies, drawn anew in each epoch.
    fn drawn(&self, i: usize) -> &[f32] {
        let copies = match &self.features {
            Some(features) => &features[1..],
            None => &self.run.data.copies,
        };
        let (seed, epoch) = (self.run.recipe.config.train.seed, self.learner.at.epoch as u64);
        let drawn = if copies.is_empty() { 0 } else { Rng::new(seed, &[DRAWN, epoch, i as u64]).below(copies.len() + 1) };
        // Recordings of corpora that are never tested have no copies.
        match drawn.checked_sub(1).map(|copy| &copies[copy][i]) {
            Some(copy) if !copy.is_empty() => copy,
            _ => self.input(i),
        }
    }

    /// The rest of the epoch, step by step.
    fn epoch(&mut self, steps: usize) -> Result<()> {
        self.batches.seek(self.learner.at.epoch as u64, self.learner.at.step);
        let mut clock = Instant::now();
        while self.learner.at.step < steps {
            let rows = self.batches.next_batch();
            let parts = self.parts(&rows);
            let update = match self.learner.update(&parts, self.schedule.at(self.learner.at.updates))? {
                Step::Done(update) => update,
                Step::Diverged { error, intact } => {
                    self.rescue(intact)?;
                    return Err(error);
                }
            };
            let at = &mut self.learner.at;
            at.step += 1;
            at.clips += rows.len() as u64;
            at.loss_sum += update.loss;
            at.norm_sum += update.norm;
            at.seconds += clock.elapsed().as_secs_f64();
            clock = Instant::now();
            let clips_per_s = at.clips as f64 / at.seconds.max(1e-9);
            let (loss, done) = (at.loss_sum / at.step as f64, at.updates as usize);
            (self.observe)(Event::Step { loss, clips_per_s, done });
            let asked = self.run.stop.load(Ordering::Relaxed);
            if asked || self.saved.elapsed() >= self.run.save_every {
                self.save()?;
                if asked {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(())
    }

    /// The micro-batches of a batch of utterances.
    fn parts(&self, indices: &[usize]) -> Vec<Batch> {
        let (recipe, data) = (self.run.recipe, self.run.data);
        let rows = indices.len() / recipe.config.train.micro_batches;
        let learnt = &self.learnt;
        let part = |(m, indices): (usize, &[usize])| {
            let (x, lengths) = self.filled(indices);
            let pairs = self.mixes.then(|| {
                let classes: Vec<u32> = indices.iter().map(|&i| data.class[i] as u32).collect();
                let augment = &recipe.config.augment;
                let image = augment.daarip.window(recipe.config.image.extents()).1;
                let columns = self.rooms.map_or(image, |rooms| rooms.of_batch(&x, indices.len()));
                Pairs::draw(&classes, columns, augment, self.learner.counter(m))
            });
            let target = |task: &String| {
                let targets: Vec<f32> = indices.iter().flat_map(|&i| data.targets[task].row(i)).collect();
                let classes = recipe.config.task.get(task).is_some_and(|t| matches!(t.target, Target::Label | Target::Speaker));
                let mode = if classes { recipe.config.augment.horizontal_mixup.labels } else { MixLabels::Share };
                let mixed = pairs.as_ref().map(|p| p.labels(&targets, mode));
                (task.clone(), mixed.unwrap_or(targets))
            };
            let targets = learnt.iter().map(target).collect();
            let known = |task: &str, row: usize| {
                let partner = pairs.as_ref().map_or(row, |p| p.partner[row] as usize);
                let both = [row, partner].map(|r| indices[r]);
                let known = both.iter().all(|&i| data.targets[task].known(i));
                if known { (data.weight(both[0]) + data.weight(both[1])) / 2.0 } else { 0.0 }
            };
            let partial = learnt.iter().filter(|task| recipe.partial.contains(*task));
            let weights = partial.map(|task| (task.clone(), (0..indices.len()).map(|r| known(task, r)).collect())).collect();
            Batch { x, lengths, targets, weights, pairs }
        };
        indices.chunks(rows).enumerate().map(part).collect()
    }

    /// Measures the epoch on validation rows, keeps the weights where they are the best so far, and moves to the next epoch.
    fn validate_and_keep(&mut self, steps: usize) -> Result<()> {
        let at = self.learner.at.clone();
        let measure = self.learner.averaged(|l| self.validate(l))?;
        let metric = measure.as_ref().and_then(|m| m.value(self.run.recipe.config.task[self.judged].metric));
        // Without a validation set the last epoch is the best. An epoch whose metric is not defined is worse than any other.
        let score = if measure.is_some() { metric.unwrap_or(f64::MIN) } else { at.epoch as f64 };
        let best = self.early.observe(at.epoch, score);
        if best {
            let weights = self.learner.averaged(Learner::weights)?;
            file::write(&self.run.folder.best(self.name), &weights, &self.run.recipe.to_metadata()?)?;
            if self.run.recipe.config.task[self.judged].target == Target::Speaker {
                self.progress.speaker_accuracy = measure.as_ref().and_then(|m| m.value(Metric::Accuracy));
            }
        }
        let matrix = measure.as_ref().and_then(Measure::confusion);
        let record = EpochRecord {
            stage: self.name.into(),
            epoch: at.epoch + 1,
            loss: at.loss_sum / steps as f64,
            norm: at.norm_sum / steps as f64,
            lr: self.schedule.at(at.updates.saturating_sub(1)),
            valid_uar: matrix.and_then(Confusion::uar),
            valid_wa: matrix.and_then(Confusion::accuracy),
            valid_macro_f1: matrix.and_then(Confusion::macro_f1),
            valid_ccc: metric.filter(|_| matrix.is_none()),
            best,
        };
        (self.observe)(Event::Epoch(&record));
        self.progress.history.push(record);
        let at = &mut self.learner.at;
        (at.epoch, at.step, at.loss_sum, at.norm_sum) = (at.epoch + 1, 0, 0.0, 0.0);
        Ok(())
    }

    /// What the judged head makes of the validation rows; `None` without rows.
    fn validate(&self, learner: &Learner) -> Result<Option<Measure>> {
        let rows = &self.valid_rows;
        if rows.is_empty() {
            return Ok(None);
        }
        let logits = learner.infer(rows.len(), &|r| self.input(rows[r]))?;
        self.run.data.targets[self.judged].measure(rows, &logits)
    }

    /// Saves the last state and gives the best weights.
    fn finish(mut self) -> Result<Weights> {
        self.save()?;
        let at = &self.learner.at;
        let result = StageResult {
            epochs: at.epoch as u64,
            train_seconds: at.seconds,
            clips_per_s: at.clips as f64 / at.seconds.max(1e-9),
            skipped_steps: at.loss_scale.as_ref().map_or(0, |s| s.skipped),
        };
        self.progress.results.insert(self.name.into(), result);
        (self.observe)(Event::StageEnd(self.name));
        let path = self.run.folder.best(self.name);
        if path.exists() { Ok(file::read(&path)?.0) } else { self.learner.weights() }
    }

    /// Saves what was before an update that failed. Where that is not finite either, or no longer there, the state saved before stays.
    fn rescue(&mut self, intact: bool) -> Result<()> {
        let finite = |w: &Weights| w.values().all(|(_, values)| values.iter().all(|v| v.is_finite()));
        if intact && finite(&self.learner.snapshot()?) { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> Result<()> {
        let path = self.run.folder.state();
        self.progress.at.clone_from(&self.learner.at);
        self.progress.early = Some(self.early.clone());
        state::save(&path, self.progress, &self.learner.snapshot()?)?;
        state::write_history(&self.run.folder.metrics(), &self.progress.history)?;
        (self.observe)(Event::Saved(&path));
        self.saved = Instant::now();
        Ok(())
    }
}

/// Rows a stage trains and validates on: those with a target of any of its tasks or of its teacher. Where speakers are learnt, validation has other clips of the same ones.
pub(super) fn rows(recipe: &Recipe, data: &Dataset, stage: &Stage) -> (Vec<usize>, Vec<usize>) {
    let learnt = recipe.learnt(stage);
    let usable = |i: usize| learnt.iter().any(|task| data.targets[task].known(i));
    let train: Vec<usize> = data.split.train.iter().copied().filter(|&i| usable(i)).collect();
    let judged = recipe.judged_task(stage);
    if recipe.config.task[judged].target != Target::Speaker {
        return (train, data.split.valid.clone());
    }
    let mut seen = vec![0usize; data.targets[judged].outputs.len()];
    train.into_iter().partition(|&i| {
        let Some(speaker) = data.targets[judged].class(i) else { return true };
        seen[speaker] += 1;
        !seen[speaker].is_multiple_of(HELD_OUT)
    })
}

/// Features of the frozen trunk for every utterance, and of each of its copies.
pub(super) fn features(run: &RunContext, weights: &Weights, observe: &mut Observer) -> Result<Vec<Arc<Vec<Vec<f32>>>>> {
    let frozen = Frozen { device: run.device, recipe: run.recipe, weights, stop: run.stop };
    let versions: Vec<&[Vec<f32>]> = std::iter::once(&run.data.inputs).chain(&run.data.copies).map(|rows| rows.as_slice()).collect();
    run.data.features.of(&frozen, &versions, run.features, observe)
}
