//! Mel bands from spectra.

use super::{Case, awkward, fixed, tol};
use crate::kernels::Target;
use crate::ops::{self, Bands};
use crate::reference::{mel as reference, noise};

fn case(frames: usize) -> Case {
    let weights = noise(2, 100);
    let filters = vec![(0, weights[..1].to_vec()), (2, vec![]), (5, weights[..32].to_vec()), (36, weights[40..41].to_vec())];
    let bank = Bands { bins: 37, filters: filters.clone() };
    Case::new("mel", format!("{frames} frames"), [fixed(3, [2, 37, frames])], move |g, x| ops::mel(g, x[0], &bank))
        .forward(move |x| reference::forward((2, 37, frames), &filters, &x[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(64).map(case).into()
}
