//! Sigmoid binary cross-entropy of each row.

use super::Real;

/// `loss[b] = mean_k ln(1 + e^z) − z·t` of logits z and targets t.
pub fn forward<R: Real>((rows, cols): (usize, usize), logits: &[R], target: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let mut loss = R::zero();
        for k in b * cols..(b + 1) * cols {
            let z = logits[k];
            let above = z.max(R::zero());
            loss += above + ((-above).exp() + (z - above).exp()).ln() - z * R::of(target[k]);
        }
        loss / R::of(cols as f64)
    };
    (0..rows).map(row).collect()
}

/// `dlogits = dloss/K · (σ(logits) − target)`.
pub fn backward((rows, cols): (usize, usize), logits: &[f64], target: &[f64], dloss: &[f64]) -> Vec<f64> {
    (0..rows * cols).map(|i| dloss[i / cols] / cols as f64 * (1.0 / (1.0 + (-logits[i]).exp()) - target[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let t: Vec<f64> = noise(2, 12).iter().map(|t| t.abs().min(1.0)).collect();
        let z: Vec<f64> = noise(1, 12).iter().map(|z| 4.0 * z).collect();
        check_vjp(&[z], |z| forward((3, 4), &z[0], &t), |z, dl| vec![Some(backward((3, 4), &z[0], &t, dl))]);
    }

    #[test]
    fn known_values() {
        let l = forward((3, 1), &[0.0, 30.0, -800.0], &[0.3, 1.0, 1.0]);
        for (l, want) in l.iter().zip([2f64.ln(), (-30f64).exp(), 800.0]) {
            assert!((l - want).abs() < 1e-12 * want.max(1.0), "{l} {want}");
        }
    }
}
