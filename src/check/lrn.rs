//! Local response normalisation.

use super::{Case, awkward, normal, tol};
use crate::kernels::Target;
use crate::ops::{self, Lrn};
use crate::reference::lrn as reference;

/// Images, channels, pixels of a channel.
pub fn case(extents: [usize; 3], constants: Lrn) -> Case {
    let Lrn { window, alpha, beta, k } = constants;
    let c = (window, f64::from(alpha), f64::from(beta), f64::from(k));
    Case::new("local response norm", format!("{extents:?}, {constants:?}"), [normal(1, extents)], move |g, x| ops::lrn(g, x[0], constants))
        .forward(move |x| reference::forward(extents, c, &x[0]))
        .backward(move |x, dy| reference::backward(extents, c, &x[0], &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    // AlexNet's, and others that leave nothing as it is.
    let alexnet = Lrn { window: 5, alpha: 1e-4, beta: 0.75, k: 2.0 };
    let others = [Lrn { alpha: 2.0, ..alexnet }, Lrn { window: 4, alpha: 1.0, beta: 1.25, k: 0.5 }, Lrn { window: 1, alpha: 0.5, ..alexnet }];
    let mut all = vec![case([2, 96, 49], alexnet).doctor(true)];
    for c in awkward(64) {
        all.extend(others.iter().map(|&constants| case([2, c, 9], constants)));
    }
    for inner in awkward(8) {
        all.push(case([3, 6, inner], others[0]));
    }
    all
}
