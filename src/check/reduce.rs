//! Sums and means along any axis.

use super::{Case, LENGTHS, awkward, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::reduce as reference;

fn case(shape: [usize; 3], dim: usize, mean: bool) -> Case {
    let x = normal(1, shape);
    let around = x.shape.around(dim);
    let scale = if mean { 1.0 / around.1 as f64 } else { 1.0 };
    let build = move |g: &mut _, x: &mut [_]| if mean { ops::mean(g, x[0], dim) } else { ops::sum(g, x[0], dim) };
    Case::new(if mean { "mean" } else { "sum" }, format!("{} along {dim}", x.shape), [x], build)
        .forward(move |x| reference::forward(around, scale, &x[0]))
        .backward(move |_, dy| reference::backward(around, scale, &dy[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    for n in awkward(64) {
        for (shape, dim) in [([3, n, 1], 1), ([2, n, 9], 1), ([n, 1, 5], 0), ([2, 3, n], 2), ([2, n, 70], 1), ([9, 8, n], 2)] {
            all.extend([false, true].map(|mean| case(shape, dim, mean)));
        }
    }
    // Few sums of many terms, in slices on GPUs: that divide them evenly, and a prime number that nothing divides.
    for (shape, dim) in [([1, 2000, 70], 1), ([3, 96, 8], 1), ([1009, 2, 9], 0), ([2, 4096, 33], 1)] {
        all.extend([false, true].map(|mean| case(shape, dim, mean).doctor(mean)));
    }
    for n in LENGTHS {
        all.extend([([2, n, 1], 1), ([1, 3, n], 2), ([n, 2, 3], 0)].map(|(shape, dim)| case(shape, dim, false).doctor(true)));
    }
    all
}
