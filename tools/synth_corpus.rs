//! Writes a synthetic emotional-speech corpus: wav files and a manifest that `train` reads.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use emotone::data::synth::{LABELS, SAMPLE_RATE, SynthConfig, synthesise, write};

/// Synthesise speech-like clips of made-up speakers in four emotions.
#[derive(Parser)]
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
    /// Seed; the same seed gives the same bits
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let config =
        SynthConfig { speakers: args.speakers as usize, clips_per_emotion_per_speaker: args.clips_per_emotion as usize, seed: args.seed };
    let start = Instant::now();
    let clips = synthesise(&config);
    let took = start.elapsed().as_secs_f64();
    let seconds: f64 = clips.iter().map(|c| c.samples.len() as f64).sum::<f64>() / f64::from(SAMPLE_RATE);
    write(&clips, &args.out).with_context(|| format!("writing the corpus to {}", args.out.display()))?;
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
