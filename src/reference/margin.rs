//! Margin loss of each row of capsule lengths.

use super::Real;

/// Lengths aimed at and the weight of absent classes: upper, lower, down.
pub type Constants = [f64; 3];

/// `loss[b] = Σ_k t max(0, upper − z)² + down (1 − t) max(0, z − lower)²` of lengths z and targets t.
pub fn forward<R: Real>(cols: usize, [upper, lower, down]: Constants, z: &[R], target: &[f64]) -> Vec<R> {
    let row = |(z, target): (&[R], &[f64])| {
        let mut loss = R::zero();
        for (&z, &t) in z.iter().zip(target) {
            let (short, long) = ((R::of(upper) - z).max(R::zero()), (z - R::of(lower)).max(R::zero()));
            loss += R::of(t) * short * short + R::of(down * (1.0 - t)) * long * long;
        }
        loss
    };
    z.chunks(cols).zip(target.chunks(cols)).map(row).collect()
}

/// `dz = 2 dloss (down (1 − t) max(0, z − lower) − t max(0, upper − z))`.
pub fn backward(cols: usize, [upper, lower, down]: Constants, z: &[f64], target: &[f64], dloss: &[f64]) -> Vec<f64> {
    let slope = |i: usize| down * (1.0 - target[i]) * (z[i] - lower).max(0.0) - target[i] * (upper - z[i]).max(0.0);
    (0..z.len()).map(|i| 2.0 * dloss[i / cols] * slope(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    const PUBLISHED: Constants = [0.9, 0.1, 0.5];

    #[test]
    fn vjp_is_the_derivative() {
        let t: Vec<f64> = noise(2, 12).iter().map(|t| t.abs().min(1.0)).collect();
        check_vjp(&[noise(1, 12)], |z| forward(4, PUBLISHED, &z[0], &t), |z, dl| vec![Some(backward(4, PUBLISHED, &z[0], &t, dl))]);
    }

    #[test]
    fn known_values() {
        // Nothing to pay; a class that is present but short; one that is absent but long.
        let l = forward(2, PUBLISHED, &[0.95f64, 0.05, 0.5, 0.1, 0.9, 0.6], &[1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        for (l, want) in l.iter().zip([0.0, 0.16, 0.125]) {
            assert!((l - want).abs() < 1e-12, "{l} {want}");
        }
    }
}
