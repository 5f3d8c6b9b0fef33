//! Dropout alone, after ReLU and before an addition. Both lengths of a run on software adapters, several workgroups on all; odd sizes
//! end within a draw.

use super::{Case, normal, words};
use crate::kernels::Target;
use crate::ops;
use crate::reference::dropout as reference;

/// Seed, step and zero.
pub const RNG: [u32; 4] = [11, 22, 33, 0];
/// Share that is dropped.
pub const RATE: f32 = 0.25;
/// Stream of the layer.
pub const STREAM: u32 = 5;

/// `v` where it is kept.
pub(super) fn masked(v: &[f64], mask: &[f64]) -> Vec<f64> {
    v.iter().zip(mask).map(|(v, m)| v * m).collect()
}

fn mask(n: usize) -> Vec<f64> {
    reference::mask(n, RNG, f64::from(RATE), STREAM)
}

/// Dropout of `n` values.
pub fn case(n: usize) -> Case {
    Case::new("dropout", n.to_string(), [normal(1, [n]), words(&RNG)], |g, x| ops::dropout(g, x[0], x[1], RATE, STREAM))
        .forward(move |x| masked(&x[0], &mask(n)))
        .backward(move |_, dy| masked(&dy[0], &mask(n)))
}

fn after_relu(n: usize) -> Case {
    let inputs = [normal(1, [n]), words(&RNG)];
    Case::new("relu dropout", n.to_string(), inputs, |g, x| ops::relu_dropout(g, x[0], Some((x[1], RATE, STREAM))))
        .forward(move |x| masked(&x[0].iter().map(|v| v.max(0.0)).collect::<Vec<_>>(), &mask(n)))
        .backward(move |x, dy| -> Vec<f64> {
            masked(&dy[0], &mask(n)).iter().zip(&x[0]).map(|(d, x)| if *x > 0.0 { *d } else { 0.0 }).collect()
        })
}

fn before_addition(n: usize) -> Case {
    let inputs = [normal(1, [n]), words(&RNG), normal(2, [n])];
    Case::new("dropout add", n.to_string(), inputs, |g, x| ops::dropout_add(g, x[0], x[2], Some((x[1], RATE, STREAM))))
        .forward(move |x| -> Vec<f64> { masked(&x[0], &mask(n)).iter().zip(&x[2]).map(|(k, a)| k + a).collect() })
        .backward(move |_, dy| [masked(&dy[0], &mask(n)), dy[0].clone()])
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = [1, 2, 3, 5, 127, 128, 1002, 20_001, 140_002, 140_003];
    sizes.into_iter().flat_map(|n| [case(n), after_relu(n), before_addition(n)]).collect()
}
