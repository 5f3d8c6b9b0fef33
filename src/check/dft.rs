//! Fourier transforms of frames whose lengths are products of 2, 3 and 5.

use super::{Case, clips, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::dft as reference;

fn case(n: usize, hop: usize, samples: usize, lengths: &'static [usize]) -> Case {
    Case::new("dft", format!("{n} every {hop} of {lengths:?}"), clips(samples, lengths), move |g, x| ops::dft(g, x[0], x[1], n, hop))
        .forward(move |x| reference::forward(samples, lengths, (n, hop), &x[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    vec![
        case(4, 1, 7, &[7, 4, 3, 0]),
        case(6, 5, 33, &[33, 11, 12]),
        case(8, 8, 40, &[40, 39]),
        case(10, 3, 10, &[10, 9]),
        case(30, 7, 100, &[64, 100, 29]),
        case(90, 45, 200, &[200, 91]),
        case(250, 100, 600, &[600, 350, 349]),
        case(1600, 800, 3300, &[3300, 1600]),
        case(3200, 1600, 6500, &[6500, 3200, 6400, 3199]),
        case(4096, 4096, 4096, &[4096]),
        case(64, 16, 20, &[20]),
    ]
}
