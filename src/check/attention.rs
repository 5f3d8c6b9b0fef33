//! Attention, composed of matrix products, softmax and dropout.

use super::dropout::{RNG, masked};
use super::{Case, normal, tol, words};
use crate::kernels::Target;
use crate::nn::attention::attention;
use crate::reference::matmul::{self, Extents};
use crate::reference::{dropout, softmax};

/// q (B, H, T, D), k and v (B, H, S, D); `rate` is that of the weights' dropout.
pub fn case([b, h, t, s, d]: [usize; 5], rate: f64) -> Case {
    let scale = 1.0 / (d as f64).sqrt();
    let scores = Extents { batch: b * h, m: t, n: s, k: d, transposed: [false, true] };
    let mixed = Extents { batch: b * h, m: t, n: d, k: s, transposed: [false, false] };
    let around = (b * h * t, s, 1);
    let mask = move || if rate > 0.0 { dropout::mask(b * h * t * s, RNG, rate, 9) } else { vec![1.0; b * h * t * s] };
    let weights = move |x: &[Vec<f64>]| {
        let z: Vec<f64> = matmul::forward(scores, &x[0], &x[1]).iter().map(|z| scale * z).collect();
        softmax::forward(around, &z)
    };
    let inputs = [normal(1, [b, h, t, d]), normal(2, [b, h, s, d]), normal(3, [b, h, s, d]), words(&RNG)];
    let name = format!("{b}x{h}x{t}x{d} over {s}, dropout {rate}");
    let build = move |g: &mut _, x: &mut [_]| attention(g, x[0], x[1], x[2], scale as f32, (rate > 0.0).then_some((x[3], rate as f32, 9)));
    Case::new("attention", name, inputs, build)
        .forward(move |x| matmul::forward(mixed, &masked(&weights(x), &mask()), &x[2]))
        .backward(move |x, dy| {
            let w = weights(x);
            let (dw, dv) = matmul::backward(mixed, &masked(&w, &mask()), &x[2], &dy[0]);
            let dz: Vec<f64> = softmax::backward(around, &w, &masked(&dw, &mask())).iter().map(|z| scale * z).collect();
            let (dq, dk) = matmul::backward(scores, &x[0], &x[1], &dz);
            [dq, dk, dv]
        })
        .tolerance(tol::SUM)
}

/// Queries over keys of another length, and dropout of the weights.
pub fn cases(_: &Target) -> Vec<Case> {
    let plain = [[1, 1, 1, 1, 8], [1, 2, 8, 5, 33], [3, 1, 5, 77, 8], [2, 8, 64, 64, 64]].map(|shape| case(shape, 0.0));
    plain.into_iter().chain([case([2, 2, 7, 9, 16], 0.25)]).collect()
}
