//! Short-term features of frames of recordings.

use super::arity;
use super::dft::frames_within;
use super::pre_emphasis::clips;
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::short_term as kernel;
use crate::{Error, Result};
use std::f64::consts::PI;

pub use kernel::FEATURES as SHORT_TERM_FEATURES;
use kernel::{BANDS, CEPSTRA, CHROMA};

/// Inputs `x`, `lengths`, `mag`, `places`, `weight`.
struct ShortTerm {
    frame: usize,
    hop: usize,
    entries: usize,
}

impl Op for ShortTerm {
    fn name(&self) -> &'static str {
        "short_term"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("short_term", inputs, 5)?;
        clips("short_term", &inputs[0], &inputs[1])?;
        let frames = frames_within(inputs[0][1], self.frame, self.hop).max(1);
        let expected = [inputs[0][0], frames, self.frame / 2];
        if inputs[2].0 != expected {
            return Err(Error::shape("short_term", format!("magnitudes {}", Shape::from(expected)), inputs[2].to_string()));
        }
        Ok(vec![Shape::from([expected[0], frames, kernel::FEATURES])])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let geometry = kernel::Geometry {
            batch: cx.input_shape(0)[0],
            samples: cx.input_shape(0)[1],
            frames: cx.output_shape(0)[1],
            hop: self.hop,
            frame: self.frame,
            entries: self.entries,
        };
        let [x, lengths, mag, places, weight] = [0, 1, 2, 3, 4].map(|i| cx.input(i));
        let from = kernel::Operands { x, lengths, mag, places, weight };
        cx.launch(kernel::short_term(cx.target(), &geometry, from, cx.output(0)));
        Ok(())
    }
}

/// Bins and weights of each band: triangles of unit area over thirteen corners 133.33 Hz + 66.67 k and 29 more, each 1.0711703 times the
/// one before (Slaney's Auditory Toolbox, 1998); bin k stands at `k·rate/2M` Hz.
fn bands(rate: f64, bins: usize) -> Vec<Vec<(usize, f64)>> {
    let mut corners: Vec<f64> = (0..13).map(|k| 133.33 + 200.0 / 3.0 * f64::from(k)).collect();
    corners.extend((1..30).map(|k| (133.33 + 800.0) * 1.071_170_3f64.powi(k)));
    let triangle = |m: usize| {
        let (left, centre, right) = (corners[m], corners[m + 1], corners[m + 2]);
        let weight = move |k: usize| {
            let f = k as f64 * rate / (2 * bins) as f64;
            2.0 / (right - left) * ((f - left) / (centre - left)).min((right - f) / (right - centre)).max(0.0)
        };
        (0..bins).map(|k| (k, weight(k))).filter(|(_, w)| *w > 0.0).collect()
    };
    (0..BANDS).map(triangle).collect()
}

/// Bins and weights of each pitch class: the mean over the bins of each semitone, which bin k is nearest to with `(k+1)·rate/2M` Hz, added
/// up over the octaves from A at 27.5 Hz.
fn chroma(rate: f64, bins: usize) -> Vec<Vec<(usize, f64)>> {
    let semitone = |k: usize| (12.0 * ((k + 1) as f64 * rate / (2 * bins) as f64 / 27.5).log2()).round_ties_even() as i64;
    let all: Vec<i64> = (0..bins).map(semitone).collect();
    let count = |s: i64| all.iter().filter(|other| **other == s).count() as f64;
    let mut classes = vec![Vec::new(); CHROMA];
    for (k, &s) in all.iter().enumerate() {
        classes[s.rem_euclid(CHROMA as i64) as usize].push((k, 1.0 / count(s)));
    }
    classes
}

/// The 34 short-term features of pyAudioAnalysis (Giannakopoulos 2015) that Atmaja & Akagi (2019) feed their network, of the frames that
/// lie within their clip; zeros behind the last. `magnitudes` are those of [`dft`](super::dft) with the same frames. In their order:
/// rate of zero crossings, energy, entropy of energy, spectral centroid and spread (1 is half the sample rate), spectral entropy, flux,
/// roll-off of 90 %, thirteen cepstral coefficients, twelve chroma and their deviation; the shader has the formulas. Bands lie at their
/// true frequencies and a chroma is the mean over its bins, where the published package has them at half and takes the last bin.
///
/// # Shapes
/// `x` (B, N) of signals without mean and with magnitudes of at most 1, `lengths` (B) as unsigned integers, `magnitudes` (B, T, n/2) →
/// (B, T, 34). No gradient: counts of crossings and bins have none, and recordings are not trained.
///
/// # Errors
/// Other shapes; frames of fewer than 20 samples, which have no ten blocks of bins; a hop of zero; a rate at which no bin is in a band.
pub fn short_term(g: &mut Graph, x: Var, lengths: Var, magnitudes: Var, rate: u32, frame: usize, hop: usize) -> Result<Var> {
    if frame < 20 || !frame.is_multiple_of(2) || hop == 0 || rate == 0 {
        let expected = "an even frame of at least 20 samples, a hop of at least 1 and a sample rate";
        return Err(Error::shape("short_term", expected, format!("{frame}, {hop} and {rate}")));
    }
    let bins = frame / 2;
    let lists: Vec<Vec<(usize, f64)>> = bands(f64::from(rate), bins).into_iter().chain(chroma(f64::from(rate), bins)).collect();
    let entries: Vec<&(usize, f64)> = lists.iter().flatten().collect();
    let mut places = vec![0u32];
    places.extend(lists.iter().scan(0, |end, list| {
        *end += list.len() as u32;
        Some(*end)
    }));
    places.extend(entries.iter().map(|(k, _)| *k as u32));
    let mut weight: Vec<f32> = dct_rows(CEPSTRA, BANDS).concat().into_iter().map(|w| w as f32).collect();
    weight.extend(entries.iter().map(|(_, w)| *w as f32));
    let entries = entries.len();
    let places: Vec<f32> = places.into_iter().map(f32::from_bits).collect();
    let (places, weight) = (g.constant([places.len()], &places)?, g.constant([weight.len()], &weight)?);
    g.apply1(ShortTerm { frame, hop, entries }, &[x, lengths, magnitudes, places, weight])
}

/// The first `rows` rows of the orthonormal cosine transform (DCT-II) of n values: `s_q·cos(π·q·(2m + 1)/2n)`, `s_0 = 1/√n`, else `√(2/n)`.
pub fn dct_rows(rows: usize, n: usize) -> Vec<Vec<f64>> {
    let scale = |q: usize| if q == 0 { 1.0 / n as f64 } else { 2.0 / n as f64 };
    let value = |q: usize, m: usize| scale(q).sqrt() * (PI * (q * (2 * m + 1)) as f64 / (2 * n) as f64).cos();
    (0..rows).map(|q| (0..n).map(|m| value(q, m)).collect()).collect()
}
