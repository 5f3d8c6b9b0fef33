//! Vectors: means and deviations of cepstra, their slopes and the slopes of those (Prasetya et al. 2019; the recipe is the field's usual one).

use super::{Denoise, Extent, Frontend, MelNorm, MelScale, Vector, mel_spectrogram};
use crate::graph::{Graph, Var};
use crate::ops::{self, Bands, DecibelScale, Padding, Window};
use crate::{Error, Result};

/// Mel-frequency cepstral coefficients: the first `count` rows of the orthonormal cosine transform (DCT-II) of mel bands in dB (of power 1, at
/// least -100 dB, and `db_floor` below the clip's maximum). librosa's `mfcc`.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, count, T), T = 1 + N/hop; zero behind a clip's last frame.
///
/// # Errors
/// Those of [`mel_spectrogram`]; more coefficients than bands, or none.
pub fn cepstra(g: &mut Graph, x: Var, lengths: Var, f: &Frontend, count: usize) -> Result<Var> {
    if count == 0 || count > f.n_mels {
        return Err(Error::Config(format!("{count} cepstral coefficients of {} mel bands", f.n_mels)));
    }
    let mel = mel_spectrogram(g, x, lengths, f)?;
    let scale = DecibelScale { hop: f.hop, squared: f.power == 1.0, relative: false, range: -f.db_floor as f32 };
    g.scoped("features", |g| {
        let levels = ops::decibel(g, mel, lengths, scale)?;
        let rows = ops::dct_rows(count, f.n_mels).into_iter().map(|row| (0, row)).collect();
        ops::mel(g, levels, &Bands { bins: f.n_mels, filters: rows })
    })
}

/// Cepstra of every frame, their slopes over time and the slopes of those.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, 3·cepstra, T); zero behind a clip's last frame.
///
/// # Errors
/// Those of [`cepstra`].
pub fn frames(g: &mut Graph, x: Var, lengths: Var, rate: u32, v: &Vector) -> Result<Var> {
    let values = cepstra(g, x, lengths, &bands(rate, v), v.cepstra)?;
    let shape = g.shape(values).clone();
    g.scoped("slopes", |g| {
        let stack = ops::delta(g, values, lengths, v.hop, 1.0)?;
        ops::reshape(g, stack, [shape[0], 3 * shape[1], shape[2]])
    })
}

/// Statistics of recordings: the means of the rows of [`frames`] over a clip's own frames, then their population standard deviations.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, 6·cepstra).
///
/// # Errors
/// Those of [`cepstra`].
pub fn statistics(g: &mut Graph, x: Var, lengths: Var, rate: u32, v: &Vector) -> Result<Var> {
    let rows = frames(g, x, lengths, rate, v)?;
    let batch = g.shape(rows)[0];
    g.scoped("statistics", |g| {
        let moments = ops::moments(g, rows, lengths, v.hop)?;
        ops::reshape(g, moments, [batch, 6 * v.cepstra])
    })
}

/// librosa's mel bands: of power, with periodic Hann windows and zeros outside the clip, from 0 Hz to half the sample rate.
fn bands(rate: u32, v: &Vector) -> Frontend {
    Frontend {
        sample_rate: rate,
        denoise: Denoise::None,
        extent: Extent::Whole,
        pre_emphasis: 0.0,
        window: Window::Hann,
        padding: Padding::Constant,
        frame: v.frame,
        hop: v.hop,
        n_fft: v.n_fft,
        n_mels: v.n_mels,
        f_min: 0.0,
        f_max: f64::from(rate) / 2.0,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        power: 2.0,
        db_floor: -80.0,
    }
}
