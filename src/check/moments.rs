//! Mean and deviation over clips of different length.

use super::{Case, awkward, counts, fixed, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::moments as reference;

fn case(frames: usize) -> Case {
    let (rows, hop) = (3, 100);
    let own = [frames, frames.div_ceil(2), 0, 1];
    let x = fixed(1, [4, rows, frames]).each(move |i, v| if i % frames < own[i / (rows * frames)] { v - 3.0 } else { 1e30 });
    let lengths = counts(&own.map(|n| if n == 0 { 0 } else { (n - 1) * hop + 1 }));
    Case::new("moments", format!("{frames} frames"), [x, lengths], move |g, x| ops::moments(g, x[0], x[1], hop))
        .forward(move |x| reference::forward((rows, frames), &own, &x[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(64).into_iter().chain([1000]).map(case).collect()
}
