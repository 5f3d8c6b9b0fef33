//! Short-time Fourier transform of clips.

use super::arity;
use super::dft::{factors, turns, words as integers};
use super::pre_emphasis::clips;
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::{dft, stft as kernel};
use crate::words::words;
use crate::{Error, Result};
use std::f64::consts::TAU;

words! {
    /// Analysis window, periodic: `a − (1 − a)·cos(2πn/N)`, n = 0..N−1.
    Window {
        /// 0.54 - 0.46 cos.
        Hamming = "hamming",
        /// 0.5 - 0.5 cos.
        Hann = "hann",
    }
    /// What stands in for samples outside the clip.
    Padding {
        /// The clip mirrored at its first and last sample, again and again where it is shorter than the window.
        Reflect = "reflect",
        /// Zeros.
        Constant = "constant",
    }
}

impl Window {
    /// The window's `n` samples.
    pub fn samples(self, n: usize) -> Vec<f64> {
        let a = match self {
            Window::Hann => 0.5,
            Window::Hamming => 0.54,
        };
        (0..n).map(|i| a - (1.0 - a) * (TAU * i as f64 / n as f64).cos()).collect()
    }
}

/// Framing and transform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// Window function.
    pub window: Window,
    /// Samples of the window, in the middle of `n_fft`.
    pub win_length: usize,
    /// Samples between the centres of frames.
    pub hop: usize,
    /// Points of the transform: a power of two, or twice a product of 2, 3 and 5.
    pub n_fft: usize,
    /// Samples outside the clip.
    pub padding: Padding,
    /// Coefficient of pre-emphasis within each clip, before its ends are continued; 0 for none.
    pub pre_emphasis: f32,
}

/// Shortest and longest transform.
pub const N_FFT: std::ops::RangeInclusive<usize> = 16..=4096;

impl Framing {
    /// Frames of a clip of `samples`: `1 + samples / hop`, centred on multiples of the hop; none of an empty clip.
    pub fn frames(&self, samples: usize) -> usize {
        if samples == 0 { 0 } else { 1 + samples / self.hop }
    }

    fn check(&self) -> Result<()> {
        let fail = |expected: &str, got: usize| Err(Error::shape("stft", expected, got.to_string()));
        if !N_FFT.contains(&self.n_fft) || factors(self.n_fft).is_none() {
            return fail(&format!("n_fft from {} to {}, twice a product of 2, 3 and 5", N_FFT.start(), N_FFT.end()), self.n_fft);
        }
        if self.win_length == 0 || self.win_length > self.n_fft {
            return fail(&format!("a window of 1 to n_fft = {} samples", self.n_fft), self.win_length);
        }
        if self.hop == 0 { fail("a hop of at least 1", 0) } else { Ok(()) }
    }
}

enum Part {
    Complex,
    Magnitude,
    Power,
}

/// Inputs `x`, `lengths`, `window`, `turns`, and `factors` of half the points where they are no power of two.
struct Stft {
    framing: Framing,
    part: Part,
}

impl Op for Stft {
    fn name(&self) -> &'static str {
        "stft"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("stft", inputs, if self.framing.n_fft.is_power_of_two() { 4 } else { 5 })?;
        clips("stft", &inputs[0], &inputs[1])?;
        self.framing.check()?;
        let shape = Shape::from([inputs[0][0], self.framing.n_fft / 2 + 1, self.framing.frames(inputs[0][1]).max(1)]);
        Ok(vec![shape; if matches!(self.part, Part::Complex) { 2 } else { 1 }])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let f = &self.framing;
        let geometry = kernel::Geometry {
            batch: cx.input_shape(0)[0],
            samples: cx.input_shape(0)[1],
            frames: cx.output_shape(0)[2],
            hop: f.hop,
            win: f.win_length,
            n_fft: f.n_fft,
            reflect: f.padding == Padding::Reflect,
            emphasis: f.pre_emphasis,
        };
        let framed = cx.scratch(geometry.batch * geometry.padded());
        cx.launch(kernel::pad(cx.target(), &geometry, cx.input(0), cx.input(1), framed));
        let from = kernel::Operands { framed, lengths: cx.input(1), window: cx.input(2), turns: cx.input(3) };
        let magnitude = matches!(self.part, Part::Magnitude);
        let launch = match (f.n_fft.is_power_of_two(), &self.part) {
            (true, Part::Complex) => kernel::complex(cx.target(), &geometry, from, cx.output(0), cx.output(1)),
            (true, _) => kernel::power(cx.target(), &geometry, magnitude, from, cx.output(0)),
            (false, part) => {
                let framed = dft::Framed { count: cx.input_shape(4).elements(), factors: cx.input(4), from };
                match part {
                    Part::Complex => framed.complex(cx.target(), &geometry, cx.output(0), cx.output(1)),
                    _ => framed.power(cx.target(), &geometry, magnitude, cx.output(0)),
                }
            }
        };
        cx.launch(launch);
        Ok(())
    }
}

fn apply(g: &mut Graph, x: Var, lengths: Var, framing: &Framing, part: Part) -> Result<Vec<Var>> {
    framing.check()?;
    let mut window = vec![0.0; framing.n_fft];
    let before = (framing.n_fft - framing.win_length) / 2;
    for (to, from) in window[before..].iter_mut().zip(framing.window.samples(framing.win_length)) {
        *to = from as f32;
    }
    let window = g.constant([framing.n_fft], &window)?;
    let turns = turns(g, framing.n_fft)?;
    let mut inputs = vec![x, lengths, window, turns];
    if let Some(factors) = factors(framing.n_fft).filter(|_| !framing.n_fft.is_power_of_two()) {
        inputs.push(integers(g, &factors)?);
    }
    g.apply(Stft { framing: *framing, part }, &inputs)
}

/// Real and imaginary parts of `X[k,t] = Σ_n w[n]·v[t·hop + n − n_fft/2]·e^(−2πi·kn/n_fft)` of the emphasised clips v; frames behind a clip's last are zero.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → two of (B, K, T), K = n_fft/2 + 1, T = 1 + N/hop. No gradient.
///
/// # Errors
/// Other shapes; a transform of fewer than 16 or more than 4096 points, or not of twice a product of 2, 3 and 5; a window longer than it, a hop of zero.
pub fn stft(g: &mut Graph, x: Var, lengths: Var, framing: &Framing) -> Result<(Var, Var)> {
    let parts = apply(g, x, lengths, framing, Part::Complex)?;
    Ok((parts[0], parts[1]))
}

/// `|X|^exponent` of [`stft`], for an exponent of 1 (magnitude) or 2 (power).
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, K, T). No gradient.
///
/// # Errors
/// Those of [`stft`]; another exponent.
pub fn spectrogram(g: &mut Graph, x: Var, lengths: Var, framing: &Framing, exponent: f32) -> Result<Var> {
    let part = match exponent {
        1.0 => Part::Magnitude,
        2.0 => Part::Power,
        _ => return Err(Error::shape("spectrogram", "an exponent of 1 or 2", exponent.to_string())),
    };
    Ok(apply(g, x, lengths, framing, part)?[0])
}
