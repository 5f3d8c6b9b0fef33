//! The decoder with additive attention.

use super::{Case, normal, tol};
use crate::kernels::Target;
use crate::ops::{self, DecoderWeights};
use crate::reference::attention_decoder::{Extents, backward, forward};

/// A decoder on sequences, in one direction.
pub fn case(e: Extents) -> Case {
    let scale = |fan_in: usize| 1.5 / (fan_in as f64).sqrt();
    let inputs = e.shapes().into_iter().enumerate().map(|(i, shape)| {
        let factor = if i == 0 { 1.0 } else { scale(shape.last().copied().unwrap_or(1)) };
        normal(i as u64, shape).map(move |v| factor * v)
    });
    let name = format!("{}x{}x{} -> {} -> {}{}", e.b, e.t, e.d, e.units, e.out, if e.reverse { ", reverse" } else { "" });
    Case::new("attention decoder", name, inputs.collect::<Vec<_>>(), move |g, x| {
        let pair = |i: usize| (x[i], x[i + 1]);
        let (key, reset, update, candidate, output) = (pair(3), pair(6), pair(8), pair(10), pair(12));
        let weights = DecoderWeights { state: x[1], query: x[2], key, score: x[5], reset, update, candidate, output };
        ops::attention_decoder(g, x[0], &weights, e.reverse)
    })
    .forward(move |x| forward(e, x))
    .backward(move |x, dy| backward(e, x, &dy[0]))
    .tolerance(tol::SUM)
}

/// The cases: one time, one unit, odd widths, more times than a workgroup has rows.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = [[1, 1, 1, 1, 1], [2, 3, 5, 4, 4], [3, 9, 7, 5, 3], [1, 33, 4, 8, 6], [17, 2, 3, 1, 9], [2, 5, 34, 66, 65], [9, 4, 8, 64, 32]];
    let extents = sizes.into_iter().flat_map(|[b, t, d, units, out]| [false, true].map(|reverse| Extents { b, t, d, units, out, reverse }));
    extents.map(case).collect()
}
