//! Sequences: short-term features of long frames of a recording without its silence (Atmaja & Akagi 2019).

use super::Sequence;
use crate::Result;
use crate::graph::{Graph, Var};
use crate::ops::{self, SHORT_TERM_FEATURES as FEATURES};

/// The signal that frames are taken of: a recording without its silence, less its mean, over its largest magnitude.
pub fn signal(clip: &[f32], rate: u32, sequence: &Sequence) -> Vec<f32> {
    let kept = remove_silence(clip, rate, sequence.silence_threshold, sequence.min_silence);
    let mean = kept.iter().map(|&v| f64::from(v)).sum::<f64>() / kept.len().max(1) as f64;
    let largest = kept.iter().fold(0f64, |m, &v| m.max((f64::from(v) - mean).abs()));
    kept.iter().map(|&v| ((f64::from(v) - mean) / (largest + 1e-10)) as f32).collect()
}

/// A recording without the runs of at least `min_silence` seconds of samples below `threshold` times its largest magnitude.
pub fn remove_silence(clip: &[f32], rate: u32, threshold: f64, min_silence: f64) -> Vec<f32> {
    let limit = threshold * clip.iter().fold(0f64, |m, &v| m.max(f64::from(v).abs()));
    let shortest = (min_silence * f64::from(rate)).round_ties_even() as usize;
    let mut kept = Vec::with_capacity(clip.len());
    for run in clip.chunk_by(|a, b| (f64::from(*a).abs() < limit) == (f64::from(*b).abs() < limit)) {
        let quiet = run.first().is_some_and(|&v| f64::from(v).abs() < limit);
        if !quiet || run.len() < shortest {
            kept.extend_from_slice(run);
        }
    }
    kept
}

/// Features of all frames of signals; see [`ops::short_term`].
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, T, 34).
///
/// # Errors
/// Frames that [`ops::dft`] does not take.
pub fn frames(g: &mut Graph, x: Var, lengths: Var, rate: u32, sequence: &Sequence) -> Result<Var> {
    let magnitudes = ops::dft(g, x, lengths, sequence.frame, sequence.hop)?;
    ops::short_term(g, x, lengths, magnitudes, rate, sequence.frame, sequence.hop)
}

/// A sequence of the frames of a signal of `samples`: without the first and the last (of one or two only the first stays), cut at the end or
/// filled with zeros.
pub(super) fn fit(frames: &[f32], samples: usize, sequence: &Sequence) -> Vec<f32> {
    let own = if samples < sequence.frame { 0 } else { 1 + (samples - sequence.frame) / sequence.hop };
    let inner = if own > 2 { 1..own - 1 } else { 0..own.min(1) };
    let mut fitted = frames[inner.start * FEATURES..inner.end * FEATURES].to_vec();
    fitted.resize(sequence.frames * FEATURES, 0.0);
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Config;

    fn sequence(frames: usize) -> Sequence {
        Sequence { frames, frame: 4, hop: 2, ..Config::preset("paper").expect("preset").sequence }
    }

    #[test]
    fn only_long_silence_goes() {
        let clip = [0.0, 0.0, 1.0, 0.0005, -0.0009, -1.0, 0.0, 0.0, 0.0, 0.001, 0.0, 0.0];
        // Runs of three samples and more, at 1000 samples a second.
        assert_eq!(remove_silence(&clip, 1000, 0.001, 0.003), [0.0, 0.0, 1.0, 0.0005, -0.0009, -1.0, 0.001, 0.0, 0.0]);
        assert_eq!(remove_silence(&clip, 1000, 0.001, 0.002), [1.0, -1.0, 0.001]);
        assert_eq!(remove_silence(&[0.0; 9], 1000, 0.001, 0.002), [0.0; 9], "silence has nothing it could be quieter than");
        assert!(remove_silence(&[], 1000, 0.001, 0.002).is_empty());
    }

    #[test]
    fn signals_have_no_mean_and_reach_one() {
        let y = signal(&[0.5, 0.5, 0.1, 0.3], 16_000, &sequence(1));
        assert_eq!(y.iter().map(|v| (v * 1e4).round()).collect::<Vec<_>>(), [6000.0, 6000.0, -1e4, -2000.0]);
        assert_eq!(signal(&[0.0; 3], 16_000, &sequence(1)), [0.0; 3]);
    }

    #[test]
    fn first_and_last_frames_are_dropped_and_the_rest_fitted() {
        let frames: Vec<f32> = (0..5 * FEATURES).map(|i| (1 + i / FEATURES) as f32).collect();
        let fitted = |samples: usize, length: usize| -> Vec<f32> {
            fit(&frames, samples, &sequence(length)).iter().step_by(FEATURES).copied().collect()
        };
        assert_eq!(fitted(12, 4), [2.0, 3.0, 4.0, 0.0]);
        assert_eq!(fitted(13, 2), [2.0, 3.0]);
        assert_eq!(fitted(8, 2), [2.0, 0.0]);
        assert_eq!((fitted(7, 2), fitted(4, 2), fitted(3, 2)), (vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 0.0]));
    }
}
