//! Decibels of clips of different length, one of them silent.

use super::{Case, awkward, counts, fixed, tol};
use crate::kernels::Target;
use crate::ops::{self, DecibelScale};
use crate::reference::decibel as reference;

fn case(frames: usize, (squared, relative, range): (bool, bool, f32)) -> Case {
    let valid = [frames, frames.div_ceil(2), 0, frames];
    // Garbage behind the clip's frames and one silent clip.
    let x = fixed(4, [4, 5, frames]).each(move |i, v| match i / (5 * frames) {
        3 => 0.0,
        b if i % frames >= valid[b] => 1e20,
        _ => v.exp() * v.abs().powi(9),
    });
    let lengths = counts(&valid.map(|v| if v == 0 { 0 } else { (v - 1) * 160 + 7 }));
    let name = format!("{frames} frames, squared {squared}, relative {relative}");
    let build = move |g: &mut _, x: &mut [_]| ops::decibel(g, x[0], x[1], DecibelScale { hop: 160, squared, relative, range });
    let scale = reference::Scale { squared, relative, range: f64::from(range) };
    Case::new("decibel", name, [x, lengths], build)
        .forward(move |x| reference::forward((5, frames), &valid, &scale, &x[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let kinds = [(false, true, 80.0), (true, true, 80.0), (false, false, 20.0)];
    awkward(32).into_iter().flat_map(|frames| kinds.map(|kind| case(frames, kind))).collect()
}
