//! Cases of attention, composed of matrix products, softmax and dropout.

use crate::case::{In, check, given, normal, tol};
use emotone::nn::attention::attention;
use emotone::reference::matmul::{self, Extents};
use emotone::reference::{dropout, softmax};

/// q (B, H, T, D), k and v (B, H, S, D); `rate` is that of the weights' dropout.
fn case([b, h, t, s, d]: [usize; 5], rate: f64) {
    let scale = 1.0 / (d as f64).sqrt();
    let scores = Extents { batch: b * h, m: t, n: s, k: d, transposed: [false, true] };
    let mixed = Extents { batch: b * h, m: t, n: d, k: s, transposed: [false, false] };
    let around = (b * h * t, s, 1);
    // Small integers are subnormal floats of the same bits, which the copy to the device keeps.
    let words = [11u32, 22, 33, 0];
    let rng = In { values: words.map(|w| f64::from(f32::from_bits(w))).to_vec(), ..given([4], &[0.0; 4]) };
    let mask = if rate > 0.0 { dropout::mask(b * h * t * s, words, rate, 9) } else { vec![1.0; b * h * t * s] };
    let masked = |w: &[f64]| w.iter().zip(&mask).map(|(w, m)| w * m).collect::<Vec<f64>>();
    let weights = |x: &[Vec<f64>]| {
        let z: Vec<f64> = matmul::forward(scores, &x[0], &x[1]).iter().map(|z| scale * z).collect();
        softmax::forward(around, &z)
    };
    check(
        &format!("attention {b}x{h}x{t}x{d} over {s}, dropout {rate}"),
        tol::SUM,
        &[normal(1, [b, h, t, d]), normal(2, [b, h, s, d]), normal(3, [b, h, s, d]), rng],
        |g, x| Ok(vec![attention(g, x[0], x[1], x[2], scale as f32, (rate > 0.0).then_some((x[3], rate as f32, 9)))?]),
        |x| vec![matmul::forward(mixed, &masked(&weights(x)), &x[2])],
        |x, dy| {
            let w = weights(x);
            let (dw, dv) = matmul::backward(mixed, &masked(&w), &x[2], &dy[0]);
            let dz: Vec<f64> = softmax::backward(around, &w, &masked(&dw)).iter().map(|z| scale * z).collect();
            let (dq, dk) = matmul::backward(scores, &x[0], &x[1], &dz);
            vec![Some(dq), Some(dk), Some(dv), None]
        },
    );
}

#[test]
fn queries_over_keys_of_another_length() {
    for shape in [[1, 1, 1, 1, 8], [1, 2, 8, 5, 33], [3, 1, 5, 77, 8], [2, 8, 64, 64, 64]] {
        case(shape, 0.0);
    }
}

#[test]
fn dropout_of_the_weights() {
    case([2, 2, 7, 9, 16], 0.25);
}
