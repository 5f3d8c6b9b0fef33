//! A run's data: recordings turned into a network's inputs, with labels, speakers and the split.

use super::config::{Config, Normalise, Sequence, Target};
use super::events::{Event, Observer};
use super::features::Features;
use super::recipe::Source;
use super::recordings::Recordings;
use super::rooms::Rooms;
use super::task::Targets;
use crate::data::{self, Split, SplitSpec, Utterance};
use crate::frontend::{FEATURES, Inputs};
use crate::gpu::Device;
use crate::{Error, Result, text};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use super::recordings::DataSpec;

/// Inputs in host memory with all that is known about them.
pub struct Dataset {
    /// The network's input of each utterance, flat: an image (C, S, S) with values in \[0, 1\], a sequence (T, F), a vector (F).
    pub inputs: Arc<Vec<Vec<f32>>>,
    /// The same of copies of each utterance, kind by kind, that training takes beside it; nothing of utterances that have none.
    pub copies: Vec<Arc<Vec<Vec<f32>>>>,
    /// What each utterance is called: the path of its recording.
    pub names: Vec<String>,
    /// Class of each utterance's label; of one without a label what its teacher takes it for, or a class more than there are.
    pub class: Vec<usize>,
    /// Number of the corpus that each utterance is from: one that the classes are of has the lowest numbers.
    pub corpora: Vec<usize>,
    /// How much each utterance counts in training; none where all count alike.
    pub weight: Option<Vec<f32>>,
    /// Number of the recording that each utterance is of: windows of a long one have the same.
    pub recordings: Vec<usize>,
    /// SHA-256 of each utterance's samples.
    pub digests: Vec<[u8; 32]>,
    /// Who speaks in each utterance; empty where nobody knows.
    pub speaker: Vec<String>,
    /// Class names.
    pub classes: Vec<String>,
    /// Training speakers.
    pub speakers: Vec<String>,
    /// Targets by the name of the task, for the tasks of the run's stages, and what a teacher says beside them (`distil::key`).
    pub targets: BTreeMap<String, Targets>,
    /// The split.
    pub split: Split,
    /// Hash of all clips, and the split.
    pub hash: String,
    /// Samples of the test set's clips in its order, where the final test looks at their [views](super::views) too; else none.
    pub test_clips: Vec<Vec<f32>>,
    /// Mean and standard deviation over the training split of each channel of images, and of each feature of sequences over their own
    /// frames (0 and 1 where inputs are not normalised; none for vectors).
    pub mean_std: Vec<(f32, f32)>,
    /// Features of the inputs by a frozen trunk, shared by all splits of the recordings.
    pub features: Features,
}

impl Dataset {
    /// Reads, decodes and splits the corpora and computes all inputs on the device.
    ///
    /// # Errors
    /// Unreadable corpora, leaking splits, device faults.
    pub fn prepare(device: &Arc<Device>, config: &Config, spec: &DataSpec, observe: &mut Observer) -> Result<Self> {
        let (split_spec, mut recordings) = (spec.split.parse()?, Recordings::read(config, spec, observe)?);
        let split = recordings.split(&split_spec, config.train.seed, observe)?;
        observe(Event::Summary(&format!("{}; split: {}", recordings.describe(), split.description)));
        Self::of(device, config, spec, (&split_spec, split), &mut recordings, observe)
    }

    /// The data of one of several splits of recordings that were read before; their inputs are computed where no split before this one
    /// needed them. `config` is the one that they were read for, but for its seed, and so is `spec`, but for its split.
    ///
    /// # Errors
    /// As [`Dataset::prepare`].
    pub fn of(
        device: &Arc<Device>,
        config: &Config,
        spec: &DataSpec,
        (split_spec, split): (&SplitSpec, Split),
        recordings: &mut Recordings,
        observe: &mut Observer,
    ) -> Result<Self> {
        let split = if config.train.validate { split } else { split.without_validation() };
        let (classes, mut class) = (recordings.classes.clone(), recordings.class.clone());
        let (utterances, labelled) = (recordings.utterances(), class.len());
        let speakers: BTreeSet<&String> = split.train.iter().map(|&i| &utterances[i].speaker).filter(|s| !s.is_empty()).collect();
        let speakers: Vec<String> = speakers.into_iter().cloned().collect();
        let mut targets = targets(config, utterances, (&classes, &class), &speakers)?;
        class.resize(utterances.len(), classes.len());
        if let Some(teacher) = &spec.teacher {
            let labels: Vec<&str> = targets.keys().filter(|t| config.task[*t].target == Target::Label).map(String::as_str).collect();
            let said = recordings.lessons(device, teacher, observe)?;
            let taught = teacher.teach(&config.distil, &said, recordings.utterances(), (&classes, &labels), &split.train)?;
            for (i, class) in class.iter_mut().enumerate().skip(labelled) {
                *class = taught.values().find_map(|t| t.class(i)).unwrap_or(*class);
            }
            targets.extend(taught);
        }
        let mut copies = recordings.inputs(device, observe)?;
        let (inputs, kind) = (copies.remove(0), &recordings.kind);
        let mean_std = match kind {
            Inputs::Images(_, image) if image.normalise == Normalise::Train => {
                let (rows, columns) = image.extents();
                span_mean_std(&inputs, &split.train, &vec![rows * columns; image.channels], of_images)
            }
            Inputs::Sequences(_, Sequence { normalise: Normalise::Train, .. }) => frame_mean_std(&inputs, &split.train),
            Inputs::Signals(s) if s.signal.normalise == Normalise::Train => span_mean_std(&inputs, &split.train, &s.spans(), of_signals),
            kind => vec![(0.0, 1.0); kind.normalised()],
        };
        let taught = spec.teacher.as_ref().map_or_else(String::new, |t| format!("/{}", t.taught().sha256));
        let hash = format!("{}/{split_spec}{taught}", recordings.hash());
        let names: Vec<String> = recordings.utterances().iter().map(Utterance::name).collect();
        let mut corpora = recordings.corpora.clone();
        corpora.resize(names.len(), corpora.iter().max().map_or(0, |last| last + 1));
        Ok(Dataset {
            inputs,
            copies,
            names,
            corpora,
            weight: recordings.weight.clone(),
            recordings: of_recordings(recordings.utterances()),
            digests: recordings.digests().to_vec(),
            speaker: recordings.utterances().iter().map(|u| u.speaker.clone()).collect(),
            class,
            classes,
            speakers,
            targets,
            test_clips: recordings.looked_at(&split.test),
            split,
            hash,
            mean_std,
            features: recordings.features.clone(),
        })
    }
}

/// Numbers of recordings: that of the first utterance of each.
fn of_recordings(utterances: &[Utterance]) -> Vec<usize> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let all = utterances.iter().map(|u| u.window_of.as_deref()).enumerate();
    all.map(|(i, of)| of.map_or(i, |name| *first.entry(name).or_insert(i))).collect()
}

/// What the data say of each task of the run's stages. Utterances behind those of known class have no label.
fn targets(
    config: &Config,
    utterances: &[Utterance],
    (classes, class): (&[String], &[usize]),
    speakers: &[String],
) -> Result<BTreeMap<String, Targets>> {
    let mut targets = BTreeMap::new();
    for (task, _) in config.stages()?.iter().flat_map(|(_, stage)| stage.tasks()) {
        let of = match &config.task[task].target {
            Target::Label => Targets::classes(classes.to_vec(), (0..utterances.len()).map(|i| class.get(i).copied()).collect()),
            // Speakers that are not trained on have no number.
            Target::Speaker => {
                Targets::classes(speakers.to_vec(), utterances.iter().map(|u| speakers.binary_search(&u.speaker).ok()).collect())
            }
            Target::Columns(columns) => numbers(task, columns, utterances)?,
            Target::Teacher => Targets::vectors(Vec::new(), vec![None; utterances.len()]),
        };
        targets.insert(task.to_string(), of);
    }
    Ok(targets)
}

/// Mean and standard deviation of each part of flat rows, summed in f64: channels of images or signals. What a part that hardly changes is
/// divided by, `scale` says.
fn span_mean_std(rows: &[Vec<f32>], over: &[usize], spans: &[usize], scale: fn(f64) -> f64) -> Vec<(f32, f32)> {
    let mut start = 0;
    let part = |span: &usize| {
        let values = |i: &usize| rows[*i][start..start + span].iter().map(|&v| f64::from(v));
        let count = (over.len() * span).max(1) as f64;
        let mean = over.iter().flat_map(values).sum::<f64>() / count;
        let var = over.iter().flat_map(values).map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
        start += span;
        (mean as f32, scale(var.sqrt()) as f32)
    };
    spans.iter().map(part).collect()
}

/// The scale of a channel of images: none is stretched without end.
fn of_images(std: f64) -> f64 {
    std.max(1e-3)
}

/// The scale of a channel of signals: one that never changes keeps its own.
fn of_signals(std: f64) -> f64 {
    if std > 1e-9 { std } else { 1.0 }
}

/// Mean and standard deviation of each feature over the own frames of some sequences, which are those that are not all zeros, in f64. A
/// feature that never changes keeps its scale.
fn frame_mean_std(sequences: &[Vec<f32>], rows: &[usize]) -> Vec<(f32, f32)> {
    let frames = || rows.iter().flat_map(|&i| sequences[i].chunks(FEATURES)).filter(|frame| frame.iter().any(|&v| v != 0.0));
    let count = frames().count().max(1) as f64;
    let mut all = [(0.0, 0.0); FEATURES];
    frames().for_each(|frame| all.iter_mut().zip(frame).for_each(|((mean, _), &v)| *mean += f64::from(v) / count));
    frames().for_each(|frame| all.iter_mut().zip(frame).for_each(|((mean, var), &v)| *var += (f64::from(v) - *mean).powi(2) / count));
    all.map(|(mean, var)| (mean as f32, if var.sqrt() > 1e-6 { var.sqrt() as f32 } else { 1.0 })).to_vec()
}

/// The numbers in some columns of every utterance that has all of them.
fn numbers(task: &str, columns: &[String], utterances: &[Utterance]) -> Result<Targets> {
    let number = |u: &Utterance, column: &String| -> Result<Option<f32>> {
        let Some(text) = u.column(column) else { return Ok(None) };
        let fits = |v: &f32| v.is_finite() && (columns.len() == 1 || (0.0..=1.0).contains(v));
        let value = data::number(text).map(|v| v as f32).filter(fits);
        let learns = if columns.len() == 1 { "numbers" } else { "probabilities, one column per class" };
        let bad = || format!("{}: column {column:?} holds {text:?}, but task {task} learns {learns}", text::path(&u.path));
        value.map(Some).ok_or_else(|| Error::Data(bad()))
    };
    let rows = utterances.iter().map(|u| columns.iter().map(|c| number(u, c)).collect::<Result<Option<Vec<f32>>>>());
    Ok(Targets::numbers(columns.to_vec(), rows.collect::<Result<_>>()?))
}

impl Dataset {
    /// Tasks whose training clips do not all count alike: some have no target of it, or clips have weights.
    pub fn partial(&self) -> BTreeSet<String> {
        let lacks = |targets: &Targets| self.weight.is_some() || self.split.train.iter().any(|&i| !targets.known(i));
        self.targets.iter().filter(|(_, targets)| lacks(targets)).map(|(task, _)| task.clone()).collect()
    }

    /// How much an utterance counts in training.
    pub fn weight(&self, i: usize) -> f32 {
        self.weight.as_ref().map_or(1.0, |all| all[i])
    }

    /// What enters the network in training: inputs, or where these differ in length each room that the training split takes, the largest
    /// first.
    ///
    /// # Errors
    /// As [`Config::inputs`].
    pub fn sources(&self, config: &Config) -> Result<Vec<Source>> {
        let Some(rooms) = Rooms::of(&config.inputs()?) else { return Ok(vec![Source::Raw]) };
        let versions = || std::iter::once(&self.inputs).chain(&self.copies);
        let rows = versions().flat_map(|rows| self.split.train.iter().map(|&i| &rows[i])).filter(|row| !row.is_empty());
        let all: BTreeSet<usize> = rows.map(|row| rooms.room(row)).collect();
        Ok(if all.is_empty() { vec![Source::Raw] } else { all.into_iter().rev().map(Source::Frames).collect() })
    }

    /// Checks that the stages of `config` have something to learn from.
    ///
    /// # Errors
    /// [`Error::Data`] naming the stage, what it lacks, and the way out.
    pub fn check(&self, config: &Config) -> Result<()> {
        for (name, stage) in config.stages()? {
            for (task, _) in stage.tasks() {
                self.check_task(config, name, task)?;
            }
        }
        Ok(())
    }

    fn check_task(&self, config: &Config, stage: &str, task: &str) -> Result<()> {
        let targets = &self.targets[task];
        let few = targets.outputs.len() < 2;
        let known = self.split.train.iter().any(|&i| targets.known(i));
        Err(Error::Data(match &config.task[task].target {
            Target::Label if few => format!("one emotion class only ({}); nothing to tell apart", targets.outputs.join("")),
            Target::Speaker if few => {
                format!(
                    "fewer than two known training speakers; stage {stage} needs them: use --stage single, or another stage without task {task}"
                )
            }
            Target::Columns(columns) if !known => format!(
                "no training clip has numbers in all columns that task {task} of stage {stage} learns ({}); name columns of the manifest (--set task.{task}.target=column:NAME), or leave it out (--set stage.{stage}.tasks.{task}=0)",
                columns.join(", ")
            ),
            Target::Teacher if !known => {
                format!(
                    "task {task} of stage {stage} learns a teacher's embeddings: name a file of them (--teacher FILE), or leave it out (--set stage.{stage}.tasks.{task}=0)"
                )
            }
            _ => return Ok(()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zeros behind a sequence count for nothing, rows that are not trained on neither, and a feature that never changes keeps its scale.
    #[test]
    fn frames_are_measured_without_padding() {
        let frame = |v: f32| -> Vec<f32> { (0..FEATURES).map(|f| if f == 5 { 2.0 } else { v + f as f32 }).collect() };
        let zeros = vec![0.0; 3 * FEATURES];
        let sequences = vec![[frame(1.0), frame(5.0), zeros].concat(), frame(1e6), frame(3.0)];
        let got = frame_mean_std(&sequences, &[0, 2]);
        let std = (8.0f32 / 3.0).sqrt();
        for (f, (mean, deviation)) in got.into_iter().enumerate() {
            let want = if f == 5 { (2.0, 1.0) } else { (3.0 + f as f32, std) };
            assert!((mean - want.0).abs() < 1e-5 && (deviation - want.1).abs() < 1e-5, "feature {f}: {mean} {deviation}");
        }
        assert_eq!(frame_mean_std(&[vec![]], &[0])[0], (0.0, 1.0));
    }

    #[test]
    fn parts_of_rows_are_measured_apart() {
        let rows = [vec![1.0, 3.0, 5.0], vec![9.0, 9.0, 9.0], vec![5.0, 7.0, 5.0]];
        assert_eq!(span_mean_std(&rows, &[0, 2], &[2, 1], of_signals), [(4.0, 5f32.sqrt()), (5.0, 1.0)]);
    }
}
