//! The norm of all gradients and the factor that clips them.

use super::{Case, awkward, fixed, given, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::clip as reference;

/// Norm and factor of `n` values.
fn case(n: usize, max_norm: f32) -> Case {
    Case::new("clip", format!("{n} to {max_norm}"), [fixed(n as u64, [n])], move |g, x| ops::clip(g, x[0], max_norm))
        .forward(move |x| {
            let (norm, scale) = reference::forward(&x[0], f64::from(max_norm));
            [vec![norm], vec![scale]]
        })
        .tolerance(tol::FUNCTION)
}

/// Gradients that are 64 times those meant, which the factor undoes.
fn scaled() -> Case {
    Case::new("clip", "of scaled gradients", [fixed(1, [4097]), given([1], [64.0])], |g, x| ops::clip_scaled(g, x[0], x[1], 0.5))
        .forward(|x| {
            let meant: Vec<f64> = x[0].iter().map(|v| v / 64.0).collect();
            let (norm, scale) = reference::forward(&meant, 0.5);
            [vec![norm], vec![scale / 64.0]]
        })
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = awkward(128).into_iter().chain(awkward(4096)).chain([300_001, 5_000_000]);
    sizes.flat_map(|n| [case(n, 0.5), case(n, 1e4)]).chain([scaled()]).collect()
}
