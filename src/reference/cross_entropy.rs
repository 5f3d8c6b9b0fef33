//! Softmax cross-entropy of each row with soft labels and label smoothing.

use super::Real;

/// `loss[b] = −Σ_k y[b,k]·ln softmax(logits)[b,k]`, `y = (1 − s)·target + s/K`.
pub fn forward<R: Real>((rows, cols): (usize, usize), smoothing: f64, logits: &[R], target: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let (z, t) = (&logits[b * cols..][..cols], &target[b * cols..][..cols]);
        let m = z.iter().fold(z[0], |m, z| m.max(*z));
        let mut sum = R::zero();
        z.iter().for_each(|z| sum += (*z - m).exp());
        let mut loss = R::zero();
        for (z, t) in z.iter().zip(t) {
            loss += R::of((1.0 - smoothing) * t + smoothing / cols as f64) * (sum.ln() - (*z - m));
        }
        loss
    };
    (0..rows).map(row).collect()
}

/// `dlogits = dloss · (softmax(logits)·Σ_j y[j] − y)`.
pub fn backward((rows, cols): (usize, usize), smoothing: f64, logits: &[f64], target: &[f64], dloss: &[f64]) -> Vec<f64> {
    let p = super::softmax::forward((rows, cols, 1), logits);
    let y: Vec<f64> = target.iter().map(|t| (1.0 - smoothing) * t + smoothing / cols as f64).collect();
    let total: Vec<f64> = y.chunks(cols).map(|y| y.iter().sum()).collect();
    (0..rows * cols).map(|i| dloss[i / cols] * (p[i] * total[i / cols] - y[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for (rows, cols) in [(1, 1), (3, 4), (2, 7)] {
            let t: Vec<f64> = noise(2, rows * cols).iter().map(|t| t.abs()).collect();
            let forward = |z: &[Vec<crate::reference::Dual>]| forward((rows, cols), 0.1, &z[0], &t);
            check_vjp(&[noise(1, rows * cols)], forward, |z, dl| vec![Some(backward((rows, cols), 0.1, &z[0], &t, dl))]);
        }
    }

    #[test]
    fn uniform_logits_cost_the_logarithm_of_the_number_of_classes() {
        let l = forward((1, 4), 0.1, &[5.0; 4], &[0.0, 1.0, 0.0, 0.0]);
        assert!((l[0] - 4f64.ln()).abs() < 1e-12, "{}", l[0]);
    }
}
