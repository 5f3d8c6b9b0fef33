//! Flags of `train`.

use crate::boxed;
use crate::flags;
use crate::request;
use crate::show::Mode;
use anyhow::{Context as _, Result, bail};
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};
use emotone::gpu::{AdapterRequest, LimitsChoice};
use emotone::nn::file;
use emotone::text;
use emotone::train::config::Config;
use emotone::train::dataset::DataSpec;
use emotone::train::recipe::Recipe;
use emotone::train::state::Folder;
use emotone::train::teacher::Teacher;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What stands under the flags in `--help`.
const AFTER: &str = "\
Exit codes: 0 all done; 1 an error, also of flags: nothing was lost, and the message says how to go on; 2 done, but recordings were left out (the
warnings say which); 129, 130, 143 stopped by SIGHUP, Ctrl-C, SIGTERM, with the state saved: --resume RUN goes on.

Kill switches: EMOTONE_DISABLE=subgroups,f16,int64,coop,timestamps,winograd,fusion,overlap,unchecked,software turns features off; EMOTONE_LIMITS=default keeps to WebGPU's limits.";

/// Trains a speech-emotion network. Without recordings it trains the demo: a small network on a built-in synthetic corpus.
#[derive(Clone, Parser, Serialize, Deserialize)]
#[serde(default)]
#[command(version, after_help = AFTER)]
pub struct Args {
    /// The same as --data.
    #[arg(value_name = "DATA")]
    recordings: Vec<PathBuf>,
    /// Corpus folders or manifests (RAVDESS, EmoDB, CREMA-D, SAVEE, TESS, EMOVO, ESD, IEMOCAP, CASIA, a folder per class, CSV, JSONL).
    #[arg(long, num_args = 1..)]
    data: Vec<PathBuf>,
    /// More corpora, which join training for the classes of --data and are never tested.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    also: Vec<PathBuf>,
    /// Test set: default, none, kfold:K:I, loso:SPEAKER, heldout:A,B, COLUMN=VALUE (several with commas), column:NAME, random or random:FRACTION;
    /// random:COLUMN=VALUE where speakers may be on both sides. With --folds: loso, kfold:K, COLUMN or random:COLUMN.
    #[arg(long, default_value = "default")]
    split: String,
    /// Train and test every fold of --split, each in a folder of --out, and say what they come to: all, or names with commas (1,3,5).
    #[arg(long, value_name = "all|A,B", conflicts_with_all = ["preview", "list_adapters", "doctor"])]
    pub folds: Option<String>,
    /// Seeds of each fold, from train.seed on.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Rename or drop labels: happy=happiness,calm=
    #[arg(long, default_value = "")]
    label_map: String,
    /// Learn the numbers in this column (valence, say) in the place of classes.
    #[arg(long, value_name = "COLUMN")]
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
    #[arg(long, value_name = "DIR", num_args = 1..)]
    unlabelled: Vec<PathBuf>,
    /// Built-in configuration: tiny, small or paper. Default: tiny without --data; with it a start from the model in the box.
    #[arg(long)]
    preset: Option<String>,
    /// Configuration file (TOML).
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// Epochs of every stage (train.epochs).
    #[arg(long, value_name = "N", aliases = ["epoch", "num-epochs", "max-epochs"])]
    epochs: Option<u64>,
    /// Learning rate of every stage (train.lr).
    #[arg(long, value_name = "RATE", aliases = ["learning-rate", "learning_rate"])]
    lr: Option<f64>,
    /// Recordings per step (train.batch).
    #[arg(long, value_name = "N", aliases = ["batch-size", "batch_size"])]
    batch: Option<u64>,
    /// Override a value: --set train.batch=8; --print-config shows the keys.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Stages to run: voiceprint, emotion, finetune, single, joint, or others of the configuration.
    #[arg(long, value_delimiter = ',')]
    stage: Vec<String>,
    /// Folder of results. Default: runs/NAME-N, the first that is free.
    #[arg(long, aliases = ["output", "output-dir", "out-dir"])]
    out: Option<PathBuf>,
    /// Go on with the run in this folder (or in --out): with its own configuration, data and flags, but for those that are given.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    resume: Option<PathBuf>,
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
    /// f32, or f16 for values in half the memory and cooperative matrices (train.precision).
    #[arg(long, value_name = "f32|f16")]
    precision: Option<String>,
    /// Only the result.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Events as JSON lines on standard output.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum, Serialize, Deserialize)]
enum Limits {
    Adapter,
    Default,
}

impl Default for Args {
    fn default() -> Self {
        Args::parse_from(["train"])
    }
}

impl Args {
    /// The flags of the command line, completed by those of the run that goes on.
    pub fn read() -> Result<Self> {
        let matches = Args::command().try_get_matches().unwrap_or_else(|e| flags::explain(e));
        let mut args = Args::from_arg_matches(&matches).unwrap_or_else(|e| flags::explain(e));
        if args.resume.is_some() {
            let run = args.run()?;
            let given = |flag: &str| matches.try_contains_id(flag).is_ok() && matches.value_source(flag) == Some(ValueSource::CommandLine);
            args = request::complete(&args, &given, &run)?;
            args.out = Some(run);
        }
        args.data.splice(..0, std::mem::take(&mut args.recordings));
        args.agree()?;
        Ok(args)
    }

    /// Checks flags that need others, which the run that goes on may have.
    fn agree(&self) -> Result<()> {
        match () {
            _ if !self.also.is_empty() && self.data.is_empty() => bail!("--also joins the recordings of --data: name these too"),
            _ if !self.unlabelled.is_empty() && self.teacher.is_none() => {
                bail!("--unlabelled recordings learn from a teacher: name one with --teacher")
            }
            _ if self.target.is_some() && self.data.is_empty() => bail!("--target is a column of --data: name a manifest too"),
            _ if self.seeds > 1 && self.folds.is_none() => bail!("--seeds repeats folds: add --folds all"),
            _ => Ok(()),
        }
    }

    /// The folder of the run to go on with.
    fn run(&self) -> Result<PathBuf> {
        let run = match (self.resume.as_ref().filter(|run| !run.as_os_str().is_empty()), &self.out) {
            (Some(run), Some(out)) if run != out => {
                bail!("--resume {} and --out {} are two folders: a run goes on in its own", text::path(run), text::path(out))
            }
            (Some(run), _) | (None, Some(run)) => run,
            (None, None) => bail!("--resume takes the folder of the run: --resume RUN"),
        };
        // One of its files stands for the folder.
        let folder = if run.is_file() { run.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { run };
        if !folder.is_dir() {
            bail!("{}: no run to resume here", text::path(run));
        }
        let of_folds = folder
            .canonicalize()
            .ok()
            .and_then(|f| f.ancestors().skip(1).take(2).find(|p| Folder(p.to_path_buf()).folds().exists()).map(Path::to_path_buf));
        if let Some(parent) = of_folds.filter(|_| !Folder(folder.to_path_buf()).folds().exists()) {
            bail!(
                "{} is one of the folds of {}, which go on together: --resume {}",
                text::path(folder),
                text::path(&parent),
                text::shell(&parent)
            );
        }
        let kept = Folder(folder.to_path_buf());
        // Whoever says what to train may begin here what died before anything was saved.
        let says = !self.data.is_empty() || !self.recordings.is_empty() || self.preset.is_some() || self.config.is_some();
        if !says && [kept.state(), kept.config(), kept.request(), kept.folds()].iter().all(|path| !path.exists()) {
            bail!(
                "{}: no run to resume here: nothing was saved yet, so start it again without --resume, with --out {}",
                text::path(folder),
                text::shell(folder)
            );
        }
        Ok(folder.to_path_buf())
    }

    /// Whether a run goes on.
    pub fn resumes(&self) -> bool {
        self.resume.is_some()
    }

    /// What the values of flags are laid over: the run's own configuration where it goes on, unless another is asked for.
    fn base(&self) -> Result<Config> {
        let own = match &self.out {
            Some(out) if self.resumes() && Folder(out.clone()).config().exists() => Some(Folder(out.clone()).stored()?.0),
            _ => None,
        };
        Ok(match (&self.config, &self.preset, own) {
            (Some(path), ..) => Config::load(path)?,
            (None, Some(name), Some(own)) if own.preset == *name => own,
            (None, Some(name), _) => Config::preset(name)?,
            (None, None, Some(own)) => own,
            (None, None, None) => {
                if let Some(config) = self.of_weights()? {
                    return Ok(config);
                }
                let mut config = Config::preset(if self.data.is_empty() { "tiny" } else { "small" })?;
                if self.starts_from_box() {
                    config.set("model.name=encoder")?;
                    // Solving is for classes.
                    if self.target.is_some() {
                        config.set("model.head=linear")?;
                    }
                }
                config
            }
        })
    }

    /// The configuration after file, preset and overrides.
    pub fn configuration(&self) -> Result<Config> {
        let mut config = self.base()?;
        if let Some(column) = &self.target {
            for set in [format!("task.emotion.target=column:{column}"), "task.emotion.loss=mse".into(), "task.emotion.metric=ccc".into()] {
                config.set(&set)?;
            }
        }
        // Which network it is decides which other keys there are, wherever it stands.
        let (names, others): (Vec<&String>, Vec<_>) = self.sets.iter().partition(|s| flags::names_network(s));
        names.into_iter().chain(others).try_for_each(|s| config.set(s))?;
        if !self.stage.is_empty() {
            config.set(&format!("train.stages={}", self.stage.join(",")))?;
        }
        let short = [
            ("train.precision", self.precision.clone()),
            ("train.epochs", self.epochs.map(|n| n.to_string())),
            ("train.lr", self.lr.map(|rate| format!("{rate:?}"))),
            ("train.batch", self.batch.map(|n| n.to_string())),
        ];
        for (key, value) in short {
            value.map_or(Ok(()), |value| config.set(&format!("{key}={value}")))?;
        }
        config.train.recompute |= self.recompute;
        config.check()?;
        Ok(config)
    }

    /// What flags say that this network has no use for, as a warning.
    pub fn idle(&self, config: &Config) -> Result<Option<String>> {
        let steps = |set: &&String| set.split('=').next().is_some_and(|key| key.ends_with(".lr") || key.ends_with(".epochs"));
        let short = [self.epochs.map(|_| "--epochs"), self.lr.map(|_| "--lr")].into_iter().flatten().map(String::from);
        let flags: Vec<String> = short.chain(self.sets.iter().filter(steps).map(|set| format!("--set {set}"))).collect();
        if flags.is_empty() || config.network()?.solver().is_none() {
            return Ok(None);
        }
        let steps = match config.model.name() {
            "encoder" => "--set model.head=linear trains a head by steps instead",
            _ => "another network (--set model.name=NAME) is trained by steps",
        };
        Ok(Some(format!(
            "{} changes nothing: model.name = {:?} is solved from all recordings at once, not in epochs; {steps}",
            flags.join(" and "),
            config.model.name()
        )))
    }

    /// The configuration of the model to start from, where nothing says which network is meant.
    fn of_weights(&self) -> Result<Option<Config>> {
        let named = self.sets.iter().any(|s| s.starts_with("model."));
        let Some(path) = self.weights.as_ref().filter(|_| !named) else { return Ok(None) };
        let (_, metadata) = file::read(path)?;
        // The state of a run has no recipe, but the run's configuration beside it.
        let beside = || path.parent().and_then(|folder| Folder(folder.to_path_buf()).stored().ok()).map(|(config, _)| config);
        Ok(Recipe::from_metadata(&metadata).ok().map(|recipe| recipe.config).or_else(beside))
    }

    /// Whether own data, and no word about networks, stages or weights, mean a start from the model in the box.
    fn starts_from_box(&self) -> bool {
        let asked =
            self.config.is_some() || self.preset.is_some() || self.weights.is_some() || self.trunk.is_some() || !self.stage.is_empty();
        let network = self.sets.iter().any(|s| flags::names_network(s));
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

    /// The folder of results. One that nobody named is made here, so that no other run takes it.
    pub fn out(&self) -> Result<PathBuf> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        let name = |p: &PathBuf| p.canonicalize().unwrap_or_else(|_| p.clone()).file_stem().map(|s| s.to_string_lossy().into_owned());
        let name = self.data.first().and_then(name).unwrap_or_else(|| "demo".into());
        std::fs::create_dir_all("runs").context("runs")?;
        for n in 1..10_000 {
            let folder = Path::new("runs").join(format!("{name}-{n}"));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Ok(folder),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e).context(text::path(&folder)),
            }
        }
        bail!("runs/ is full; name a folder with --out")
    }
}
