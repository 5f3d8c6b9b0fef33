//! `parity features WHAT IN.wav OUT.safetensors`: what front ends make of a recording, under the names of the reference's tensors.
//!
//! | WHAT | tensors |
//! |---|---|
//! | lstm34 | `features` (frames, 34), `frames` (T, 34) before the first and last are dropped, `kept` (N) left after silence removal |
//! | mfcc78 | `features` (78), `frames` (39, T) |
//! | denoise | `samples` (N'), 32-bit integers |
//! | tta | `mel` (1, 64, T), `views` (6, 1, 256, 256) of it |
//!
//! The recording is 16-bit PCM, mono, and keeps its sample rate. `--frames`, `--threshold` and `--min-silence` are settings of lstm34,
//! `--mode nearest|bilinear|area` of tta.

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use emotone::compile::{Options, Program, States};
use emotone::frontend::{Extractor, Frontend, Inputs, Vector, berouti, log_mel, sequence, vector, views};
use emotone::gpu::Device;
use emotone::graph::{Graph, Var};
use emotone::ops::Window;
use emotone::train::config::Config;
use safetensors::tensor::{Dtype, TensorView};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Values of one type by name and shape.
type Tensors<T> = Vec<(&'static str, Vec<usize>, Vec<T>)>;

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Lstm34,
    Mfcc78,
    Denoise,
    Tta,
}

/// Flags of `parity features`.
#[derive(Parser)]
pub struct Args {
    what: What,
    wav: PathBuf,
    out: PathBuf,
    /// Quiet samples are below this share of the largest.
    #[arg(long, default_value_t = 0.001)]
    threshold: f64,
    /// Seconds of quiet samples that are removed.
    #[arg(long, default_value_t = 0.01)]
    min_silence: f64,
    /// Frames of the sequence.
    #[arg(long, default_value_t = 100)]
    frames: usize,
    /// How images are resized.
    #[arg(long, default_value = "bilinear")]
    mode: String,
}

/// Writes the features of a recording.
pub fn run(a: &Args, open: impl Fn() -> Result<Arc<Device>>) -> Result<()> {
    let (rate, pcm) = read(&a.wav)?;
    let clip: Vec<f32> = pcm.iter().map(|&v| f32::from(v) / 32768.0).collect();
    match a.what {
        What::Lstm34 => save(&a.out, &lstm34(&open()?, rate, &clip, a)?, Dtype::F32),
        What::Mfcc78 => save(&a.out, &mfcc78(&open()?, rate, &clip)?, Dtype::F32),
        What::Denoise => {
            let samples: Vec<i32> = berouti(&clip, rate)?.iter().map(|v| (v * 32768.0) as i32).collect();
            save(&a.out, &[("samples", vec![samples.len()], samples)], Dtype::I32)
        }
        What::Tta => save(&a.out, &tta(&open()?, rate, &clip, &a.mode)?, Dtype::F32),
    }
}

fn read(path: &Path) -> Result<(u32, Vec<i16>)> {
    let mut wav = hound::WavReader::open(path).with_context(|| path.display().to_string())?;
    let spec = wav.spec();
    ensure!(spec.channels == 1 && spec.bits_per_sample == 16, "{}: {spec:?}, not 16 bits mono", path.display());
    Ok((spec.sample_rate, wav.samples::<i16>().collect::<Result<_, _>>()?))
}

fn save<T: bytemuck::NoUninit>(path: &Path, tensors: &[(&str, Vec<usize>, Vec<T>)], dtype: Dtype) -> Result<()> {
    let mut views = Vec::new();
    for (name, shape, values) in tensors {
        views.push((*name, TensorView::new(dtype, shape.clone(), bytemuck::cast_slice(values))?));
    }
    std::fs::write(path, safetensors::serialize(views, None)?).with_context(|| path.display().to_string())
}

/// A front end at another sample rate.
fn frontend(rate: u32) -> Result<Frontend> {
    Ok(Frontend { sample_rate: rate, ..Config::preset("paper")?.frontend })
}

/// Values of a graph of one signal.
fn values(
    device: &Arc<Device>,
    signal: &[f32],
    build: impl Fn(&mut Graph, Var, Var) -> emotone::Result<Var>,
) -> Result<(Vec<usize>, Vec<f32>)> {
    let mut g = Graph::new();
    let (x, lengths) = (g.input("x", [1, signal.len()]), g.input("lengths", [1]));
    let y = build(&mut g, x, lengths)?;
    g.output("y", y);
    let program = Program::new(&g, &States::new(device), Options::default())?;
    program.write("x", signal)?;
    program.write_u32("lengths", &[signal.len() as u32])?;
    program.run()?;
    Ok((g.shape(y)[1..].to_vec(), program.read("y")?))
}

fn lstm34(device: &Arc<Device>, rate: u32, clip: &[f32], a: &Args) -> Result<Tensors<f32>> {
    let mut s = Config::preset("paper")?.sequence;
    (s.frame, s.hop) = ((0.2 * f64::from(rate)).round_ties_even() as usize, (0.1 * f64::from(rate)).round_ties_even() as usize);
    (s.frames, s.silence_threshold, s.min_silence) = (a.frames, a.threshold, a.min_silence);
    let features = Extractor::new(device, &Inputs::Sequences(frontend(rate)?, s.clone())).extract(&[clip])?.remove(0);
    let kept = sequence::remove_silence(clip, rate, s.silence_threshold, s.min_silence);
    let signal = sequence::signal(clip, rate, &s);
    let (mut shape, mut frames) = values(device, &signal, |g, x, lengths| sequence::frames(g, x, lengths, rate, &s))?;
    if signal.len() < s.frame {
        (shape[0], frames) = (0, Vec::new());
    }
    Ok(vec![("features", vec![s.frames, 34], features), ("frames", shape, frames), ("kept", vec![kept.len()], kept)])
}

fn mfcc78(device: &Arc<Device>, rate: u32, clip: &[f32]) -> Result<Tensors<f32>> {
    let frame = (0.025 * f64::from(rate)).round_ties_even() as usize;
    let v = Vector {
        frame,
        hop: (0.01 * f64::from(rate)).round_ties_even() as usize,
        n_fft: frame.next_power_of_two(),
        ..Config::preset("paper")?.vector
    };
    let features = Extractor::new(device, &Inputs::Vectors(frontend(rate)?, v.clone())).extract(&[clip])?.remove(0);
    let (shape, frames) = values(device, clip, |g, x, lengths| vector::frames(g, x, lengths, rate, &v))?;
    Ok(vec![("features", vec![features.len()], features), ("frames", shape, frames)])
}

fn tta(device: &Arc<Device>, rate: u32, clip: &[f32], mode: &str) -> Result<Tensors<f32>> {
    let mut config = Config::preset("paper")?;
    config.set(&format!("image.resize={mode}"))?;
    let f_max = (f64::from(rate) / 2.0).min(8000.0);
    let f = Frontend { n_fft: 1024, frame: 1024, hop: 512, pre_emphasis: 0.0, window: Window::Hann, f_max, ..frontend(rate)? };
    let (shape, db) = values(device, clip, |g, x, lengths| log_mel(g, x, lengths, &f))?;
    let mel: Vec<f32> = db.iter().map(|&v| v / 80.0 + 1.0).collect();
    let (rows, columns) = config.image.extents();
    let views = Extractor::of_views(device, &Inputs::Images(f, config.image))?.extract(&[clip])?.remove(0);
    Ok(vec![("mel", vec![1, shape[0], shape[1]], mel), ("views", vec![views::VIEWS, 1, rows, columns], views)])
}
