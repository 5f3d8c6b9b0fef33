//! Changes of recordings themselves: copies that training takes beside them, and the disturbances these stand for.

use crate::audio::{SAMPLE_RATE, resample};
use crate::frontend::speech;
use crate::random::Rng;
use crate::words::words;
use crate::{Error, Result};

words! {
    /// A copy of a recording that training takes beside it.
    Version {
        /// As if it had been played at 0.94 of its speed: lower by a semitone too.
        Slower = "slower",
        /// At 1.06 of its speed.
        Faster = "faster",
        /// Through a telephone: half the band, 8-bit mu-law, at some level.
        Telephone = "telephone",
        /// With pink noise, 8 to 25 dB below the speech.
        Noise = "noise",
    }
}

/// Keys of the random streams of copies.
const COPY: u64 = 0x636f_7079;
/// Bits of a mu-law sample, and its compression (ITU-T G.711).
const LEVELS: f64 = 127.0;
const MU: f64 = 255.0;

/// Spectrum of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Equal power in equal bands.
    White,
    /// Equal power in octaves.
    Pink,
}

impl Version {
    /// The copy of a recording. What is random about it follows from the recording alone: a recording has the same copies in all corpora.
    ///
    /// # Errors
    /// Those of resampling.
    pub fn of(self, clip: &[f32]) -> Result<Vec<f32>> {
        let sum = clip.iter().fold(clip.len() as u64, |h, v| h.rotate_left(5) ^ u64::from(v.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut rng = Rng::new(sum, &[COPY, self as u64]);
        match self {
            Version::Slower => speed(clip, 0.94),
            Version::Faster => speed(clip, 1.06),
            Version::Telephone => {
                let peak = clip.iter().fold(1e-9, |m: f32, v| m.max(v.abs()));
                let gain = 10f64.powf(rng.range(-1.0, 0.0)) as f32 / peak;
                telephone(&clip.iter().map(|v| v * gain).collect::<Vec<f32>>())
            }
            Version::Noise => {
                let decibels = rng.range(8.0, 25.0);
                Ok(noisy(clip, Colour::Pink, decibels, &mut rng))
            }
        }
    }
}

/// Played at `factor` of its speed, pitch and all.
///
/// # Errors
/// Those of resampling.
pub fn speed(clip: &[f32], factor: f64) -> Result<Vec<f32>> {
    resampled(clip, (f64::from(SAMPLE_RATE) * factor).round() as u32)
}

/// Half the band and 8-bit mu-law, as telephones have it: 16 kHz -> 8 kHz -> companded -> 16 kHz. Values beyond ±1 are clipped.
///
/// # Errors
/// Those of resampling.
pub fn telephone(clip: &[f32]) -> Result<Vec<f32>> {
    half_band(clip, mu_law)
}

/// Half the band, and what is done to each sample at 8 kHz.
///
/// # Errors
/// Those of resampling.
pub fn half_band(clip: &[f32], each: fn(f32) -> f32) -> Result<Vec<f32>> {
    let mut narrow = resampled(clip, 2 * SAMPLE_RATE)?;
    narrow.iter_mut().for_each(|v| *v = each(*v));
    let mut wide = resampled(&narrow, SAMPLE_RATE / 2)?;
    wide.truncate(clip.len());
    Ok(wide)
}

/// What is left of a sample after compression to 8 bits.
pub fn mu_law(sample: f32) -> f32 {
    let v = f64::from(sample.clamp(-1.0, 1.0));
    let code = ((1.0 + MU * v.abs()).ln() / (1.0 + MU).ln() * LEVELS).round() / LEVELS;
    (v.signum() * ((1.0 + MU).powf(code) - 1.0) / MU) as f32
}

/// With noise that is so many decibels below the speech.
pub fn noisy(clip: &[f32], colour: Colour, decibels: f64, rng: &mut Rng) -> Vec<f32> {
    let white: Vec<f64> = (0..clip.len()).map(|_| rng.normal()).collect();
    let noise = if colour == Colour::Pink { pink(&white) } else { white };
    let power = noise.iter().map(|v| v * v).sum::<f64>() / noise.len().max(1) as f64;
    let gain = speech::find(clip, SAMPLE_RATE).level * 10f64.powf(-decibels / 20.0) / power.sqrt().max(1e-12);
    clip.iter().zip(noise).map(|(v, n)| v + (gain * n) as f32).collect()
}

/// White noise brought to 3 dB an octave, within 0.05 dB above 9 Hz at 44.1 kHz, by a sum of six one-pole filters (coefficients: Paul
/// Kellet, 1999).
fn pink(white: &[f64]) -> Vec<f64> {
    const POLES: [(f64, f64); 6] = [
        (0.99886, 0.0555179),
        (0.99332, 0.0750759),
        (0.96900, 0.1538520),
        (0.86650, 0.3104856),
        (0.55000, 0.5329522),
        (-0.7616, -0.0168980),
    ];
    let (mut state, mut before) = ([0.0; 6], 0.0);
    let next = |&w: &f64| {
        state.iter_mut().zip(POLES).for_each(|(s, (pole, gain))| *s = pole * *s + gain * w);
        let out = state.iter().sum::<f64>() + before + 0.5362 * w;
        before = 0.115926 * w;
        out
    };
    white.iter().map(next).collect()
}

fn resampled(clip: &[f32], from: u32) -> Result<Vec<f32>> {
    resample(clip, from).map_err(|reason| Error::Data(format!("a copy of a recording: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of a tone.
    fn tone(hertz: f64) -> Vec<f32> {
        (0..16_000).map(|i| (0.4 * (std::f64::consts::TAU * hertz * f64::from(i) / 16_000.0).sin()) as f32).collect()
    }

    /// Power of a tone in a signal, by its Fourier coefficient away from the ends; 1 for a tone of amplitude 0.4.
    fn power(x: &[f32], hertz: f64) -> f64 {
        let part = &x[2000..x.len() - 2000];
        let angle = |i: usize| std::f64::consts::TAU * hertz * i as f64 / 16_000.0;
        let sum = |f: fn(f64) -> f64| part.iter().enumerate().map(|(i, v)| f64::from(*v) * f(angle(i))).sum::<f64>() / part.len() as f64;
        (sum(f64::sin).powi(2) + sum(f64::cos).powi(2)) * 4.0 / 0.16
    }

    #[test]
    fn speed_moves_pitch_and_length() {
        let slow = speed(&tone(1000.0), 0.94).unwrap();
        assert_eq!(slow.len(), (16_000f64 / 0.94).ceil() as usize);
        assert!(power(&slow, 940.0) > 0.9 && power(&slow, 1000.0) < 0.01, "{} {}", power(&slow, 940.0), power(&slow, 1000.0));
        let fast = speed(&tone(1000.0), 1.06).unwrap();
        assert!(power(&fast, 1060.0) > 0.9 && fast.len() == (16_000f64 / 1.06).ceil() as usize);
    }

    #[test]
    fn telephones_have_half_the_band_and_eight_bits() {
        let low = telephone(&tone(1000.0)).unwrap();
        assert!(low.len() == 16_000 && power(&low, 1000.0) > 0.9);
        let high = telephone(&tone(6000.0)).unwrap();
        assert!(high.iter().skip(500).all(|v| v.abs() < 0.02));
        // Small steps near zero, large ones far from it; and nothing beyond full scale.
        assert_eq!((mu_law(0.0), mu_law(1.0), mu_law(-3.0)), (0.0, 1.0, -1.0));
        let codes: std::collections::BTreeSet<u32> = (-5000..=5000).map(|i| mu_law(i as f32 / 5000.0).to_bits()).collect();
        assert!((200..=256).contains(&codes.len()), "{} codes", codes.len());
        let worst = (1..=1000).map(|i| (mu_law(i as f32 / 1000.0) - i as f32 / 1000.0).abs() * 1000.0 / i as f32).fold(0.0, f32::max);
        assert!(worst < 0.06, "a relative error of {worst}");
    }

    #[test]
    fn noise_is_as_loud_as_asked_and_pink_where_asked() {
        let clip: Vec<f32> = tone(500.0).iter().enumerate().map(|(i, v)| if i % 4000 < 2500 { *v } else { 0.0 }).collect();
        let level = speech::find(&clip, SAMPLE_RATE).level;
        for colour in [Colour::White, Colour::Pink] {
            let got = noisy(&clip, colour, 12.0, &mut Rng::new(3, &[]));
            let added: Vec<f32> = got.iter().zip(&clip).map(|(a, b)| a - b).collect();
            let rms = (added.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / added.len() as f64).sqrt();
            assert!((20.0 * (level / rms).log10() - 12.0).abs() < 0.05, "{colour:?}");
            // Differences weigh high frequencies: 2 of white noise, far less of pink.
            let rough = added.windows(2).map(|w| f64::from(w[1] - w[0]).powi(2)).sum::<f64>() / added.len() as f64 / (rms * rms);
            assert!(if colour == Colour::White { (1.8..2.2).contains(&rough) } else { rough < 0.9 }, "{colour:?} {rough}");
        }
    }

    #[test]
    fn copies_follow_from_the_recording_alone() {
        let clip = tone(300.0);
        for name in Version::NAMES {
            let version: Version = name.parse().unwrap();
            let (one, two) = (version.of(&clip).unwrap(), version.of(&clip).unwrap());
            assert!(one == two && one != clip, "{name}");
        }
        let other: Vec<f32> = clip.iter().map(|v| v * 0.5).collect();
        let ratio = |clip: &[f32]| {
            let noisy = Version::Noise.of(clip).unwrap();
            noisy.iter().zip(clip).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
                / clip.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()
        };
        assert!((ratio(&clip) - ratio(&other)).abs() > 1e-6, "all recordings have noise of one level");
    }
}
