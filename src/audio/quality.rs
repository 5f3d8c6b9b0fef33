//! What the samples of a recording, or of a part of one, say about how far an answer about them can be trusted.
//!
//! All of it is by level, on frames of 25 ms every 10 ms without their mean, so an offset changes nothing:
//!
//! | flaw | where |
//! |---|---|
//! | silent | no frame reaches -80 dB of full scale: below the last bits of 16-bit audio |
//! | too short | less than 0.2 s, the length of a syllable |
//! | mostly silent | less than a third of the frames reaches -80 dB |
//! | low level | loud frames (the 95th percentile of those that are not silent) stay below -55 dB |
//! | no speech | levels hardly change (6 dB between the 5th and the 95th percentile over half a second and more), or nothing is loud for a tenth of a second |
//! | clipped | more than one sample in a thousand lies on a plateau at the largest value or at full scale |
//! | cut short | the file ends before its declared length, or parts of it cannot be decoded |

use super::clip::SAMPLE_RATE;

/// Something that makes an answer about a recording doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Nothing is to be heard.
    Silent,
    /// Shorter than a syllable.
    TooShort,
    /// What is to be heard is no speech: steady noise, a tone, a click.
    NoSpeech,
    /// Most of it is silent.
    MostlySilent,
    /// So quiet that the noise of any device comes near.
    LowLevel,
    /// Peaks are cut off.
    Clipped,
    /// The file ends early or is damaged.
    CutShort,
}

impl Flaw {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Flaw::Silent => "silent",
            Flaw::TooShort => "too_short",
            Flaw::NoSpeech => "no_speech",
            Flaw::MostlySilent => "mostly_silent",
            Flaw::LowLevel => "low_level",
            Flaw::Clipped => "clipped",
            Flaw::CutShort => "cut_short",
        }
    }

    /// Whether no answer is possible: whatever a network said of silence or of a few milliseconds would mean nothing.
    pub fn is_fatal(self) -> bool {
        matches!(self, Flaw::Silent | Flaw::TooShort)
    }
}

/// Samples of a frame and between frames.
const FRAME: usize = SAMPLE_RATE as usize / 40;
const HOP: usize = SAMPLE_RATE as usize / 100;
/// Samples of the shortest recording that is answered.
const SHORTEST: usize = SAMPLE_RATE as usize / 5;
/// Decibels of full scale below which a frame is silent, and loud frames are low.
const SILENT: f64 = -80.0;
const LOW: f64 = -55.0;
/// Share of frames that must not be silent.
const HEARD: f64 = 1.0 / 3.0;
/// Decibels between loud and quiet frames of speech, at least, over so many frames and more.
const SPREAD: f64 = 6.0;
const STEADY: usize = 50;
/// Frames of speech, at least, within so many decibels of the loudest.
const SPOKEN: usize = 10;
const NEAR: f64 = 20.0;
/// Samples of a plateau, at least; how near to the largest value, or to full scale, it lies; the share of samples on plateaus.
const PLATEAU: usize = 4;
const TOP: f32 = 0.999;
const FULL: f32 = 0.99;
const CLIPPED: f64 = 0.001;

/// What is wrong with samples at [`SAMPLE_RATE`], in the order of [`Flaw`]; nothing of most recordings.
pub fn flaws(samples: &[f32]) -> Vec<Flaw> {
    let levels = levels(samples);
    let heard: Vec<f64> = levels.iter().copied().filter(|&l| l >= SILENT).collect();
    let short = samples.len() < SHORTEST;
    if heard.is_empty() {
        return if short { vec![Flaw::Silent, Flaw::TooShort] } else { vec![Flaw::Silent] };
    }
    let mut found = Vec::new();
    if short {
        found.push(Flaw::TooShort);
    } else if steady(&levels) || spoken(&levels) < SPOKEN {
        found.push(Flaw::NoSpeech);
    }
    if (heard.len() as f64) < HEARD * levels.len() as f64 {
        found.push(Flaw::MostlySilent);
    }
    if percentile(&heard, 0.95) < LOW {
        found.push(Flaw::LowLevel);
    }
    if clipped(samples) {
        found.push(Flaw::Clipped);
    }
    found
}

/// Level of each frame in decibels of full scale; less than a frame is one.
fn levels(x: &[f32]) -> Vec<f64> {
    let level = |frame: &[f32]| {
        let n = frame.len() as f64;
        let mean = frame.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let power = frame.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        10.0 * power.max(1e-20).log10()
    };
    match x.len() {
        0 => Vec::new(),
        n if n < FRAME => vec![level(x)],
        n => (0..=(n - FRAME) / HOP).map(|i| level(&x[i * HOP..i * HOP + FRAME])).collect(),
    }
}

fn percentile(levels: &[f64], share: f64) -> f64 {
    let mut sorted = levels.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Whether the level hardly changes: syllables and pauses do not let it stand still for long.
fn steady(levels: &[f64]) -> bool {
    levels.len() >= STEADY && percentile(levels, 0.95) - percentile(levels, 0.05) < SPREAD
}

/// Frames near the loudest.
fn spoken(levels: &[f64]) -> usize {
    let loudest = levels.iter().fold(f64::NEG_INFINITY, |m, &l| m.max(l));
    levels.iter().filter(|&&l| l > loudest - NEAR).count()
}

/// Whether peaks are cut off: plateaus, as runs of samples of one sign at the largest value or at full scale.
fn clipped(x: &[f32]) -> bool {
    let peak = x.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
    let bound = (TOP * peak).min(FULL);
    let (mut on, mut run) = (0, 0);
    for (i, v) in x.iter().enumerate() {
        let high = v.abs() >= bound;
        run = if high && i > 0 && run > 0 && v.signum() == x[i - 1].signum() { run + 1 } else { usize::from(high) };
        on += match run {
            PLATEAU => PLATEAU,
            n if n > PLATEAU => 1,
            _ => 0,
        };
    }
    on as f64 > CLIPPED * x.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = SAMPLE_RATE as usize;

    /// Noise between -1 and 1, the same each time.
    fn noise(n: usize) -> Vec<f32> {
        let mut state = 1u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        };
        (0..n).map(next).collect()
    }

    /// Noise in syllables, five in a second, with a level.
    fn voice(seconds: f64, level: f32) -> Vec<f32> {
        let n = (seconds * RATE as f64) as usize;
        let swell = |i: usize| (std::f32::consts::PI * (i % 3200) as f32 / 3200.0).sin().powi(2);
        noise(n).iter().enumerate().map(|(i, v)| level * v * swell(i)).collect()
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_else() {
        let with = |before: f64, voice: Vec<f32>| [vec![0.0; (before * RATE as f64) as usize], voice].concat();
        let cases: Vec<(&str, Vec<f32>, &[Flaw])> = vec![
            ("speech", voice(2.0, 0.3), &[]),
            ("speech with an offset", voice(2.0, 0.3).iter().map(|v| v + 0.2).collect(), &[]),
            ("speech behind a pause", with(1.0, voice(1.0, 0.3)), &[]),
            ("a word", voice(0.25, 0.3), &[]),
            ("nothing", vec![], &[Flaw::Silent, Flaw::TooShort]),
            ("zeros", vec![0.0; 2 * RATE], &[Flaw::Silent]),
            ("an offset alone", vec![0.25; 2 * RATE], &[Flaw::Silent]),
            ("the last bits of a muted microphone", noise(2 * RATE).iter().map(|v| 5e-5 * v).collect(), &[Flaw::Silent]),
            ("one sample", vec![0.3], &[Flaw::Silent, Flaw::TooShort]),
            ("10 ms", voice(0.2, 0.3)[1500..1660].to_vec(), &[Flaw::TooShort]),
            ("24 ms", voice(0.2, 0.3)[1500..1884].to_vec(), &[Flaw::TooShort]),
            ("steady noise", noise(2 * RATE).iter().map(|v| 0.1 * v).collect(), &[Flaw::NoSpeech]),
            ("a tone", (0..2 * RATE).map(|i| 0.3 * (i as f32 * 0.17).sin()).collect(), &[Flaw::NoSpeech]),
            ("a click", with(1.0, [vec![0.5; 20], vec![0.0; RATE]].concat()), &[Flaw::NoSpeech, Flaw::MostlySilent]),
            ("a window of silence and the start of a word", with(1.6, voice(0.4, 0.3)), &[Flaw::MostlySilent]),
            ("far from the microphone", voice(2.0, 0.002), &[Flaw::LowLevel]),
            ("far too loud", voice(2.0, 8.0).iter().map(|v| v.clamp(-1.0, 1.0)).collect(), &[Flaw::Clipped]),
            ("clipped, then turned down", voice(2.0, 8.0).iter().map(|v| 0.3 * v.clamp(-1.0, 1.0)).collect(), &[Flaw::Clipped]),
        ];
        for (name, samples, want) in cases {
            assert_eq!(flaws(&samples), want, "{name}");
        }
        assert!(flaws(&voice(2.0, 0.999)).is_empty(), "full scale is not clipped");
    }
}
