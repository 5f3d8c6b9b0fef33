//! Routing between capsules.

use super::{Case, awkward, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::capsule_routing as reference;

/// Images, outputs, capsules, length of an output's vector and of a capsule's; and iterations.
pub fn case(e: reference::Extents, iterations: usize) -> Case {
    let [batch, outputs, capsules, size, inner] = e;
    // Outputs of moderate length, so that coefficients are neither equal nor all 0 or 1.
    let scale = 1.5 / (capsules as f64).sqrt();
    let inputs = [normal(1, [batch, capsules, inner]), normal(2, [outputs, capsules, size, inner]).map(move |w| scale * w)];
    Case::new("capsule routing", format!("{e:?}, {iterations} iterations"), inputs, move |g, x| {
        ops::capsule_routing(g, x[0], x[1], iterations)
    })
    .forward(move |x| reference::forward(e, &reference::coefficients(e, iterations, &x[0], &x[1]), &x[0], &x[1]))
    .backward(move |x, dy| reference::backward(e, &reference::coefficients(e, iterations, &x[0], &x[1]), &x[0], &x[1], &dy[0]))
    .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all: Vec<Case> = awkward(64).into_iter().map(|n| case([2, 4, n, 16, 8], 3)).collect();
    all.extend([[1, 1, 67, 16, 8], [3, 5, 65, 7, 3], [2, 2, 9, 1, 1], [2, 7, 33, 40, 6]].map(|e| case(e, 3)));
    all.extend([1, 2, 5].map(|iterations| case([3, 4, 21, 6, 8], iterations)));
    all.push(case([2, 4, 1501, 16, 8], 3).doctor(true));
    all
}
