//! Images as a lens shows them from several distances.

use super::{Case, fixed, tol, words};
use crate::augment::rng::counter;
use crate::kernels::Target;
use crate::ops;
use crate::reference::lens as reference;

fn case(extents: [usize; 4], to: (usize, usize), prob: f32) -> Case {
    let rng = counter(0x0123_4567_89AB_CDEF, 41);
    let name = format!("{to:?} of {extents:?}, prob {prob}");
    Case::new("lens", name, [fixed(1, extents), words(&rng)], move |g, x| ops::lens(g, x[0], x[1], to, prob, 5))
        .forward(move |x| reference::forward(extents, to, prob, 5, rng, &x[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    vec![
        case([1, 1, 1, 1], (1, 1), 1.0),
        case([20, 1, 32, 32], (28, 28), 1.0),
        case([20, 1, 32, 32], (32, 32), 0.5),
        case([8, 3, 17, 33], (15, 20), 1.0),
        case([8, 2, 7, 300], (7, 3), 0.7),
        case([6, 1, 64, 65], (1, 65), 0.0),
        case([8, 1, 256, 256], (227, 227), 1.0),
    ]
}
