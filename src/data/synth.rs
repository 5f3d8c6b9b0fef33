//! A corpus from nothing: speech-like clips of made-up speakers in four emotions, for demonstrations and for tests that must not depend
//! on recordings.
//!
//! Formant synthesis after Klatt (1980, "Software for a cascade/parallel formant synthesizer"): glottal pulses and noise through five
//! resonators, driven by random syllables. Speakers differ in vocal-tract length, pitch, breathiness, tilt, tempo and recording noise;
//! emotions differ in pitch level and range, contour, tempo, energy, tilt, roughness, onsets and vowel reduction, in the directions
//! reported by Murray and Arnott (1993), Banse and Scherer (1996) and Juslin and Laukka (2003).
//!
//! A clip is a function of (seed, speaker, emotion, take) alone: neither the number of threads nor the other clips change a bit of it.

pub mod physiology;
mod source_filter;
mod utterance;
mod voice;

use std::path::Path;

pub use self::source_filter::SAMPLE_RATE;
use self::voice::{Speaker, Style};
use super::npy::npy_bytes;
use crate::audio::write_wav;
use crate::random::Rng;
use crate::{Error, Result, parallel, storage};

/// The labels of the synthetic corpus, in the order of the class index.
pub const LABELS: [&str; 4] = ["happiness", "sadness", "anger", "gentleness"];

/// Digital amplitude of a voice of medium effort before the resonators; leaves room for shouting.
const GAIN: f64 = 0.09;
/// Highest sample magnitude written; louder clips are scaled down as a careful recordist would.
const PEAK: f64 = 0.95;

/// What to synthesise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthConfig {
    /// Number of speakers; even indices have low voices, odd ones high voices.
    pub speakers: usize,
    /// Clips of each emotion by each speaker; the corpus has `4 · speakers · clips_per_emotion_per_speaker` clips.
    pub clips_per_emotion_per_speaker: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for SynthConfig {
    fn default() -> Self {
        SynthConfig { speakers: 10, clips_per_emotion_per_speaker: 10, seed: 1 }
    }
}

/// One synthetic utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct SynthClip {
    /// Mono samples at [`SAMPLE_RATE`], within ±1.
    pub samples: Vec<f32>,
    /// One of [`LABELS`].
    pub label: &'static str,
    /// Speaker name, `syn00`, `syn01`, ...
    pub speaker: String,
    /// Name of the clip, unique in the corpus; it says nothing about the label beyond what `label` says.
    pub name: String,
}

/// Synthesises the corpus on all cores, speakers outermost, then emotions in the order of [`LABELS`], then takes.
///
/// # Shapes
/// Every clip has 19 200 to 32 000 samples (1.2 to 2.0 s), drawn independently of its emotion.
pub fn synthesise(config: &SynthConfig) -> Vec<SynthClip> {
    synthesise_on(config, parallel::cores())
}

fn synthesise_on(config: &SynthConfig, threads: usize) -> Vec<SynthClip> {
    let takes = config.clips_per_emotion_per_speaker;
    parallel::map(threads, config.speakers * LABELS.len() * takes, |index| {
        clip(config.seed, index / takes / LABELS.len(), index / takes % LABELS.len(), index % takes)
    })
}

/// Signals of the same people in the order of [`synthesise`]: channel after channel of ECG, then of EEG; see [`physiology`].
pub fn signals(config: &SynthConfig, channels: [usize; 2], rate: f64, length: usize) -> Vec<Vec<f32>> {
    let takes = config.clips_per_emotion_per_speaker;
    parallel::map(parallel::cores(), config.speakers * LABELS.len() * takes, |index| {
        let (subject, emotion, take) = (index / takes / LABELS.len(), index / takes % LABELS.len(), index % takes);
        let window = physiology::Window { seed: config.seed, subject, emotion, take, rate, length };
        [window.ecg(channels[0]), window.eeg(channels[1])].concat()
    })
}

/// Puts a clip into a loud room: white noise of the clip's own power over 10^(snr/10), a few decibels more or less, by a stream of its own.
pub fn into_noise(clip: &mut SynthClip, snr: f64, seed: u64, index: usize) {
    let mut rng = Rng::new(seed, &[0x105e, index as u64]);
    let power = clip.samples.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / clip.samples.len().max(1) as f64;
    let size = (power * 10f64.powf(-(snr + 3.0 * rng.normal()) / 10.0)).sqrt();
    let noisy: Vec<f64> = clip.samples.iter().map(|v| f64::from(*v) + size * rng.normal()).collect();
    let peak = noisy.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let scale = if peak > PEAK { PEAK / peak } else { 1.0 };
    clip.samples = noisy.into_iter().map(|v| (scale * v) as f32).collect();
}

/// One clip: take `take` of `speaker` in `emotion`.
fn clip(seed: u64, speaker: usize, emotion: usize, take: usize) -> SynthClip {
    let person = Speaker::new(seed, speaker);
    let mut rng = Rng::new(seed, &[0xc119, speaker as u64, emotion as u64, take as u64]);
    let style = Style::draw(emotion, &person, &mut rng);
    let frames = utterance::plan(&person, &style, rng.range(1.2, 2.0), &mut rng);
    let mut voice = source_filter::render(&frames, &style.quality, &mut rng);
    let floor = 10f64.powf((person.floor_db + 1.5 * rng.normal()) / 20.0);
    let mut room = 0.0;
    for v in &mut voice {
        // Background noise falls by about 6 dB per octave above 1 kHz; the factor restores its power.
        room += 0.33 * (rng.range(-1.0, 1.0) - room);
        *v = *v * GAIN + 3.9 * floor * room;
    }
    let peak = voice.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let scale = if peak > PEAK { PEAK / peak } else { 1.0 };
    SynthClip {
        samples: voice.iter().map(|v| (v * scale) as f32).collect(),
        label: voice::label(emotion),
        speaker: format!("syn{speaker:02}"),
        name: format!("syn{speaker:02}_{}_{take:03}", voice::label(emotion)),
    }
}

/// Writes `clips` as 16-bit wavs under `dir/wav` with `dir/manifest.csv` (columns `path,label,speaker`; paths relative to `dir`).
///
/// # Errors
/// [`Error::Io`] when the folder cannot be made, [`Error::Audio`] and [`Error::Manifest`] when a file cannot be written.
pub fn write(clips: &[SynthClip], dir: &Path) -> Result<()> {
    write_with(clips, &[], [0, 0], 0.0, dir)
}

/// Writes `clips` as [`write()`] does and beside them their [`signals`] as NumPy arrays (C, L), with columns `ecg`, `eeg` and their rates.
///
/// # Errors
/// As [`write()`].
pub fn write_with(clips: &[SynthClip], signals: &[Vec<f32>], channels: [usize; 2], rate: f64, dir: &Path) -> Result<()> {
    let wavs = dir.join("wav");
    std::fs::create_dir_all(&wavs).map_err(Error::io(&wavs))?;
    let manifest = dir.join("manifest.csv");
    let bad_row = |line: usize| {
        let path = manifest.clone();
        move |e: csv::Error| Error::Manifest { path, line, reason: e.to_string() }
    };
    let mut table = csv::Writer::from_path(&manifest).map_err(bad_row(1))?;
    let own: Vec<(&str, usize)> = ["ecg", "eeg"].into_iter().zip(channels).filter(|(_, c)| *c > 0 && !signals.is_empty()).collect();
    let columns = own.iter().flat_map(|(name, _)| [(*name).to_string(), format!("{name}_rate")]);
    table.write_record(["path", "label", "speaker"].map(String::from).into_iter().chain(columns)).map_err(bad_row(1))?;
    for (name, _) in &own {
        std::fs::create_dir_all(dir.join(name)).map_err(Error::io(dir))?;
    }
    for (i, clip) in clips.iter().enumerate() {
        let path = wavs.join(format!("{}.wav", clip.name));
        write_wav(&path, &clip.samples, SAMPLE_RATE)?;
        let mut row = vec![format!("wav/{}.wav", clip.name), clip.label.to_string(), clip.speaker.clone()];
        let mut start = 0;
        for (name, channels) in &own {
            let length = signals[i].len() / own.iter().map(|(_, c)| c).sum::<usize>();
            let file = format!("{name}/{}.npy", clip.name);
            let values = &signals[i][start..start + channels * length];
            storage::write(&dir.join(&file), &npy_bytes(&[*channels, length], values))?;
            start += channels * length;
            row.extend([file, rate.to_string()]);
        }
        table.write_record(row).map_err(bad_row(i + 2))?;
    }
    table.flush().map_err(Error::io(&manifest))
}

#[cfg(test)]
mod tests;
