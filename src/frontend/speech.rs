//! Where the speech of a recording is, and how loud: so that silence around it, a constant offset and the level change nothing.
//!
//! A detector by energy, relative to the recording's own loud and quiet frames (compare Rabiner & Sambur 1975). Where nothing is quiet, all of
//! it is speech.

use std::borrow::Cow;

/// Seconds of a frame and between frames.
const FRAME: f64 = 0.025;
const HOP: f64 = 0.010;
/// Frames whose mean is a frame's energy.
const SMOOTH: usize = 5;
/// Seconds kept before the first and behind the last frame of speech.
const MARGIN: f64 = 0.1;
/// Percentiles of the frames' levels that count as loud and as quiet.
const LOUD: f64 = 95.0;
const QUIET: f64 = 5.0;
/// Speech is less than this many decibels below loud frames, and nearer to them than this share of what lies between loud and quiet ones.
const REACH: f64 = 35.0;
const SHARE: f64 = 0.75;
/// Levels are at least so many decibels below the loudest frame.
const FLOOR: f64 = 120.0;
/// Pole of the filter that takes offset and drift out: -3 dB at 13 Hz.
const POLE: f64 = 0.995;
/// Root mean square of speech after levelling, and the smallest before it: what is quieter is no speech, and stays quiet.
const LEVEL: f64 = 0.05;
const FAINTEST: f64 = 1e-5;

/// The stretch of speech in a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speech {
    /// First sample.
    pub from: usize,
    /// The sample behind the last.
    pub to: usize,
    /// Root mean square of its frames of speech, without offset.
    pub level: f64,
}

/// Finds the stretch of speech at a sample rate. Nothing of a recording without samples.
pub fn find(clip: &[f32], rate: u32) -> Speech {
    locate(&level_out(clip), rate)
}

/// The stretch of speech alone, without offset, at one level: (n) -> (at most n).
pub fn speech(clip: &[f32], rate: u32) -> Cow<'_, [f32]> {
    if clip.is_empty() {
        return Cow::Borrowed(clip);
    }
    let flat = level_out(clip);
    let found = locate(&flat, rate);
    let gain = LEVEL / found.level.max(FAINTEST);
    Cow::Owned(flat[found.from..found.to].iter().map(|v| (v * gain) as f32).collect())
}

/// `y[n] = x[n] − x[n−1] + 0.995 y[n−1]` of the recording without its mean.
fn level_out(clip: &[f32]) -> Vec<f64> {
    let mean = clip.iter().map(|&v| f64::from(v)).sum::<f64>() / clip.len().max(1) as f64;
    let (mut before, mut y) = (0.0, 0.0);
    let next = |&v: &f32| {
        let x = f64::from(v) - mean;
        y = x - before + POLE * y;
        before = x;
        y
    };
    clip.iter().map(next).collect()
}

fn locate(flat: &[f64], rate: u32) -> Speech {
    let samples = |seconds: f64| (seconds * f64::from(rate)).round().max(1.0) as usize;
    let (frame, hop, margin) = (samples(FRAME), samples(HOP), samples(MARGIN));
    let energies = smooth(&energies(flat, frame, hop));
    let top = energies.iter().fold(1e-12, |m: f64, &e| m.max(e));
    let levels: Vec<f64> = energies.iter().map(|e| 10.0 * e.max(top * 10f64.powf(-FLOOR / 10.0)).log10()).collect();
    let (loud, quiet) = percentiles(&levels);
    let threshold = loud - REACH.min(SHARE * (loud - quiet) + 1e-9);
    let on: Vec<usize> = (0..levels.len()).filter(|&i| levels[i] > threshold).collect();
    let (Some(first), Some(last)) = (on.first(), on.last()) else {
        return Speech { from: 0, to: flat.len(), level: 0.0 };
    };
    let mean = on.iter().map(|&i| energies[i]).sum::<f64>() / on.len() as f64;
    let to = (last * hop + frame + margin).min(flat.len());
    Speech { from: (first * hop).saturating_sub(margin).min(to), to, level: mean.sqrt() }
}

/// Variance of each frame; a recording shorter than a frame is one, filled up with zeros.
fn energies(x: &[f64], frame: usize, hop: usize) -> Vec<f64> {
    let variance = |part: &[f64]| {
        let mean = part.iter().sum::<f64>() / frame as f64;
        let gap = (frame - part.len()) as f64;
        (part.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() + gap * mean * mean) / frame as f64
    };
    if x.len() < frame {
        return vec![variance(x)];
    }
    (0..=(x.len() - frame) / hop).map(|i| variance(&x[i * hop..i * hop + frame])).collect()
}

/// Means over [`SMOOTH`] frames; the first and the last stand for those outside.
fn smooth(energies: &[f64]) -> Vec<f64> {
    let (half, last) = (SMOOTH as isize / 2, energies.len() as isize - 1);
    let at = |i: isize| energies[i.clamp(0, last) as usize];
    (0..=last).map(|i| (i - half..=i + half).map(at).sum::<f64>() / SMOOTH as f64).collect()
}

/// The levels of loud and of quiet frames, between neighbours by linear interpolation.
fn percentiles(levels: &[f64]) -> (f64, f64) {
    let mut sorted = levels.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: f64| {
        let place = percent / 100.0 * (sorted.len() - 1) as f64;
        let (low, share) = (place.floor() as usize, place.fract());
        sorted[low] + share * (sorted[(low + 1).min(sorted.len() - 1)] - sorted[low])
    };
    (at(LOUD), at(QUIET))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::noise;

    const RATE: u32 = 16_000;

    /// A second of noise in bursts, as words are, at a level.
    fn voice(level: f32) -> Vec<f32> {
        noise(7, RATE as usize).iter().enumerate().map(|(i, v)| level * *v as f32 * if i / 1600 % 3 == 2 { 0.1 } else { 1.0 }).collect()
    }

    fn silent(seconds: f64) -> Vec<f32> {
        vec![0.0; (seconds * f64::from(RATE)) as usize]
    }

    #[test]
    fn silence_offset_and_level_change_nothing() {
        let plain = speech(&voice(0.1), RATE).into_owned();
        let rms = (plain.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / plain.len() as f64).sqrt();
        assert!((0.03..=0.06).contains(&rms), "level {rms}");
        let padded = [silent(1.0), voice(0.1), silent(1.0)].concat();
        let found = find(&padded, RATE);
        assert!(found.from > 13_500 && found.from <= 16_000 && found.to >= 32_000 && found.to < 34_500, "{found:?}");
        for other in [voice(0.002), voice(0.1).iter().map(|v| v + 0.1).collect()] {
            let got = speech(&other, RATE);
            assert_eq!(got.len(), plain.len());
            let worst = got.iter().zip(&plain).fold(0.0, |m: f32, (a, b)| m.max((a - b).abs()));
            // The offset itself rings through the filter for some milliseconds.
            assert!(worst < 2e-3, "{worst}");
        }
    }

    #[test]
    fn what_is_no_speech_is_kept_and_stays_quiet() {
        assert_eq!(speech(&[], RATE).len(), 0);
        assert_eq!(speech(&silent(0.5), RATE).into_owned(), silent(0.5));
        assert_eq!(speech(&[0.3], RATE).len(), 1);
        assert_eq!(speech(&[0.3; 399], RATE).len(), 399);
        // The noise of a converter's last bit does not become a voice.
        let faint: Vec<f32> = noise(1, 8000).iter().map(|v| 1e-7 * *v as f32).collect();
        assert!(speech(&faint, RATE).iter().all(|v| v.abs() < 5e-3));
        // Steady noise has no quiet frames: all of it stays.
        let steady: Vec<f32> = noise(2, 16_000).iter().map(|v| 0.05 * *v as f32).collect();
        assert!(speech(&steady, RATE).len() > 15_000);
    }

    #[test]
    fn frames_are_measured_as_defined() {
        let x: Vec<f64> = (0..11).map(f64::from).collect();
        // Variance of four successive numbers is 1.25, whichever they are.
        assert_eq!(energies(&x, 4, 3), [1.25; 3]);
        assert_eq!(energies(&[2.0, 4.0], 4, 3), [2.75]);
        assert_eq!(smooth(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [1.6, 2.2, 3.0, 4.0, 4.8, 5.4]);
        let (loud, quiet) = percentiles(&(0..=20).rev().map(f64::from).collect::<Vec<_>>());
        assert!((loud - 19.0).abs() < 1e-9 && (quiet - 1.0).abs() < 1e-9);
    }
}
