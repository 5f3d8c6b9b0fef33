//! Fourier transform of whole frames of clips, of lengths that need not be powers of two.

use super::arity;
use super::pre_emphasis::clips;
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::dft as kernel;
use crate::{Error, Result};
use std::f64::consts::TAU;

/// Frames that lie within a clip of `samples`.
pub(super) fn frames_within(samples: usize, frame: usize, hop: usize) -> usize {
    if samples < frame { 0 } else { 1 + (samples - frame) / hop }
}

/// The factors 4, 2, 3 and 5 of half a frame; none where there are others, or it is odd or too long.
pub(super) fn factors(frame: usize) -> Option<Vec<u32>> {
    let mut rest = frame / 2;
    if !frame.is_multiple_of(2) || !(2..=kernel::MOST).contains(&rest) {
        return None;
    }
    let mut all = Vec::new();
    for factor in [4, 2, 3, 5] {
        while rest.is_multiple_of(factor) {
            rest /= factor;
            all.push(factor as u32);
        }
    }
    (rest == 1).then_some(all)
}

/// Whether [`dft`] takes frames of that length: even, at least 4 and at most 4096 samples, half of it a product of 2, 3 and 5.
pub fn dft_takes(frame: usize) -> bool {
    factors(frame).is_some()
}

/// Inputs `x`, `lengths`, `factors`, `turns`.
struct Dft {
    frame: usize,
    hop: usize,
    factors: usize,
}

impl Op for Dft {
    fn name(&self) -> &'static str {
        "dft"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("dft", inputs, 4)?;
        clips("dft", &inputs[0], &inputs[1])?;
        Ok(vec![Shape::from([inputs[0][0], frames_within(inputs[0][1], self.frame, self.hop).max(1), self.frame / 2])])
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
            points: self.frame / 2,
            factors: self.factors,
        };
        let inputs = [0, 1, 2, 3].map(|i| cx.input(i));
        cx.launch(kernel::dft(cx.target(), &geometry, inputs, cx.output(0)));
        Ok(())
    }
}

/// `|Σ_j x[t·hop + j]·e^(−2πi·kj/n)| / (n/2)`, k = 0..n/2−1, of each frame of n samples that lies within its clip, without a window; zero
/// behind the last.
///
/// # Shapes
/// `x` (B, N), `lengths` (B) as unsigned integers → (B, T, n/2), T = 1 + (N − n)/hop, at least 1. No gradient: samples are not trained,
/// and a magnitude has none where it is zero.
///
/// # Errors
/// Other shapes; a hop of zero; a frame that [`dft_takes`] does not.
pub fn dft(g: &mut Graph, x: Var, lengths: Var, frame: usize, hop: usize) -> Result<Var> {
    let Some(factors) = factors(frame).filter(|_| hop > 0) else {
        let expected =
            format!("an even frame of at most {} samples, half a product of 2, 3 and 5, and a hop of at least 1", 2 * kernel::MOST);
        return Err(Error::shape("dft", expected, format!("{frame} and {hop}")));
    };
    let count = factors.len();
    let factors = words(g, &factors)?;
    let turns = turns(g, frame)?;
    g.apply1(Dft { frame, hop, factors: count }, &[x, lengths, factors, turns])
}

/// Unsigned integers as a constant.
pub(super) fn words(g: &mut Graph, values: &[u32]) -> Result<Var> {
    let bits: Vec<f32> = values.iter().copied().map(f32::from_bits).collect();
    g.constant([bits.len()], &bits)
}

/// cos and −sin of 2π·k/n, k = 0..n/2.
pub(super) fn turns(g: &mut Graph, n: usize) -> Result<Var> {
    let angle = |k: usize| TAU * k as f64 / n as f64;
    let turns: Vec<f32> = (0..n / 2).flat_map(|k| [angle(k).cos() as f32, -angle(k).sin() as f32]).collect();
    g.constant([n / 2, 2], &turns)
}
