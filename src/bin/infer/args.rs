//! Flags of `infer`.

use crate::format::Format;
use anyhow::{Result, bail};
use clap::Parser;
use emotone::audio::{Channel, Raw};
use emotone::gpu::{AdapterRequest, LimitsChoice};
use std::path::PathBuf;

/// What the exit codes mean, below all flags.
const EXIT_CODES: &str = "Exit codes:
  0  every input was read
  1  an error: nothing more was done
  2  finished, but some input could not be used: error lines and records name it, or a flag could not be understood";

/// Says which emotion recordings express.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Args {
    /// Model file, from `train` or from --save-ensemble; by default the model in the box. Several are asked together: their probabilities are added
    /// up.
    #[arg(long, num_args = 1)]
    pub model: Vec<PathBuf>,
    /// Ask the small model in the box: a twelfth of the size, half the time and memory for a recording, and wrong more often.
    #[arg(long, conflicts_with = "model")]
    pub small: bool,
    /// Recordings, folders, manifests, lists of paths, or - for standard input: a recording, or paths of recordings. With --window a wav or raw
    /// recording on standard input is answered while it goes on, each window as soon as it is full.
    pub inputs: Vec<PathBuf>,
    /// Which channel to listen to: left, right, a number from 1, or the mean of all.
    #[arg(long, default_value = "mix")]
    pub channel: Channel,
    /// Recordings are samples without a header: s16le, u8, f32le, mulaw, ..., or all at once as s16le:48000:2 (rate and channels).
    #[arg(long, value_name = "ENCODING")]
    raw: Option<String>,
    /// Samples per second of --raw.
    #[arg(long, value_name = "HZ", requires = "raw")]
    rate: Option<u32>,
    /// Channels of --raw; 1 by default.
    #[arg(long, value_name = "N", requires = "raw")]
    channels: Option<usize>,
    /// A file of ECG (.npy, .npz, .csv), for models of signals; a recording of speech may stand beside it.
    #[arg(long, value_name = "FILE")]
    pub ecg: Option<PathBuf>,
    /// Samples per second of that file, where it does not say so.
    #[arg(long, value_name = "HZ", requires = "ecg")]
    pub ecg_rate: Option<f64>,
    /// A file of EEG.
    #[arg(long, value_name = "FILE")]
    pub eeg: Option<PathBuf>,
    /// Samples per second of that file, where it does not say so.
    #[arg(long, value_name = "HZ", requires = "eeg")]
    pub eeg_rate: Option<f64>,
    /// How results are written; by default as the suffix of --output says, or as text.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write results into this file, or into a file for each recording where it is a folder.
    #[arg(long, short, value_name = "FILE|FOLDER")]
    pub output: Option<PathBuf>,
    /// Cut recordings into windows of so many seconds: a timeline. The last window ends with the recording. Recordings over half a minute are
    /// cut without it too, into windows of five seconds, for one answer cannot be about all of them.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub window: Option<f64>,
    /// Seconds from window to window; half a window by default.
    #[arg(long, value_name = "SECONDS", requires = "window", value_parser = positive)]
    pub hop: Option<f64>,
    /// Make one of windows that follow each other and have the same label, with the mean of their probabilities.
    #[arg(long)]
    pub join: bool,
    /// Average over six views of each recording's image: the whole, its centre and its four corners, a little enlarged.
    #[arg(long)]
    pub tta: bool,
    /// Adapt answers to the recordings, without labels: what all of them, or all of a speaker (by a manifest's column speaker, or by folders or file
    /// names that name speakers), are off by is subtracted, and the model learns from its own answers. Printed when all recordings are heard.
    #[arg(long)]
    pub adapt: bool,
    /// What is taken away with --adapt: what each speaker is off by, or only what all recordings are. By default the first, unless what comes out
    /// shows that it takes away emotion, as where most speakers express one.
    #[arg(long, value_parser = ["auto", "speaker", "all"], default_value = "auto")]
    adapt_by: String,
    /// The same as --adapt, and write the statistics into this file (JSON).
    #[arg(long, value_name = "FILE")]
    pub adapt_save: Option<PathBuf>,
    /// Adapt answers by statistics of earlier recordings, saved with --adapt-save; works for a single recording.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["adapt", "adapt_save"])]
    pub adapt_from: Option<PathBuf>,
    /// Answer with one of these classes alone, for example anger,sadness; the probabilities of the others are those of none.
    #[arg(long, value_delimiter = ',', value_name = "CLASS,...")]
    pub classes: Vec<String>,
    /// Write all models into this one file, which --model takes as it takes them.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub save_ensemble: Option<PathBuf>,
    /// Write the one model again into this file, in half the bytes where its values fit half precision to the bit: it answers the same.
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with = "save_ensemble")]
    pub save_compact: Option<PathBuf>,
    /// Write the network's embedding of each recording into this safetensors file; the mean over its windows, where it is cut.
    #[arg(long)]
    pub embeddings: Option<PathBuf>,
    /// Write the image the network sees of one recording and exit.
    #[arg(long, value_name = "PNG")]
    pub spectrogram: Option<PathBuf>,
    /// Write all that was left out or could not be read into this CSV file, with the reasons.
    #[arg(long, value_name = "FILE")]
    pub left_out: Option<PathBuf>,
    /// Recordings per network run; 16 by default.
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    batch: Option<usize>,
    /// Adapter by part of its name or by index.
    #[arg(long)]
    adapter: Option<String>,
    /// Keep to WebGPU's default limits.
    #[arg(long, value_parser = ["adapter", "default"], default_value = "adapter")]
    limits: String,
    /// No adapter line and no hint at --adapt.
    #[arg(long)]
    pub quiet: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(v) if v >= 0.05 && v.is_finite() => Ok(v),
        _ => Err("expected at least 0.05 seconds".into()),
    }
}

impl Args {
    /// Which adapter to open.
    pub fn adapter_request(&self) -> AdapterRequest {
        let mut request = AdapterRequest::from_env();
        if self.adapter.is_some() {
            request.name = self.adapter.clone();
        }
        if self.limits == "default" {
            request.limits = LimitsChoice::Default;
        }
        request
    }

    /// Recordings per network run.
    pub fn batch(&self) -> usize {
        self.batch.unwrap_or(if self.live() { 1 } else { 16 })
    }

    /// The format of recordings without a header.
    pub fn raw(&self) -> Result<Option<Raw>> {
        let Some(raw) = &self.raw else { return Ok(None) };
        let text = match (raw.contains(':'), self.rate) {
            (true, None) if self.channels.is_none() => raw.clone(),
            (true, _) => bail!("--raw {raw}: the rate is named already; leave --rate and --channels out"),
            (false, Some(rate)) => format!("{raw}:{rate}:{}", self.channels.unwrap_or(1)),
            (false, None) => bail!("--raw {raw}: how many samples are in a second? Add --rate 16000, or say --raw {raw}:16000"),
        };
        text.parse().map(Some).map_err(|reason: String| anyhow::anyhow!("--raw {reason}"))
    }

    /// Seconds of windows and from window to window, where recordings are cut into such.
    pub fn windows(&self) -> Option<(f64, f64)> {
        self.window.map(|length| (length, self.hop.unwrap_or(length / 2.0)))
    }

    /// Whether windows are answered one by one as they fill.
    pub fn live(&self) -> bool {
        self.window.is_some() && matches!(self.inputs.as_slice(), [one] if one.as_os_str() == "-")
    }

    /// How results are written.
    pub fn format(&self) -> Format {
        self.format.or_else(|| self.output.as_deref().and_then(Format::of_file)).unwrap_or(Format::Text)
    }

    /// Whether speakers are told apart where answers are adapted.
    pub fn by_speaker(&self) -> bool {
        self.adapt_by != "all"
    }

    /// Whether they are whatever comes out.
    pub fn insists(&self) -> bool {
        self.adapt_by == "speaker"
    }

    /// Whether answers wait for the statistics of all recordings.
    pub fn adapts(&self) -> bool {
        self.adapt || self.adapt_save.is_some()
    }
}
