//! How accurate and how stable a model's answers are when recordings are disturbed, and how honest its probabilities (after audEERING's ser-tests,
//! Derington et al. 2023, "Testing speech emotion recognition machine learning models").
//!
//!     cargo run --release --example robustness -- --model M --data D [--only luna_fold=1] [--out DIR]
//!     cargo run --release --example robustness -- --runs FOLDS --data D [--out DIR]
//!
//! With --runs, the folder of a `train --folds`, each fold's model is asked about its own test clips only, and the answers of all are pooled.
//! Writes `robustness.json`, `robustness.md` and `reliability.svg` into --out.

mod disturb;
mod report;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use disturb::{ALL, Disturbance};
use emotone::data::{self, Corpus, Utterance};
use emotone::gpu::{AdapterRequest, Device};
use emotone::train::ensemble::Ensemble;
use emotone::train::folds::FoldsResult;
use emotone::train::predictions::Predictions;
use emotone::train::predictor::Prediction;
use emotone::{audio, storage};
use indicatif::ProgressBar;
use report::{Known, Report};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Recordings in memory at once.
const AT_ONCE: usize = 64;

/// Disturbs recordings and compares the answers.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    /// Model file; several are asked together.
    #[arg(long, required_unless_present = "runs", conflicts_with = "runs")]
    model: Vec<PathBuf>,
    /// The folder of a `train --folds`: each fold's model is asked about its own test clips. Of several seeds the first is taken.
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Corpus folders or manifests; with --runs those of the run, named as there.
    #[arg(long, num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// Rename or drop labels, as in `train`.
    #[arg(long, default_value = "")]
    label_map: String,
    /// Only recordings with this value in a column: luna_fold=1. With several, all must hold.
    #[arg(long, value_name = "COLUMN=VALUE")]
    only: Vec<String>,
    /// Only these disturbances; by default all.
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    disturbances: Vec<String>,
    /// Folder of the report.
    #[arg(long, default_value = "robustness")]
    out: PathBuf,
    /// Recordings per network run.
    #[arg(long, default_value_t = 16)]
    batch: usize,
}

/// Models and the recordings they are asked about.
struct Job {
    models: Vec<PathBuf>,
    clips: Vec<usize>,
}

/// What was asked and said, recording by recording.
struct Heard {
    classes: Vec<String>,
    known: Vec<Known>,
    /// By disturbance.
    said: Vec<Vec<Prediction>>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let chosen = chosen(&args.disturbances)?;
    let corpora = args.data.iter().map(|p| data::open(p)).collect::<emotone::Result<Vec<Corpus>>>()?;
    let mut corpus = data::merge(corpora, &data::parse_label_map(&args.label_map)?)?;
    for only in &args.only {
        let (column, value) = only.split_once('=').with_context(|| format!("--only {only}: write COLUMN=VALUE"))?;
        corpus.utterances.retain(|u| u.column(column) == Some(value));
    }
    let jobs = match &args.runs {
        Some(folder) => of_folds(folder, &corpus)?,
        None => vec![Job { models: args.model.clone(), clips: (0..corpus.utterances.len()).collect() }],
    };
    let device = Device::open(&AdapterRequest::from_env())?;
    eprintln!("{}", device.caps().headline());
    let mut heard = Heard { classes: Vec::new(), known: Vec::new(), said: vec![Vec::new(); chosen.len()] };
    let bar = ProgressBar::new(jobs.iter().map(|job| job.clips.len() as u64).sum());
    for job in &jobs {
        heard.ask(&device, job, &corpus.utterances, &chosen, args.batch, &bar)?;
    }
    bar.finish_and_clear();
    if heard.known.is_empty() {
        bail!("no recording is left whose label is one of the model's classes ({})", heard.classes.join(", "));
    }
    let what = match &args.runs {
        Some(folder) => format!("{} models of {}, each about its own test clips", jobs.len(), folder.display()),
        None => args.model.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" and "),
    };
    let title = format!("{} recordings of {}; {what}.", heard.known.len(), corpus.name);
    let said: Vec<_> = chosen.iter().map(|d| (d.name, d.what)).zip(heard.said).collect();
    let report = Report::new(title, &heard.classes, &heard.known, &said)?;
    std::fs::create_dir_all(&args.out)?;
    storage::write(&args.out.join("robustness.json"), serde_json::to_string_pretty(&report)?.as_bytes())?;
    storage::write(&args.out.join("robustness.md"), report.markdown().as_bytes())?;
    storage::write(&args.out.join("reliability.svg"), report.diagram().as_bytes())?;
    println!("{}", report.markdown());
    println!("report: {}", args.out.join("robustness.md").display());
    Ok(())
}

/// The disturbances asked for; none, which the others are compared with, comes first in any case.
fn chosen(names: &[String]) -> Result<Vec<&'static Disturbance>> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|d| d.name != **name)) {
        bail!("--disturbances {unknown}: there are {}", ALL.iter().map(|d| d.name).collect::<Vec<_>>().join(", "));
    }
    Ok(ALL.iter().enumerate().filter(|(i, d)| *i == 0 || names.is_empty() || names.iter().any(|n| n == d.name)).map(|(_, d)| d).collect())
}

/// A job for each fold of the first seed: its model, and the recordings that it was tested on.
fn of_folds(folder: &Path, corpus: &Corpus) -> Result<Vec<Job>> {
    let result = FoldsResult::read(&folder.join("folds.json"))?;
    let numbers: HashMap<String, usize> = corpus.utterances.iter().enumerate().map(|(i, u)| (u.name(), i)).collect();
    let mut jobs = Vec::new();
    for fold in result.folds.iter().filter(|f| Some(&f.seed) == result.seeds.first()) {
        let own = folder.join(&fold.folder);
        let tested = Predictions::read(&own.join("predictions.csv"))?;
        let clips: Vec<usize> = tested.rows.iter().filter_map(|row| numbers.get(&row.clip).copied()).collect();
        if clips.is_empty() && !tested.rows.is_empty() {
            eprintln!(
                "fold {}: none of its test clips, such as {}, is among --data (and --only); left out",
                fold.fold, tested.rows[0].clip
            );
            continue;
        }
        if clips.len() < tested.rows.len() {
            eprintln!(
                "fold {}: {} of its test clips are not among --data (and --only), or are windows of long recordings; left out",
                fold.fold,
                tested.rows.len() - clips.len()
            );
        }
        jobs.push(Job { models: vec![own.join("model.safetensors")], clips });
    }
    Ok(jobs)
}

impl Heard {
    /// Asks a job's models about its recordings, those whose label is one of their classes, under each disturbance.
    fn ask(
        &mut self,
        device: &Arc<Device>,
        job: &Job,
        utterances: &[Utterance],
        disturbances: &[&Disturbance],
        batch: usize,
        bar: &ProgressBar,
    ) -> Result<()> {
        let mut model = Ensemble::load(device, &job.models, batch)?;
        if self.classes.is_empty() {
            self.classes = model.classes().to_vec();
        }
        model.choose(&self.classes).with_context(|| job.models[0].display().to_string())?;
        for part in job.clips.chunks(AT_ONCE) {
            let mut clips = Vec::new();
            for &i in part {
                let u = &utterances[i];
                let Some(class) = self.classes.iter().position(|c| *c == u.label) else { continue };
                let known = |name: Option<&str>| name.map(String::from);
                self.known.push(Known { class, speaker: known(u.column("speaker")), sex: known(u.column("sex").or(u.column("gender"))) });
                clips.push((i, audio::load_part(&u.path, &u.part)?.samples));
            }
            for (said, disturbance) in self.said.iter_mut().zip(disturbances) {
                let disturbed = clips.iter().map(|(i, clip)| disturbance.of(clip, *i)).collect::<emotone::Result<Vec<_>>>()?;
                said.extend(model.predict(&disturbed)?);
            }
            bar.inc(part.len() as u64);
        }
        Ok(())
    }
}
