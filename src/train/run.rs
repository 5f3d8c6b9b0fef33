//! A whole run: data, stages, test, report.

use super::clips::Clips;
use super::config::{Config, Precision};
use super::continuation::{self, Now};
use super::dataset::{DataSpec, Dataset};
use super::distil::{Lesson, Taught};
use super::events::{Event, Observer};
use super::finish::Trained;
use super::fit::with_fitting_batch;
use super::learner::Learner;
use super::recipe::{Recipe, Source};
use super::recordings::Recordings;
use super::report::RunResult;
use super::settle::settle;
use super::solving::{solve_stage, solved};
use super::start::Start;
use super::state::{self, Folder};
use super::teacher::Teacher;
use super::trainer::{RunContext, train_stage};
use crate::data::{Split, SplitSpec};
use crate::gpu::Device;
use crate::kernels::TunedCache;
use crate::models::TRUNK;
use crate::nn::{Weights, file};
use crate::tune::{self, Tuned};
use crate::{Error, Result, lock::Lock, storage, text};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use super::fit::plans;

/// File in a run's folder that lists the inputs that were left out; absent where none was.
pub const LEFT_OUT: &str = "left_out.csv";

/// What to train, on what, and where the results go.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// Configuration.
    pub config: Config,
    /// Data.
    pub data: DataSpec,
    /// Folder of results; created.
    pub out: PathBuf,
    /// Continue the run in `out`.
    pub resume: bool,
    /// What to start from.
    pub start: Start,
    /// Time between snapshots.
    pub save_every: Duration,
    /// Look at every value of every step for what is not finite; slow.
    pub detect_anomaly: bool,
    /// The folder of a run of which this is a part, and in which it is resumed; none where it stands alone.
    pub part_of: Option<PathBuf>,
    /// Choose kernel variants by measurement, where the run does not go on from a state that has its own.
    pub tune: bool,
    /// What the run was asked for besides its configuration, as JSON of whoever asks: kept in the folder, so that it alone is enough to go on.
    pub request: Option<String>,
    /// Folder that keeps the features of frozen trunks that a run starts with, for later runs; none for nothing to be kept.
    pub features: Option<PathBuf>,
}

impl RunSpec {
    /// A run from the start, saved every half minute.
    pub fn new(config: Config, data: DataSpec, out: impl Into<PathBuf>) -> Self {
        let out: PathBuf = out.into();
        let left_out = data.left_out.clone().unwrap_or_else(|| out.join(LEFT_OUT));
        RunSpec {
            config,
            data: DataSpec { left_out: Some(left_out), ..data },
            out,
            resume: false,
            start: Start::default(),
            save_every: Duration::from_secs(30),
            detect_anomaly: false,
            part_of: None,
            tune: false,
            request: None,
            features: None,
        }
    }
}

/// Runs all stages, tests the final model and writes everything into the folder.
///
/// # Errors
/// Errors of data, device and files, those of the device and [`Error::NonFinite`] with the checkpoint to go on from;
/// [`Error::OutOfMemory`] with the batch size that fits; [`Error::Interrupted`] after a stop, with the state saved.
pub fn run(device: &Arc<Device>, spec: &RunSpec, stop: &AtomicBool, observe: &mut Observer) -> Result<RunResult> {
    let (config, folder, _lock) = begin(spec, observe)?;
    let data = Dataset::prepare(device, &config, &spec.data, observe)?;
    train(device, spec, (&config, &folder, &data), stop, observe)
}

/// A [`run`] on recordings that several runs share, divided by them in the place of `spec.data`.
///
/// # Errors
/// As [`run`].
pub fn run_on(
    device: &Arc<Device>,
    spec: &RunSpec,
    recordings: &mut Recordings,
    split: (&SplitSpec, Split),
    stop: &AtomicBool,
    observe: &mut Observer,
) -> Result<RunResult> {
    let (config, folder, _lock) = begin(spec, observe)?;
    let data = Dataset::of(device, &config, &spec.data, split, recordings, observe)?;
    train(device, spec, (&config, &folder, &data), stop, observe)
}

/// The configuration and the folder, which holds no other run and is written by no other.
fn begin(spec: &RunSpec, observe: &mut Observer) -> Result<(Config, Folder, Lock)> {
    spec.config.check()?;
    let config = spec.data.teacher.as_ref().map_or_else(|| Ok(spec.config.clone()), |t| t.extend(&spec.config))?;
    std::fs::create_dir_all(&spec.out).map_err(Error::io(&spec.out))?;
    let lock = Lock::take(&spec.out)?;
    lock.missing.iter().for_each(|why| observe(Event::Warning(why)));
    let folder = Folder(spec.out.clone());
    if spec.resume && folder.state().exists() {
        let (config, notes) = continuation::settled(&config, &folder)?;
        notes.iter().for_each(|note| observe(Event::Warning(note)));
        return Ok((config, folder, lock));
    }
    if let Some(path) = [folder.state(), folder.model()].into_iter().find(|path| path.exists() && !spec.resume) {
        let reason = format!("a run is here already; go on with it (--resume {}), or choose another --out", text::shell(&spec.out));
        return Err(Error::Checkpoint { path, reason });
    }
    Ok((config, folder, lock))
}

/// Everything after the data.
fn train(
    device: &Arc<Device>,
    spec: &RunSpec,
    (config, folder, data): (&Config, &Folder, &Dataset),
    stop: &AtomicBool,
    observe: &mut Observer,
) -> Result<RunResult> {
    data.check(config)?;
    let mut recipe = recipe(config, data, spec.data.teacher.as_ref())?;
    summarise(&recipe, observe)?;
    let sources = data.sources(config)?;
    let solved = solved(&recipe)?;
    let (goes_on, clips) = (spec.resume && folder.state().exists(), Clips::of(data));
    let now = Now { config, data: &data.hash, clips: &clips, adapter: &device.caps().adapter, solved };
    let (mut progress, mut snapshot, notes) = match goes_on {
        true => now.go_on(folder).map(|(progress, snapshot, notes)| (progress, Some(snapshot), notes))?,
        false => (now.begin()?, None, Vec::new()),
    };
    notes.iter().for_each(|note| observe(Event::Warning(note)));
    if spec.tune && snapshot.is_none() && !solved {
        progress.tuned = tuned(device, &recipe, &sources, observe).map_err(|e| with_fitting_batch(device, &recipe, sources[0], e))?;
    }
    recipe.tuned.clone_from(&progress.tuned);
    // In this order: what is interrupted between finds a state that knows of the change, or none of it.
    if let Some(snapshot) = snapshot.as_ref().filter(|_| !notes.is_empty()) {
        state::save(&folder.state(), &progress, snapshot)?;
    }
    keep(spec, config, folder, &clips, goes_on)?;
    let stages = &config.train.stages;
    let mut weights = start_weights(&recipe, &spec.start, data, observe)?;
    if progress.stage > 0 {
        weights = split(&recipe, &file::read(&folder.best(&stages[progress.stage - 1]))?.0)?.0;
    }
    while let Some(stage) = stages.get(progress.stage) {
        let context = RunContext {
            device,
            recipe: &recipe,
            data,
            folder,
            stop,
            save_every: spec.save_every,
            detect_anomaly: spec.detect_anomaly,
            features: spec.features.as_deref().filter(|_| !trained(config, progress.stage)),
        };
        let done = match solved {
            true => solve_stage(&context, stage, &weights, &mut progress, observe),
            false => train_stage(&context, stage, &weights, snapshot.take().as_ref(), &mut progress, observe).map(|w| (w, recipe.clone())),
        };
        let done = done.map_err(|e| with_fitting_batch(device, &recipe, sources[0], e));
        (weights, recipe) = done.map_err(|e| with_way_out(spec, e))?;
        // An earlier version kept both heads, whatever the stages.
        weights = settle(device, &recipe, data, folder, stage, split(&recipe, &weights)?.0)?;
        progress.next_stage();
    }
    state::write_history(&folder.metrics(), &progress.history)?;
    let result = Trained { device, recipe, data, folder, weights: &weights, progress: &progress }.finish(observe);
    let result = result.map_err(|e| with_way_out(spec, e))?;
    observe(Event::Finished(&result));
    Ok(result)
}

/// Writes what a run needs to go on beside its state.
fn keep(spec: &RunSpec, config: &Config, folder: &Folder, clips: &Clips, goes_on: bool) -> Result<()> {
    spec.request.as_ref().map_or(Ok(()), |text| storage::write(&folder.request(), text.as_bytes()))?;
    // The file of a run that goes on as it began stays as it is: its bytes are part of the run's identity.
    if folder.holds(config).is_none() || !goes_on {
        storage::write(&folder.config(), config.to_toml()?.as_bytes())?;
    }
    clips.write(&folder.clips())
}

/// Whether stages before this one have trained the trunk: its features are of no use to another run.
fn trained(config: &Config, stage: usize) -> bool {
    config.train.stages.iter().take(stage).any(|name| config.stage.get(name).is_some_and(|s| s.trains(TRUNK)))
}

/// The recipe of a run on its data.
fn recipe(config: &Config, data: &Dataset, teacher: Option<&Teacher>) -> Result<Recipe> {
    let mut recipe = Recipe {
        mean: data.mean_std.iter().map(|m| m.0).collect(),
        std: data.mean_std.iter().map(|m| m.1).collect(),
        partial: data.partial(),
        taught: teacher.map(Teacher::taught),
        data_hash: data.hash.clone(),
        ..Recipe::untrained(config.clone(), &data.classes, &data.speakers)?
    };
    // What only the data know of a head: the dimensions of a teacher's embeddings.
    recipe.heads.iter_mut().for_each(|(task, outputs)| outputs.clone_from(&data.targets[task].outputs));
    Ok(recipe)
}

/// The weights to start from, less those that this network has no parameter for.
fn start_weights(recipe: &Recipe, start: &Start, data: &Dataset, observe: &mut Observer) -> Result<Weights> {
    let heard = start.heard_of(&data.digests);
    let start = if heard > 0 {
        observe(Event::Summary(&format!(
            "the model to start from has been trained on {heard} of these recordings: its trunk alone is used, or it would be tested on what it knows"
        )));
        &start.trunk(recipe)?
    } else {
        start
    };
    let (weights, told) = &start.fitted(recipe)?;
    told.iter().for_each(|text| observe(Event::Summary(text)));
    let alone = recipe.config.network()?.solver().is_some_and(|solver| !solver.on_features());
    if !weights.is_empty() && alone {
        let name = recipe.config.model.name();
        return Err(Error::Config(format!("model.name = {name:?} is solved from the data alone: it does not start from weights")));
    }
    let (weights, unknown) = split(recipe, weights)?;
    if let [first, more @ ..] = unknown.as_slice() {
        let others = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        observe(Event::Warning(&format!("of the weights to start from, {first}{others} belong to no parameter of this run's network")));
    }
    Ok(weights)
}

/// The weights that this network has parameters for, and the names of the others. What a saved state holds besides weights (the
/// optimiser's buffers, whose names have a slash) is neither.
fn split(recipe: &Recipe, weights: &Weights) -> Result<(Weights, Vec<String>)> {
    let params = recipe.parameters()?;
    let weights = weights.iter().filter(|(name, _)| !name.contains('/')).map(|(name, values)| (name.clone(), values.clone()));
    let (known, unknown): (Weights, Weights) = weights.partition(|(name, _)| params.get(name).is_some());
    Ok((known, unknown.into_keys().collect()))
}

/// The fastest variants for the training steps of all stages.
fn tuned(device: &Arc<Device>, recipe: &Recipe, sources: &[Source], observe: &mut Observer) -> Result<TunedCache> {
    let mut requests = Vec::new();
    for (_, stage) in recipe.config.stages()? {
        for source in sources {
            requests.extend(Learner::new(device, recipe, stage, *source, &Weights::new())?.plan().problems());
        }
    }
    let half = recipe.config.train.precision == Precision::F16;
    let found = tune::tune(device, &requests, half, &mut |done, all| observe(Event::Preparing("tuning", done, all)))?;
    let Tuned { measured, known, changed, kept, cache } = found;
    observe(Event::Summary(&format!(
        "tuning: {} computations have several variants, {measured} measured now, {known} before; {changed} change theirs",
        cache.len()
    )));
    if !kept {
        observe(Event::Warning(
            "the measurements could not be kept; the next run with --tune will measure again, perhaps with other results",
        ));
    }
    Ok(cache)
}

/// Says how large the network and a training step are.
fn summarise(recipe: &Recipe, observe: &mut Observer) -> Result<()> {
    let params = recipe.parameters()?;
    let (stages, inputs) = (recipe.config.train.stages.join(" -> "), recipe.config.inputs()?);
    let mut text = format!("model: {} parameters, {}; stages: {stages}", params.count(), inputs.describe());
    if recipe.config.stages()?.iter().any(|(_, stage)| stage.augment && !recipe.augments(stage)) {
        text.push_str(&format!("; {} are not augmented", inputs.plural()));
    }
    observe(Event::Summary(&text));
    if let Some(Taught { file, lesson, .. }) = &recipe.taught {
        let d = &recipe.config.distil;
        let temperature = if *lesson == Lesson::Answers { format!(" at temperature {}", d.temperature) } else { String::new() };
        observe(Event::Summary(&format!("teacher: {file}, whose {lesson}{temperature} have {} of the loss", d.share)));
    }
    Ok(())
}

/// Adds to an error of device or numbers which checkpoint there is and how to go on from it.
fn with_way_out(spec: &RunSpec, error: Error) -> Error {
    let (path, out) = (Folder(spec.out.clone()).state(), text::shell(spec.part_of.as_ref().unwrap_or(&spec.out)));
    let saved = state::load(&path).ok().map(|(p, _)| format!("{} (updates in its stage: {})", text::path(&path), p.at.updates));
    let resume = match &saved {
        Some(saved) => format!("continue from {saved} with --resume {out}"),
        None => "nothing was saved yet; start again with the same flags".to_string(),
    };
    match error {
        Error::DeviceLost(why) => Error::DeviceLost(format!("{why}; {resume}")),
        Error::Gpu(why) if saved.is_some() => Error::Gpu(format!("{why}; {resume}")),
        Error::NonFinite(what) => {
            let resume = saved.map_or(resume, |saved| {
                let (lr, weights) = ("--lr 1e-4, or stage.NAME.lr", text::shell(&path));
                format!(
                    "the state before is in {saved}; --resume {out} comes to the same update; to go past it, start a run in another \
                     folder with --weights {weights} and a lower learning rate ({lr}), a lower train.clip_norm or another train.seed"
                )
            });
            Error::NonFinite(format!("{what}; {resume}"))
        }
        other => other,
    }
}
