//! Writes a synthetic emotional-speech corpus: wav files, the same people's ECG and EEG where asked for, and a manifest that `train` reads.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use emotone::data::synth::{LABELS, SAMPLE_RATE, SynthConfig, into_noise, signals, synthesise, write_with};

/// Synthesise speech-like clips of made-up speakers in four emotions.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    /// Folder to write: wav/*.wav and manifest.csv
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Clips of each emotion by each speaker
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clips_per_emotion: u32,
    /// Number of speakers
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    speakers: u32,
    /// Channels of ECG to write beside the speech, as ecg/*.npy
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    ecg: u8,
    /// Channels of EEG to write beside the speech, as eeg/*.npy
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=64))]
    eeg: u8,
    /// Samples per second of the signals
    #[arg(long, value_name = "HZ", default_value_t = 128.0)]
    rate: f64,
    /// Seconds of the signals
    #[arg(long, value_name = "S", default_value_t = 8.0)]
    seconds: f64,
    /// Put the speech into noise: decibels of speech over noise
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    snr: Option<f64>,
    /// Seed; the same seed gives the same bits
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    anyhow::ensure!(
        (1.0..=10_000.0).contains(&args.rate) && (0.1..=600.0).contains(&args.seconds),
        "--rate is 1 to 10000, --seconds 0.1 to 600"
    );
    let config =
        SynthConfig { speakers: args.speakers as usize, clips_per_emotion_per_speaker: args.clips_per_emotion as usize, seed: args.seed };
    let start = Instant::now();
    let mut clips = synthesise(&config);
    if let Some(snr) = args.snr {
        clips.iter_mut().enumerate().for_each(|(i, clip)| into_noise(clip, snr, args.seed, i));
    }
    let took = start.elapsed().as_secs_f64();
    let seconds: f64 = clips.iter().map(|c| c.samples.len() as f64).sum::<f64>() / f64::from(SAMPLE_RATE);
    let channels = [args.ecg, args.eeg].map(usize::from);
    let rows = if channels == [0, 0] { Vec::new() } else { signals(&config, channels, args.rate, (args.seconds * args.rate) as usize) };
    write_with(&clips, &rows, channels, args.rate, &args.out).with_context(|| format!("writing the corpus to {}", args.out.display()))?;
    println!(
        "{}: {} clips, {} speakers, {} emotions, {seconds:.0} s of audio ({:.0} times real time)",
        args.out.display(),
        clips.len(),
        args.speakers,
        LABELS.len(),
        seconds / took.max(1e-9)
    );
    Ok(())
}
