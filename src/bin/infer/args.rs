//! Flags of `infer`.

use crate::samples;
use clap::{Parser, ValueEnum};
use emotone::audio::SAMPLE_RATE;
use emotone::gpu::{AdapterRequest, LimitsChoice};
use std::path::PathBuf;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line per recording.
    Text,
    /// One JSON array.
    Json,
    /// A JSON object per line.
    Jsonl,
    /// A header and a line per recording.
    Csv,
}

/// Says which emotion recordings express.
#[derive(Parser)]
#[command(version)]
pub struct Args {
    /// Model file, from `train` or from --save-ensemble; by default the model in the box. Several are asked together: their probabilities are added
    /// up.
    #[arg(long, num_args = 1)]
    pub model: Vec<PathBuf>,
    /// Recordings, folders, manifests, or - for a recording on standard input.
    pub inputs: Vec<PathBuf>,
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
    /// Output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Cut recordings into windows of so many seconds: a timeline.
    #[arg(long, value_parser = positive)]
    pub window: Option<f64>,
    /// Seconds from window to window; half a window by default.
    #[arg(long, requires = "window", value_parser = positive)]
    hop: Option<f64>,
    /// Average over six views of each recording's image: the whole, its centre and its four corners, a little enlarged.
    #[arg(long)]
    pub tta: bool,
    /// Centre answers by the unlabelled recordings' own statistics: what all of them, or all of a speaker (by a manifest's column speaker, or by
    /// folders or file names that name speakers), are off by is subtracted. Answers are printed when all recordings are heard.
    #[arg(long)]
    pub adapt: bool,
    /// The same, and write the statistics into this file (JSON).
    #[arg(long, value_name = "FILE")]
    pub adapt_save: Option<PathBuf>,
    /// Centre answers by statistics of earlier recordings, saved with --adapt-save; works for a single recording.
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
    /// Write the network's embedding of each recording into this safetensors file.
    #[arg(long)]
    pub embeddings: Option<PathBuf>,
    /// Write the image the network sees of one recording and exit.
    #[arg(long, value_name = "PNG")]
    pub spectrogram: Option<PathBuf>,
    /// Recordings per network run.
    #[arg(long, default_value_t = 16, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub batch: usize,
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

    /// Whether answers wait for the statistics of all recordings.
    pub fn adapts(&self) -> bool {
        self.adapt || self.adapt_save.is_some()
    }

    /// The windows of a recording as (start, end, samples); the whole of it without --window. The last window may be short, but has at
    /// least half a window's length unless it is the only one.
    pub fn windows<'a>(&self, clip: &'a [f32]) -> impl Iterator<Item = (f64, f64, &'a [f32])> + use<'a> {
        let length = self.window.map_or(clip.len(), samples).max(1);
        let hop = self.hop.map_or(length / 2, samples).max(1);
        let mut starts = vec![0];
        while self.window.is_some() && starts[starts.len() - 1] + length < clip.len() {
            let next = starts[starts.len() - 1] + hop;
            if clip.len() <= next + length / 2 {
                break;
            }
            starts.push(next);
        }
        let seconds = |n: usize| n as f64 / f64::from(SAMPLE_RATE);
        starts.into_iter().map(move |from| {
            let to = (from + length).min(clip.len());
            (seconds(from), seconds(to), &clip[from..to])
        })
    }
}
