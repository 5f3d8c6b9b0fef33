//! Frames: log-mel bands as Whisper takes them (Radford et al. 2022, "Robust speech recognition via large-scale weak supervision").

use super::{Denoise, Extent, Frames, Frontend, MelNorm, MelScale, mel_spectrogram};
use crate::Result;
use crate::audio::SAMPLE_RATE;
use crate::graph::{Graph, Var};
use crate::ops::{self, DecibelScale, Padding, Window};

/// Mel bands of a frame.
pub const BANDS: usize = 80;
/// A level in the middle of those of speech, to which masks set frames.
pub const MIDDLE: f32 = -0.1;
/// Samples between frames.
pub const HOP: usize = 160;
/// Samples of a frame, and points of its Fourier transform.
const FRAME: usize = 400;
/// Zeros behind a recording: a tenth of a second.
const SILENCE: usize = 1600;
/// Decibels between a recording's loudest band and its floor.
const RANGE: f32 = 80.0;

impl Frames {
    /// Samples of the longest recording of which nothing is cut off.
    pub fn longest(&self) -> usize {
        (self.most() * HOP).saturating_sub(SILENCE)
    }

    /// The most frames a recording has.
    pub fn most(&self) -> usize {
        2 * ((self.seconds * f64::from(SAMPLE_RATE)) as usize / (2 * HOP))
    }
}

/// The signal that frames are taken of: a recording, of which the end is cut off where it is too long, with a tenth of a second of zeros behind
/// it, in whole pairs of hops; so there is an even number of frames, and a few of any recording.
pub fn signal(clip: &[f32], frames: &Frames) -> Vec<f32> {
    let own = clip.len().min(frames.longest());
    let mut padded = clip[..own].to_vec();
    padded.resize((own + SILENCE) / (2 * HOP) * (2 * HOP), 0.0);
    padded
}

/// Whisper's bands: power of 400-point frames with periodic Hann windows, mirrored at the ends, in Slaney's bands up to half the sample rate.
fn bands() -> Frontend {
    Frontend {
        sample_rate: SAMPLE_RATE,
        denoise: Denoise::None,
        extent: Extent::Whole,
        pre_emphasis: 0.0,
        window: Window::Hann,
        padding: Padding::Reflect,
        frame: FRAME,
        hop: HOP,
        n_fft: FRAME,
        n_mels: BANDS,
        f_min: 0.0,
        f_max: f64::from(SAMPLE_RATE) / 2.0,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        power: 2.0,
        db_floor: f64::from(-RANGE),
    }
}

/// `(max(l, max l − 8) + 4) / 4` with `l = log₁₀ max(mel, 1e-10)`, the maximum over a recording's own frames.
///
/// # Shapes
/// `x` (B, N) of [`signal`]s, `lengths` (B) in samples as unsigned integers → (B, N/160, 80); a recording has length/160 frames, and
/// what stands behind them is of no use.
///
/// # Errors
/// Other shapes; signals of less than a hop.
pub fn log_mel(g: &mut Graph, x: Var, lengths: Var) -> Result<Var> {
    let mel = mel_spectrogram(g, x, lengths, &bands())?;
    g.scoped("features", |g| {
        let levels = ops::decibel(g, mel, lengths, DecibelScale { hop: HOP, squared: false, relative: false, range: RANGE })?;
        // The last frame stands behind the end, in the zeros, so it cannot be the loudest.
        let frames = g.shape(levels)[2] - 1;
        let own = ops::slice(g, levels, 2, 0, frames)?;
        let scaled = ops::affine(g, own, 0.025, 1.0)?;
        ops::permute(g, scaled, &[0, 2, 1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_whole_pairs_of_hops_with_silence_behind() {
        let frames = Frames { seconds: 1.0 };
        assert_eq!(frames.most(), 100);
        for (n, want) in [(1, 1600), (319, 1600), (320, 1920), (14_400, 16_000), (14_719, 16_000), (99_999, 16_000)] {
            let made = signal(&vec![1.0; n], &frames);
            assert_eq!(made.len(), want, "{n} samples");
            let own = made.iter().filter(|v| **v == 1.0).count();
            assert_eq!(own, n.min(14_400));
            assert!(made[own..].iter().all(|v| *v == 0.0));
        }
        assert_eq!(Frames { seconds: 30.0 }.most(), 3000);
    }
}
