//! All folds of a split: a run for each, on recordings that are read once, and what they come to.

mod begin;

use super::calibration::{Calibration, expected_error, reliability, sure};
use super::clips::Clips;
use super::config::Config;
use super::drawing::write_confusion;
use super::enrolled::enrolled;
use super::events::{Done, Event, Fold as Place, Observer};
use super::metrics::Confusion;
use super::pooled::{self, Part, Pooled};
use super::predictions::Predictions;
use super::recipe::Recipe;
use super::recordings::Recordings;
use super::report::{RunResult, TestResult};
use super::run::{RunSpec, run_on};
use super::state::Folder;
use super::teacher::Teacher;
use crate::data::{Fold, FoldSpec, Split, choose};
use crate::gpu::Device;
use crate::{Error, Result, storage, text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to train, and on which folds.
#[derive(Debug, Clone)]
pub struct FoldsSpec {
    /// What each fold trains, where `data.split` names the folds (a [`FoldSpec`]) and `out` is the folder of all of them.
    pub run: RunSpec,
    /// Which of them: `all`, or names with commas between.
    pub folds: String,
    /// How many seeds each is trained with, from the configuration's on.
    pub seeds: usize,
}

/// The result of a fold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// The fold.
    pub fold: String,
    /// The seed.
    pub seed: u64,
    /// Its folder, in that of all.
    pub folder: String,
    /// Test clips.
    pub clips: usize,
    /// Unweighted average recall over the classes present.
    pub uar: Option<f64>,
    /// Weighted accuracy.
    pub wa: Option<f64>,
    /// Mean F1 over the classes present.
    pub macro_f1: Option<f64>,
    /// Concordance, where the model answers a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ccc: Option<f64>,
    /// Classes without test clips, left out of the averages.
    pub absent: Vec<String>,
    /// Seconds of training.
    pub train_seconds: f64,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// How the clips were divided.
    pub split: String,
}

/// What `folds.json` holds; the names are stable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoldsResult {
    /// The folds' name, for example `loso`.
    pub split: String,
    /// How many there are; `folds` may hold fewer.
    pub folds_in_all: usize,
    /// Seeds each was trained with.
    pub seeds: Vec<u64>,
    /// Clips that no fold tests.
    pub never_tested: usize,
    /// Hash of the configuration.
    pub config_hash: String,
    /// Hash of the recordings.
    pub data_hash: String,
    /// Results so far.
    pub folds: Vec<FoldResult>,
    /// What they come to; null until all are there.
    pub pooled: Option<Pooled>,
    /// What they would come to with each test speaker's own unlabelled clips at hand, another protocol; see [`enrolled`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled: Option<Pooled>,
    /// The answers of all folds (and seeds) together, where the model answers classes. Its intervals are in `pooled`.
    pub test: Option<TestResult>,
}

impl FoldsResult {
    /// Writes the result as indented JSON; the file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        storage::write_json(path, self)
    }

    /// Reads a result back.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file when it cannot be read or is not a result.
    pub fn read(path: &Path) -> Result<Self> {
        storage::read_json(path)
    }
}

/// One run of a fold.
struct Job {
    fold: Fold,
    /// Numbers of the fold and the seed.
    at: (usize, usize),
    split: Split,
    spec: RunSpec,
}

/// The runs, and the result that grows with them.
struct Bench<'a> {
    device: &'a Arc<Device>,
    spec: &'a FoldsSpec,
    recordings: Recordings,
    /// The seed they were read with.
    seed: u64,
    result: FoldsResult,
}

/// Trains and tests all folds, each as a run of its own in `fold-NAME` (with further seeds in `seed-S/fold-NAME`), and writes what they
/// come to into the folder: `folds.json`, `predictions.csv` and `confusion.csv`, `.svg` and `.png` of all answers together. Resumed, complete folds
/// are kept, and the one that was interrupted goes on to the same bits.
///
/// # Errors
/// Those of [`run`](super::run::run), and of [`FoldSpec::folds`]; [`Error::Data`] for a fold that trains on no clip of a class.
pub fn run(device: &Arc<Device>, spec: &FoldsSpec, stop: &AtomicBool, observe: &mut Observer) -> Result<FoldsResult> {
    spec.run.config.check()?;
    let folds: FoldSpec = spec.run.data.split.parse()?;
    let _lock = begin::begin(&spec.run, observe)?;
    let mut bench = Bench::new(device, spec, &folds, observe)?;
    let jobs = bench.jobs(&folds, observe)?;
    bench.result.write(&json(&spec.run.out))?;
    let (mut told, mut answers) = (BTreeSet::new(), Vec::new());
    for (i, job) in jobs.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let place = Place { name: &job.fold.name, at: i + 1, of: jobs.len() };
        observe(Event::Fold(place));
        let mut done = Done::new(job.spec.config.stages()?.iter().map(|(_, stage)| stage.epochs).sum());
        let result = bench.carry_out(job, stop, &mut |event| {
            let share = done.after(&event).map(|share| (i as f64 + share) / jobs.len() as f64);
            match event {
                // What is true of all folds is said once.
                Event::Warning(text) | Event::Summary(text) if !told.insert(text.to_string()) => {}
                Event::Finished(_) => {}
                event => observe(event),
            }
            share.into_iter().for_each(|share| observe(Event::Share(share)));
        })?;
        let predictions = Predictions::read(&Folder(job.spec.out.clone()).predictions()).map_err(|e| untested(job, e))?;
        bench.result.folds.push(fold_result(job, &result, &spec.run.out, &predictions));
        bench.result.write(&json(&spec.run.out))?;
        answers.push((predictions, result.calibration.clone()));
        observe(Event::FoldEnd(place, &result));
        observe(Event::Share((i + 1) as f64 / jobs.len() as f64));
    }
    bench.sum_up(&jobs, &answers)
}

/// The configuration of a run with what its teacher adds.
fn extended(spec: &RunSpec) -> Result<Config> {
    spec.data.teacher.as_ref().map_or_else(|| Ok(spec.config.clone()), |t| t.extend(&spec.config))
}

fn json(out: &Path) -> PathBuf {
    Folder(out.to_path_buf()).folds()
}

impl<'a> Bench<'a> {
    fn new(device: &'a Arc<Device>, spec: &'a FoldsSpec, folds: &FoldSpec, observe: &mut Observer) -> Result<Self> {
        let run = &spec.run;
        let recordings = Recordings::read(&run.config, &run.data, observe)?;
        let result = FoldsResult {
            split: folds.to_string(),
            seeds: (0..spec.seeds.max(1) as u64).map(|s| run.config.train.seed + s).collect(),
            config_hash: run.config.hash()?,
            data_hash: recordings.hash().into(),
            ..FoldsResult::default()
        };
        let (clips, list) = (Clips::read_by(&recordings), Folder(run.out.clone()).clips());
        if json(&run.out).exists() {
            let before = FoldsResult::read(&json(&run.out))?;
            let what = match (before.split == result.split, before.data_hash == result.data_hash) {
                (true, true) => None,
                (false, _) => Some(format!("was made with split {}, now it is {}", before.split, result.split)),
                _ => Some(Clips::read(&list).map_or("other recordings".into(), |before| before.compare(&clips).describe())),
            };
            if let Some(what) = what {
                let reason = format!("these folds cannot go on with other data: {what}; put that back, or choose another --out");
                return Err(Error::Checkpoint { path: json(&run.out), reason });
            }
        }
        clips.write(&list)?;
        Ok(Bench { device, spec, recordings, seed: run.config.train.seed, result })
    }

    /// All runs, whose splits are checked before the first begins.
    fn jobs(&mut self, folds: &FoldSpec, observe: &mut Observer) -> Result<Vec<Job>> {
        let all = folds.folds(self.recordings.corpus())?;
        let chosen = choose(&all, &self.spec.folds)?;
        self.result.folds_in_all = all.len();
        let labelled = self.recordings.corpus().utterances.len();
        let mut jobs = Vec::new();
        for (s, &seed) in self.result.seeds.iter().enumerate() {
            let folder = if s == 0 { self.spec.run.out.clone() } else { self.spec.run.out.join(format!("seed-{seed}")) };
            let mut tested = BTreeSet::new();
            for (f, fold) in chosen.iter().enumerate() {
                let split = self.recordings.split(&fold.split, seed, observe)?;
                self.check(fold, &split)?;
                tested.extend(split.test.iter().copied());
                let out = folder.join(format!("fold-{}", fold.folder));
                let mut spec = RunSpec { out, part_of: Some(self.spec.run.out.clone()), request: None, ..self.spec.run.clone() };
                spec.config.train.seed = seed;
                if let Some(folder) = self.spec.run.data.teacher.as_ref().and_then(Teacher::of_folds) {
                    spec.data.teacher = Some(self.teacher(folder, fold, seed, &split)?);
                }
                jobs.push(Job { fold: fold.clone(), at: (f, s), split, spec });
            }
            if s == 0 && chosen.len() == all.len() {
                self.result.never_tested = labelled - tested.len();
            }
        }
        let text = format!("{}; {folds}: {} of {} folds", self.recordings.describe(), chosen.len(), all.len());
        let seeds = if self.result.seeds.len() > 1 { format!(", {} seeds each", self.result.seeds.len()) } else { String::new() };
        observe(Event::Summary(&format!("{text}{seeds}")));
        if self.result.never_tested > 0 {
            observe(Event::Warning(&format!("{} of {labelled} clips are in no fold: they are never tested", self.result.never_tested)));
        }
        Ok(jobs)
    }

    /// Refuses a fold that has nothing to learn a class from.
    fn check(&self, fold: &Fold, split: &Split) -> Result<()> {
        let label = |i: &usize| self.recordings.utterances()[*i].label.as_str();
        let trained: BTreeSet<&str> = split.train.iter().map(label).collect();
        let Some(class) = self.recordings.classes.iter().find(|c| !trained.contains(c.as_str())) else { return Ok(()) };
        let held = split.valid.iter().chain(&split.test).filter(|i| label(i) == class).count();
        Err(Error::Data(format!(
            "fold {}: no training clip of class {class}, all {held} are held out; leave the class out (--label-map {}), or the fold (--folds with the names of others)",
            fold.name,
            text::quoted(format!("{class}=").as_ref())
        )))
    }

    /// The model that a run of folds in `folder` made for a fold: of the same seed where there is one. It must have heard none of the clips that
    /// the fold tests.
    fn teacher(&self, folder: &Path, fold: &Fold, seed: u64, split: &Split) -> Result<Teacher> {
        let result = FoldsResult::read(&json(folder))?;
        let bad = |reason: String| Error::Checkpoint { path: json(folder), reason };
        let own: Vec<&FoldResult> = result.folds.iter().filter(|f| f.fold == fold.name).collect();
        let Some(found) = own.iter().find(|f| f.seed == seed).or(own.first()) else {
            let names = result.folds.iter().map(|f| f.fold.as_str()).collect::<Vec<_>>().join(", ");
            return Err(bad(format!("no teacher for fold {}: it has folds {names} of {}", fold.name, result.split)));
        };
        let run = Folder(folder.join(&found.folder));
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let unheard: BTreeSet<PathBuf> = Predictions::read(&run.predictions())?.rows.iter().map(|r| real(Path::new(&r.clip))).collect();
        let clips = split.test.iter().map(|&i| &self.recordings.utterances()[i].path);
        match clips.clone().find(|path| !unheard.contains(&real(path))) {
            Some(clip) => Err(bad(format!(
                "the teacher of fold {} did not test {}, so it may have been trained on it: teachers are made with the split they are for, {}",
                fold.name,
                text::path(clip),
                self.result.split
            ))),
            None => Teacher::open(&run.model()),
        }
    }

    /// A fold's run, or what it left where it is complete.
    fn carry_out(&mut self, job: &Job, stop: &AtomicBool, observe: &mut Observer) -> Result<RunResult> {
        let folder = Folder(job.spec.out.clone());
        if self.spec.run.resume && folder.result().exists() && folder.holds(&extended(&job.spec)?).is_some() {
            return self.kept(&folder, &job.spec, observe);
        }
        let seed = job.spec.config.train.seed;
        if self.spec.run.data.paths.is_empty() && self.seed != seed {
            // Another corpus of the same people and sentences is built in.
            self.recordings = Recordings::read(&job.spec.config, &job.spec.data, observe)?;
            self.seed = seed;
        }
        let spec = RunSpec { resume: self.spec.run.resume && folder.state().exists(), ..job.spec.clone() };
        run_on(self.device, &spec, &mut self.recordings, (&job.fold.split, job.split.clone()), stop, observe)
    }

    /// The result of a complete fold, if it belongs to these.
    fn kept(&self, folder: &Folder, spec: &RunSpec, observe: &mut Observer) -> Result<RunResult> {
        let result = RunResult::read(&folder.result())?;
        let taught = spec.data.teacher.as_ref().map(|t| t.taught().sha256);
        if result.taught.as_ref().map(|t| t.sha256.clone()) != taught {
            let reason = "was made with another teacher; choose another --out, or remove its folder to make it again".into();
            return Err(Error::Checkpoint { path: folder.result(), reason });
        }
        let own = &self.device.caps().adapter;
        if result.adapter != *own {
            observe(Event::Warning(&format!("some folds are complete already, by {}; the others are trained on {own}", result.adapter)));
        }
        Ok(result)
    }

    /// Writes what all answers come to.
    fn sum_up(mut self, jobs: &[Job], answers: &[(Predictions, Option<Calibration>)]) -> Result<FoldsResult> {
        let (out, seed) = (&self.spec.run.out, self.spec.run.config.train.seed);
        let speakers: HashMap<String, &str> =
            self.recordings.utterances().iter().filter(|u| !u.speaker.is_empty()).map(|u| (u.name(), u.speaker.as_str())).collect();
        let parts: Vec<Part> =
            jobs.iter().zip(answers).map(|(job, (predictions, _))| Part { fold: job.at.0, seed: job.at.1, predictions }).collect();
        self.result.pooled = Some(pooled::pool(&parts, &|clip| speakers.get(clip).copied(), seed)?);
        self.result.enrolled = enrolled_speakers(jobs, answers, &speakers, seed)?;
        let (all, part) = pooled::together(&parts);
        let columns = |i: usize| {
            let job = &jobs[part[i]];
            let speaker = speakers.get(&all.rows[i].clip).copied().unwrap_or_default();
            vec![job.fold.name.clone(), job.spec.config.train.seed.to_string(), speaker.to_string()]
        };
        all.write_with(&["fold", "seed", "speaker"], columns, &out.join("predictions.csv"))?;
        if all.outputs.len() > 1 {
            let (truth, predicted): (Vec<usize>, Vec<usize>) = all.classes().unwrap_or_default().into_iter().map(|[t, p]| (t, p)).unzip();
            let matrix = Confusion::from_pairs(&all.outputs, &truth, &predicted)?;
            write_confusion(&matrix, out)?;
            let truths = all.rows.iter().filter_map(|r| Some(sure(&r.values, all.outputs.iter().position(|o| *o == r.truth)?)));
            let ece = expected_error(&reliability(truths));
            self.result.test =
                Some(TestResult { ece, ..TestResult::new(&matrix, format!("the answers of all folds of {}", self.result.split), None) });
        }
        self.result.write(&json(out))?;
        Ok(self.result)
    }
}

/// The figures of enrolled speakers; `None` where a fold does not say from where its answers are centred.
fn enrolled_speakers(
    jobs: &[Job],
    answers: &[(Predictions, Option<Calibration>)],
    speakers: &HashMap<String, &str>,
    seed: u64,
) -> Result<Option<Pooled>> {
    let speaker = |clip: &str| speakers.get(clip).copied();
    let mut all = Vec::new();
    for (job, (predictions, calibration)) in jobs.iter().zip(answers) {
        let mut recipe = Recipe::untrained(job.spec.config.clone(), &predictions.outputs, &[])?;
        let task = recipe.answered_task()?.to_string();
        recipe.calibration.extend(calibration.clone().map(|c| (task.clone(), c)));
        let Some(adapted) = enrolled(&recipe, &task, predictions, &speaker) else { return Ok(None) };
        all.push(adapted);
    }
    let parts: Vec<Part> = jobs.iter().zip(&all).map(|(job, predictions)| Part { fold: job.at.0, seed: job.at.1, predictions }).collect();
    pooled::pool(&parts, &|clip| speaker(clip), seed).map(Some)
}

fn fold_result(job: &Job, result: &RunResult, out: &Path, predictions: &Predictions) -> FoldResult {
    let test = result.test.as_ref();
    FoldResult {
        fold: job.fold.name.clone(),
        seed: job.spec.config.train.seed,
        folder: job.spec.out.strip_prefix(out).unwrap_or(&job.spec.out).display().to_string(),
        clips: predictions.rows.len(),
        uar: test.and_then(|t| t.uar),
        wa: test.and_then(|t| t.wa),
        macro_f1: test.and_then(|t| t.macro_f1),
        ccc: result.test_ccc,
        absent: test.map_or_else(Vec::new, |t| t.absent.clone()),
        train_seconds: result.stages.values().map(|s| s.train_seconds).sum(),
        weights_sha256: result.weights_sha256.clone(),
        split: job.split.description.clone(),
    }
}

/// A fold without answers: none of its test clips has what the model answers.
fn untested(job: &Job, error: Error) -> Error {
    match error {
        Error::Io { path, .. } if !path.exists() => Error::Data(format!(
            "fold {}: no test clip has a target of the task that the model answers; choose other folds, or train one run without --folds",
            job.fold.name
        )),
        other => other,
    }
}
