//! Squared hinge losses of each row.

use super::Real;

/// `loss[b] = Σ_k max(0, 1 − t f)²`, t = 2 y − 1.
pub fn forward<R: Real>((rows, cols): (usize, usize), decision: &[R], target: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let mut loss = R::zero();
        for k in b * cols..(b + 1) * cols {
            let m = (R::of(1.0) - R::of(2.0 * target[k] - 1.0) * decision[k]).max(R::zero());
            loss += m * m;
        }
        loss
    };
    (0..rows).map(row).collect()
}

/// `df = −2 dloss · t · max(0, 1 − t f)`.
pub fn backward((rows, cols): (usize, usize), decision: &[f64], target: &[f64], dloss: &[f64]) -> Vec<f64> {
    let t = |i: usize| 2.0 * target[i] - 1.0;
    (0..rows * cols).map(|i| -2.0 * dloss[i / cols] * t(i) * (1.0 - t(i) * decision[i]).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let t: Vec<f64> = noise(2, 12).iter().map(|t| f64::from(u8::from(*t > 0.0))).collect();
        check_vjp(&[noise(1, 12)], |f| forward((3, 4), &f[0], &t), |f, dl| vec![Some(backward((3, 4), &f[0], &t, dl))]);
    }

    #[test]
    fn known_values() {
        assert_eq!(forward((1, 3), &[0.5, 0.5, -2.0], &[1.0, 0.0, 0.0]), [0.25 + 2.25]);
    }
}
