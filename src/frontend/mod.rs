//! From samples to a network's inputs, as graphs: images (pre-emphasis, windowed frames, Fourier transform, mel bands, decibels,
//! resampling), sequences of features and vectors of statistics.
//!
//! Clips of different length share a batch: `x` (B, N) holds them from the left and `lengths` (B) says how many samples each has. A
//! clip has `1 + length/hop` frames; what stands behind a clip's samples or frames never influences a result, so a clip's input does
//! not depend on its neighbours or on N.

mod config;
mod denoise;
pub mod extractor;
pub mod frames;
mod inputs;
pub mod mel;
pub mod sequence;
pub mod speech;
pub mod vector;
pub mod views;

pub use config::{Denoise, Extent, Fit, Frames, Frontend, Image, MelNorm, MelScale, Normalise, Sequence, Signal, Vector};
pub use denoise::berouti;
pub use extractor::Extractor;
pub use inputs::{FEATURES, Inputs, Signals};

use crate::graph::{Graph, Var};
use crate::ops::{self, DecibelScale};
use crate::{Error, Result};

/// Frames the slopes of three-channel images look across; they are scaled to the change over this many frames, which brings them to
/// the magnitude of the values.
const SLOPE_FRAMES: f32 = 8.0;

/// Mel bands of the magnitude (`power` 1) or power (2) spectrum.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, M, T), T = 1 + N/hop; zero behind a clip's last frame.
///
/// # Errors
/// Other shapes; values of `f` that no transform or filter bank can have.
pub fn mel_spectrogram(g: &mut Graph, x: Var, lengths: Var, f: &Frontend) -> Result<Var> {
    g.scoped("features", |g| {
        let spectrum = ops::spectrogram(g, x, lengths, &f.framing(), f.power as f32)?;
        ops::mel(g, spectrum, &mel::filter_bank(f)?)
    })
}

/// Mel bands in dB relative to each clip's maximum, between `db_floor` and 0.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, M, T).
///
/// # Errors
/// Those of [`mel_spectrogram`]; a floor that is not negative.
pub fn log_mel(g: &mut Graph, x: Var, lengths: Var, f: &Frontend) -> Result<Var> {
    let mel = mel_spectrogram(g, x, lengths, f)?;
    let scale = DecibelScale { hop: f.hop, squared: f.power == 1.0, relative: true, range: -f.db_floor as f32 };
    g.scoped("features", |g| ops::decibel(g, mel, lengths, scale))
}

/// Images of mel bands: row 0 is the lowest band, values go from 0 (`db_floor`) to 1 (the clip's maximum), and where there are three
/// channels the second and third are slopes over time. `stretch` resamples each clip's own frames to the width; `pad` shows
/// `seconds` from the start, zeros behind a shorter clip. A silent clip is its own maximum everywhere: an image of ones, by the rule of
/// [`ops::decibel`].
///
/// # Shapes
/// `log_mel` (B, M, T) in dB, `lengths` (B) in samples → (B, C, H, W) with the image's rows and columns.
///
/// # Errors
/// Other shapes; channels other than 1 or 3; sizes or seconds no image can have.
pub fn image(g: &mut Graph, log_mel: Var, lengths: Var, f: &Frontend, image: &Image) -> Result<Var> {
    if f.db_floor.is_nan() || f.db_floor >= 0.0 {
        return Err(Error::Config(format!("frontend.db_floor = {}: must be negative", f.db_floor)));
    }
    let shown = match image.fit {
        Fit::Stretch => None,
        Fit::Pad => Some(1 + (image.seconds * f64::from(f.sample_rate) / f.hop as f64) as usize),
    };
    g.scoped("image", |g| {
        let x = ops::affine(g, log_mel, (-1.0 / f.db_floor) as f32, 1.0)?;
        let [batch, bands, frames] = g.shape(x).0[..] else { return Err(Error::shape("image", "3 dimensions", g.shape(x).to_string())) };
        let x = match image.channels {
            1 => ops::reshape(g, x, [batch, 1, bands, frames])?,
            3 => ops::delta(g, x, lengths, f.hop, SLOPE_FRAMES)?,
            n => return Err(Error::Config(format!("image.channels = {n}: must be 1 or 3"))),
        };
        ops::resize_clips(g, x, lengths, f.hop, shown, image.extents(), image.resize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Resize;
    use crate::train::config::Config;

    /// 16 kHz, 25 ms frames every 10 ms, 64 mel bands.
    pub fn frontend() -> Frontend {
        Config::preset("paper").expect("a preset").frontend
    }

    /// 32 pixels square, one channel.
    pub fn small() -> Image {
        Image { size: 32, height: 0, fit: Fit::Stretch, resize: Resize::Area, seconds: 1.0, channels: 1, normalise: Normalise::None }
    }

    #[test]
    fn shapes_follow_the_configuration() {
        let mut g = Graph::new();
        let (x, n) = (g.input("x", [3, 16_000]), g.input("n", [3]));
        let mel = log_mel(&mut g, x, n, &frontend()).unwrap();
        assert_eq!(g.shape(mel).0, [3, 64, 101]);
        for channels in [1, 3] {
            let y = image(&mut g, mel, n, &frontend(), &Image { channels, ..small() }).unwrap();
            assert_eq!(g.shape(y).0, [3, channels, 32, 32]);
        }
        let wide = image(&mut g, mel, n, &frontend(), &Image { height: 16, ..small() }).unwrap();
        assert_eq!(g.shape(wide).0, [3, 1, 16, 32]);
        assert!(image(&mut g, mel, n, &frontend(), &Image { channels: 2, ..small() }).is_err());
        assert!(image(&mut g, mel, n, &Frontend { db_floor: 0.0, ..frontend() }, &small()).is_err());
        assert!(log_mel(&mut g, x, n, &Frontend { power: 3.0, ..frontend() }).is_err());
    }
}
