//! Random changes to images.

use super::{Case, fixed, tol, words};
use crate::augment::rng::counter;
use crate::kernels::Target;
use crate::ops::{self, Change};
use crate::reference::augment as reference;

fn case(extents: [usize; 4], change: Change, prob: f32) -> Case {
    let rng = counter(0x0123_4567_89AB_CDEF, 41);
    let name = format!("{change:?} of {extents:?}, prob {prob}");
    Case::new("augment", name, [fixed(1, extents), words(&rng)], move |g, x| ops::augment(g, x[0], x[1], change, prob, 3))
        .forward(move |x| reference::forward(extents, &change, prob, 3, rng, &x[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    for extents @ [_, _, h, w] in [[1, 1, 1, 1], [6, 1, 32, 32], [3, 3, 17, 33], [2, 2, 7, 300]] {
        for (least, prob) in [(0.75, 1.0), (0.1, 0.5), (1.0, 1.0)] {
            all.push(case(extents, Change::RandomCut { least, zoom: 0.0, shift: 0.0 }, prob));
            all.push(case(extents, Change::RandomCut { least, zoom: 0.3, shift: 0.1 }, prob));
        }
        for (tempo, zoom, level, prob) in [(0.2, 0.08, 0.1, 1.0), (0.0, 0.0, 0.0, 1.0), (0.9, 0.5, 3.0, 0.5)] {
            all.push(case(extents, Change::Warp { tempo, zoom, level }, prob));
        }
        for (count, size) in [(3, (h / 3, w / 5)), (16, (1, 1)), (1, (h, w)), (0, (1, 1))] {
            all.push(case(extents, Change::Cutout { count, size, fill: -0.25 }, 0.7));
        }
        for (share, pepper) in [(0.065, 0.0), (0.5, 0.5), (1.0, 1.0)] {
            all.push(case(extents, Change::SaltPepper { share, pepper, low: -3.0, high: 4.0 }, 0.7));
        }
        for (columns, rows) in [((2, w / 3), (1, h / 2)), ((16, w), (0, 0)), ((0, 0), (16, h / 4))] {
            all.push(case(extents, Change::SpecAugment { columns, rows, fill: 9.0 }, 0.9));
        }
    }
    all
}
