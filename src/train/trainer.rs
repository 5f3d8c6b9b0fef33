//! One stage from its first step to its best weights: epochs, validation, snapshots.

use super::config::StageName as Stage;
use super::dataset::{Dataset, check_targets};
use super::early_stop::EarlyStop;
use super::events::{EpochRecord, Event, Observer};
use super::learner::{Batch, Learner};
use super::metrics::Confusion;
use super::recipe::{Recipe, Source, port};
use super::report::StageResult;
use super::schedule::Schedule;
use super::state::{self, Folder, Progress};
use crate::augment::Pairs;
use crate::data::Batches;
use crate::gpu::Device;
use crate::nn::{Weights, file};
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What every stage of a run shares.
pub struct Shared<'a> {
    /// The device.
    pub device: &'a Arc<Device>,
    /// Network and configuration.
    pub recipe: &'a Recipe,
    /// Images and labels.
    pub data: &'a Dataset,
    /// The run's files.
    pub folder: &'a Folder,
    /// Set from outside to stop after the current step.
    pub stop: &'a AtomicBool,
    /// Time between snapshots.
    pub save_every: Duration,
    /// Look at every value of every step for what is not finite.
    pub detect_anomaly: bool,
}

/// Rows a stage trains and validates on. Speakers are validated on training speakers' other utterances: every eighth.
fn rows(data: &Dataset, stage: Stage) -> (Vec<usize>, Vec<usize>) {
    if stage != Stage::Voiceprint {
        return (data.split.train.clone(), data.split.valid.clone());
    }
    let mut seen = vec![0usize; data.speakers.len()];
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for &i in &data.split.train {
        if let Some(s) = data.speaker[i] {
            seen[s] += 1;
            if seen[s].is_multiple_of(8) { valid.push(i) } else { train.push(i) }
        }
    }
    (train, valid)
}

/// Rows of network inputs: images, or maps computed once where the CNN is frozen and nothing changes the images.
struct Inputs<'a> {
    data: &'a Dataset,
    maps: Option<Vec<Vec<f32>>>,
}

impl Inputs<'_> {
    fn row(&self, i: usize) -> &[f32] {
        self.maps.as_ref().map_or(&self.data.images[i], |m| &m[i])
    }
}

/// Trains `stage` from `weights`, continuing from `progress` and its snapshot where there is one; returns the best weights.
///
/// # Errors
/// [`Error::Interrupted`] after saving, when asked to stop; device faults; [`Error::NonFinite`] after saving what was before the update.
pub fn train_stage(
    shared: &Shared,
    stage: Stage,
    weights: &Weights,
    snapshot: Option<&Weights>,
    progress: &mut Progress,
    observe: &mut Observer,
) -> Result<Weights> {
    let (recipe, data) = (shared.recipe, shared.data);
    let (config, settings) = (&recipe.config, recipe.config.stage(stage).clone());
    check_targets(data, stage.uses_speaker(), stage.uses_emotion())?;
    let (train_rows, valid_rows) = rows(data, stage);
    let cached = stage.freezes_cnn() && config.train.bn_frozen && !settings.augment;
    let maps = if cached { Some(maps(shared, weights, observe)?) } else { None };
    let source = if cached { Source::Maps } else { Source::Images };
    let inputs = Inputs { data, maps };
    let mut learner = Learner::new(shared.device, recipe, stage, source, weights)?;
    learner.detect_anomaly = shared.detect_anomaly;
    if let Some(s) = snapshot {
        learner.restore(s, progress.updates, progress.loss_scale.clone())?;
    }
    let seed = config.train.seed.wrapping_add(0x517c_c1b7 * (progress.stage as u64 + 1));
    let mut batches = match config.train.class_balanced && stage.uses_emotion() {
        true => Batches::balanced(&train_rows, &data.class, config.train.batch, seed)?,
        false => Batches::training(&train_rows, config.train.batch, seed)?,
    };
    let steps = batches.steps_per_epoch();
    let schedule = Schedule::new(&config.train, &settings, steps as u64)?;
    let early = progress.early.get_or_insert_with(|| EarlyStop::new(config.train.early_stopping)).clone();
    let mut early = early;
    observe(Event::Stage { stage, epochs: settings.epochs, steps, done: progress.updates as usize });
    let mut saved = Instant::now();
    let mut clock = Instant::now();
    while progress.epoch < settings.epochs && !early.stop() {
        batches.seek(progress.epoch as u64, progress.step);
        while progress.step < steps {
            let batch = batches.next_batch();
            let parts = parts(recipe, data, &inputs, &learner, stage, &batch.indices);
            let lr = schedule.at(progress.updates);
            let update = match learner.update(&parts, lr) {
                Err(e @ Error::NonFinite(_)) => {
                    rescue(shared, progress, &learner, observe)?;
                    return Err(e);
                }
                update => update?,
            };
            progress.updates += 1;
            progress.loss_scale.clone_from(&learner.loss_scale);
            progress.step += 1;
            progress.clips += batch.indices.len() as u64;
            progress.loss_sum += update.loss;
            progress.norm_sum += update.norm;
            progress.seconds += clock.elapsed().as_secs_f64();
            clock = Instant::now();
            let rate = progress.clips as f64 / progress.seconds.max(1e-9);
            observe(Event::Step { loss: progress.loss_sum / progress.step as f64, clips_per_s: rate, done: progress.updates as usize });
            let asked = shared.stop.load(Ordering::Relaxed);
            if asked || saved.elapsed() >= shared.save_every {
                save(shared, progress, &learner, observe)?;
                saved = Instant::now();
                if asked {
                    return Err(Error::Interrupted);
                }
            }
        }
        let matrix = learner.averaged(|l| validate(l, data, &inputs, stage, &valid_rows))?;
        let metric = matrix.as_ref().and_then(|m| if stage == Stage::Voiceprint { m.accuracy() } else { m.uar() });
        // Without a validation set the last epoch is the best.
        let best = early.observe(progress.epoch, metric.unwrap_or(progress.epoch as f64));
        if best {
            let weights = learner.averaged(Learner::weights)?;
            file::write(&shared.folder.best(stage.name()), &weights, &recipe.to_metadata()?)?;
            if stage == Stage::Voiceprint {
                progress.speaker_accuracy = metric;
            }
        }
        let record = EpochRecord {
            stage: stage.name().into(),
            epoch: progress.epoch + 1,
            loss: progress.loss_sum / steps as f64,
            norm: progress.norm_sum / steps as f64,
            lr: schedule.at(progress.updates.saturating_sub(1)),
            valid_uar: matrix.as_ref().and_then(Confusion::uar),
            valid_wa: matrix.as_ref().and_then(Confusion::accuracy),
            valid_macro_f1: matrix.as_ref().and_then(Confusion::macro_f1),
            best,
        };
        observe(Event::Epoch(&record));
        progress.history.push(record);
        progress.early = Some(early.clone());
        (progress.epoch, progress.step, progress.loss_sum, progress.norm_sum) = (progress.epoch + 1, 0, 0.0, 0.0);
        clock = Instant::now();
    }
    save(shared, progress, &learner, observe)?;
    let clips_per_s = progress.clips as f64 / progress.seconds.max(1e-9);
    let result = StageResult {
        epochs: progress.epoch as u64,
        train_seconds: progress.seconds,
        clips_per_s,
        skipped_steps: progress.loss_scale.as_ref().map_or(0, |s| s.skipped),
    };
    progress.results.insert(stage.name().into(), result);
    observe(Event::StageEnd(stage));
    let path = shared.folder.best(stage.name());
    if path.exists() { Ok(file::read(&path)?.0) } else { learner.weights() }
}

/// Saves what was before an update that failed. Where that is not finite either, or no longer there, the state saved before stays.
fn rescue(shared: &Shared, progress: &Progress, learner: &Learner, observe: &mut Observer) -> Result<()> {
    let finite = |w: &Weights| w.values().all(|(_, values)| values.iter().all(|v| v.is_finite()));
    if learner.intact && finite(&learner.snapshot()?) { save(shared, progress, learner, observe) } else { Ok(()) }
}

fn save(shared: &Shared, progress: &Progress, learner: &Learner, observe: &mut Observer) -> Result<()> {
    let path = shared.folder.state();
    state::save(&path, progress, &learner.snapshot()?)?;
    state::write_history(&shared.folder.metrics(), &progress.history)?;
    observe(Event::Saved(&path));
    Ok(())
}

/// The micro-batches of a batch of utterances.
fn parts(recipe: &Recipe, data: &Dataset, inputs: &Inputs, learner: &Learner, stage: Stage, indices: &[usize]) -> Vec<Batch> {
    let micro = recipe.config.train.micro_batches;
    let rows = indices.len() / micro;
    let one_hot = |hot: Option<usize>, n: usize| (0..n).map(|k| f32::from(u8::from(Some(k) == hot))).collect::<Vec<f32>>();
    indices
        .chunks(rows)
        .enumerate()
        .map(|(m, indices)| {
            let mut emotion: Vec<f32> = indices.iter().flat_map(|&i| one_hot(Some(data.class[i]), data.classes.len())).collect();
            let pairs = recipe.mixes(stage).then(|| {
                let classes: Vec<u32> = indices.iter().map(|&i| data.class[i] as u32).collect();
                Pairs::draw(&classes, recipe.config.image.size, &recipe.config.augment, learner.counter(m))
            });
            if let Some(pairs) = &pairs {
                emotion = pairs.labels(&emotion, recipe.config.augment.horizontal_mixup.labels);
            }
            let speaker = match stage.uses_speaker() {
                true => indices.iter().flat_map(|&i| one_hot(data.speaker[i], data.speakers.len())).collect(),
                false => Vec::new(),
            };
            Batch { x: indices.iter().flat_map(|&i| inputs.row(i).to_vec()).collect(), emotion, speaker, pairs }
        })
        .collect()
}

/// Confusion matrix over validation rows: emotions, or speakers in the speaker stage; `None` without rows.
fn validate(learner: &Learner, data: &Dataset, inputs: &Inputs, stage: Stage, rows: &[usize]) -> Result<Option<Confusion>> {
    if rows.is_empty() {
        return Ok(None);
    }
    let voice = stage == Stage::Voiceprint;
    let logits = learner.infer(if voice { port::SPEAKER } else { port::EMOTION }, rows.len(), &|r| inputs.row(rows[r]).to_vec())?;
    let truth: Vec<usize> = rows.iter().map(|&i| if voice { data.speaker[i].unwrap_or(0) } else { data.class[i] }).collect();
    let predicted: Vec<usize> = logits.iter().map(|l| argmax(l)).collect();
    Confusion::from_pairs(if voice { &data.speakers } else { &data.classes }, &truth, &predicted).map(Some)
}

/// Index of the largest value; the first on a tie.
pub fn argmax(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Maps of the frozen CNN for every utterance, computed once.
fn maps(shared: &Shared, weights: &Weights, observe: &mut Observer) -> Result<Vec<Vec<f32>>> {
    let n = shared.data.images.len();
    observe(Event::Preparing("maps of the frozen CNN", 0, n));
    let learner = Learner::new(shared.device, shared.recipe, Stage::Emotion, Source::Images, weights)?;
    let maps = learner.infer(port::MAPS, n, &|i| shared.data.images[i].clone())?;
    observe(Event::Preparing("maps of the frozen CNN", n, n));
    Ok(maps)
}
