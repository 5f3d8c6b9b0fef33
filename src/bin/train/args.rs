//! Flags of `train`.

use crate::boxed;
use crate::show::Mode;
use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use emotone::gpu::{AdapterRequest, LimitsChoice};
use emotone::train::config::Config;
use emotone::train::dataset::DataSpec;
use emotone::train::teacher::Teacher;
use std::path::{Path, PathBuf};

/// Trains a speech-emotion network. Without --data it trains the demo: a small network on a built-in synthetic corpus.
#[derive(Parser)]
#[command(
    version,
    after_help = "Kill switches: EMOTONE_DISABLE=subgroups,f16,int64,coop,timestamps,winograd,fusion turns features off; EMOTONE_LIMITS=default keeps to WebGPU's limits."
)]
pub struct Args {
    /// Corpus folders or manifests (RAVDESS, EmoDB, CREMA-D, SAVEE, TESS, EMOVO, ESD, IEMOCAP, CASIA, a folder per class, CSV, JSONL).
    #[arg(long, num_args = 1..)]
    data: Vec<PathBuf>,
    /// More corpora, which join training for the classes of --data and are never tested.
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "data")]
    also: Vec<PathBuf>,
    /// Test set: default, none, kfold:K:I, loso:SPEAKER, heldout:A,B, COLUMN=VALUE (several with commas), column:NAME, random or random:FRACTION;
    /// random:COLUMN=VALUE where speakers may be on both sides. With --folds: loso, kfold:K, COLUMN or random:COLUMN.
    #[arg(long, default_value = "default")]
    split: String,
    /// Train and test every fold of --split, each in a folder of --out, and say what they come to: all, or names with commas (1,3,5).
    #[arg(long, value_name = "all|A,B", conflicts_with_all = ["preview", "list_adapters", "doctor"])]
    pub folds: Option<String>,
    /// Seeds of each fold, from train.seed on.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "folds", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Rename or drop labels: happy=happiness,calm=
    #[arg(long, default_value = "")]
    label_map: String,
    /// Learn the numbers in this column (valence, say) in the place of classes.
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// Where the emotion stands, if emotion words do not tell: folder:N below --data (folder:-1 holds the file), name:N for a part of the file's name,
    /// column:NAME of a manifest.
    #[arg(long, value_name = "WHERE")]
    emotion_from: Option<String>,
    /// Where the speaker stands: the same, or none.
    #[arg(long, value_name = "WHERE")]
    speaker_from: Option<String>,
    /// Go on without unreadable files, however many; without it, up to one in a hundred is left out.
    #[arg(long)]
    skip_bad: bool,
    /// Learn from a teacher too: a model of ours, the folder of an earlier run with --folds and the same split (each fold has that fold's model), or a table
    /// (CSV, safetensors) of probabilities or embeddings per recording; section distil of the configuration says how.
    #[arg(long, value_name = "FILE|DIR")]
    teacher: Option<PathBuf>,
    /// Folders or manifests of recordings without labels, which join training with the teacher's answers.
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "teacher")]
    unlabelled: Vec<PathBuf>,
    /// Built-in configuration: tiny, small or paper. Default: tiny without --data; with it a start from the model in the box.
    #[arg(long)]
    preset: Option<String>,
    /// Configuration file (TOML).
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// Override a value: --set train.batch=8
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Stages to run: voiceprint, emotion, finetune, single, joint, or others of the configuration.
    #[arg(long, value_delimiter = ',')]
    stage: Vec<String>,
    /// Folder of results. Default: runs/NAME-N, the first that is free.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Continue the run in --out.
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Start from these weights: a model of ours, or for the encoder a Whisper of Hugging Face (safetensors).
    #[arg(long)]
    pub weights: Option<PathBuf>,
    /// Start the trunk from weights published under other names: for Res-Trans, a torchvision ResNet-18 (safetensors).
    #[arg(long)]
    pub trunk: Option<PathBuf>,
    /// Seconds between snapshots.
    #[arg(long, default_value_t = 30)]
    pub save_every: u64,
    /// Adapter by part of its name or by index.
    #[arg(long)]
    adapter: Option<String>,
    /// Device limits: the adapter's own, or WebGPU's default ones.
    #[arg(long, value_enum, default_value_t = Limits::Adapter)]
    limits: Limits,
    /// Check every kernel variant on this adapter against references, switch off those that fail here, and exit.
    #[arg(long)]
    pub doctor: bool,
    /// List adapters and exit.
    #[arg(long)]
    pub list_adapters: bool,
    /// Print the compiled training steps and their memory, and exit.
    #[arg(long)]
    pub plan: bool,
    /// Print the configuration and exit.
    #[arg(long)]
    pub print_config: bool,
    /// Write a picture per augmentation into this folder and exit.
    #[arg(long, value_name = "DIR")]
    pub preview: Option<PathBuf>,
    /// Look at every value of every step and stop at the first that is not finite; slow. Without it, the search starts when the loss or
    /// the gradient norm is not finite.
    #[arg(long)]
    pub detect_anomaly: bool,
    /// Measure which kernel variants are the fastest on this adapter, once, and use them; a run that is resumed keeps its own.
    #[arg(long)]
    pub tune: bool,
    /// Compute the features of a frozen trunk again, though an earlier run may have kept them in the cache folder, and keep none.
    #[arg(long)]
    no_feature_cache: bool,
    /// Less memory for more arithmetic: make values inside residual blocks and transformer layers again for the backward pass
    /// (train.recompute=true).
    #[arg(long)]
    recompute: bool,
    /// f32, or f16 for cooperative matrices (train.precision).
    #[arg(long, value_name = "f32|f16")]
    precision: Option<String>,
    /// Only the result.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Events as JSON lines on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Limits {
    Adapter,
    Default,
}

impl Args {
    /// The configuration after file, preset and overrides.
    pub fn configuration(&self) -> Result<Config> {
        let mut config = match (&self.config, &self.preset) {
            (Some(path), _) => Config::load(path)?,
            (None, Some(name)) => Config::preset(name)?,
            (None, None) => Config::preset(if self.data.is_empty() { "tiny" } else { "small" })?,
        };
        if self.starts_from_box() {
            config.set("model.name=encoder")?;
            if self.target.is_some() {
                config.set("model.head=linear")?;
            }
        }
        if let Some(column) = &self.target {
            for set in [format!("task.emotion.target=column:{column}"), "task.emotion.loss=mse".into(), "task.emotion.metric=ccc".into()] {
                config.set(&set)?;
            }
        }
        for s in &self.sets {
            config.set(s)?;
        }
        if !self.stage.is_empty() {
            config.set(&format!("train.stages={}", self.stage.join(",")))?;
        }
        if let Some(p) = &self.precision {
            config.set(&format!("train.precision={p}"))?;
        }
        config.train.recompute |= self.recompute;
        config.check()?;
        Ok(config)
    }

    /// Whether own data, and no word about networks, stages or weights, mean a start from the model in the box.
    fn starts_from_box(&self) -> bool {
        let asked =
            self.config.is_some() || self.preset.is_some() || self.weights.is_some() || self.trunk.is_some() || !self.stage.is_empty();
        let network = self.sets.iter().any(|s| s.starts_with("model.name"));
        boxed::is_there() && !self.data.is_empty() && self.teacher.is_none() && !asked && !network
    }

    /// Where data come from.
    pub fn data_spec(&self) -> Result<DataSpec> {
        Ok(DataSpec {
            paths: self.data.clone(),
            label_map: self.label_map.clone(),
            split: self.split.clone(),
            also: self.also.clone(),
            skip_bad: self.skip_bad,
            teacher: self.teacher.as_deref().map(Teacher::open).transpose()?,
            unlabelled: self.unlabelled.clone(),
            emotion_from: self.emotion_from.as_deref().map(str::parse).transpose()?,
            speaker_from: self.speaker_from.as_deref().map(str::parse).transpose()?,
            left_out: None,
        })
    }

    /// Which adapter to open.
    pub fn adapter_request(&self) -> AdapterRequest {
        let mut request = AdapterRequest::from_env();
        if self.adapter.is_some() {
            request.name = self.adapter.clone();
        }
        if matches!(self.limits, Limits::Default) {
            request.limits = LimitsChoice::Default;
        }
        request
    }

    /// Where features of frozen trunks are kept.
    pub fn features(&self) -> Option<PathBuf> {
        self.adapter_request().cache.filter(|_| !self.no_feature_cache).map(|cache| cache.join("features"))
    }

    /// How to show progress.
    pub fn mode(&self) -> Mode {
        match (self.quiet, self.json) {
            (true, _) => Mode::Quiet,
            (_, true) => Mode::Json,
            _ => Mode::Text,
        }
    }

    /// The folder of results.
    pub fn out(&self) -> Result<PathBuf> {
        if let Some(out) = &self.out {
            if self.resume && !out.is_dir() {
                bail!("{}: no run to resume here", out.display());
            }
            return Ok(out.clone());
        }
        let name = self.data.first().and_then(|p| p.file_stem()).map_or("demo".into(), |s| s.to_string_lossy().into_owned());
        (1..10_000)
            .map(|n| Path::new("runs").join(format!("{name}-{n}")))
            .find(|p| !p.exists())
            .context("runs/ is full; name a folder with --out")
    }
}
