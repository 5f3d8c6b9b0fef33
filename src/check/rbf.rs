//! Gaussian kernel matrices.

use super::{Case, fixed, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::rbf as reference;

fn case([rows, cols, d]: [usize; 3], gamma: f64) -> Case {
    // The first vectors coincide: their distance is 0, not what rounding leaves of it.
    let y = fixed(if d > 1 { 1 } else { 2 }, [cols, d]);
    Case::new("rbf", format!("{rows}x{d} by {cols} at {gamma}"), [fixed(1, [rows, d]), y], move |g, x| {
        ops::rbf(g, x[0], x[1], gamma as f32)
    })
    .forward(move |x| reference::forward(d, f64::from(gamma as f32), &x[0], &x[1]))
    .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = [[1, 1, 1], [3, 7, 2], [65, 130, 78], [9, 64, 33], [200, 1, 13], [129, 257, 8]];
    sizes.into_iter().flat_map(|[b, s, d]| [1.0 / d as f64, 0.2 / d as f64].map(|gamma| case([b, s, d], gamma))).collect()
}
