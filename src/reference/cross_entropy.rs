//! Softmax cross-entropy of each row with soft labels and label smoothing.

use super::Real;

/// `l[b] = −Σ_k y[b,k]·ln softmax(z)[b,k]`, `y = (1 − s)·t + s/K`.
pub fn forward<R: Real>((rows, cols): (usize, usize), smoothing: f64, z: &[R], t: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let (z, t) = (&z[b * cols..][..cols], &t[b * cols..][..cols]);
        let m = z.iter().fold(z[0], |m, z| m.max(*z));
        let mut sum = R::zero();
        z.iter().for_each(|z| sum += (*z - m).exp());
        let mut l = R::zero();
        for (z, t) in z.iter().zip(t) {
            l += R::of((1.0 - smoothing) * t + smoothing / cols as f64) * (sum.ln() - (*z - m));
        }
        l
    };
    (0..rows).map(row).collect()
}

/// `dz = dl · (softmax(z)·Σ_j y[j] − y)`.
pub fn backward((rows, cols): (usize, usize), smoothing: f64, z: &[f64], t: &[f64], dl: &[f64]) -> Vec<f64> {
    let p = super::softmax::forward((rows, cols, 1), z);
    let y: Vec<f64> = t.iter().map(|t| (1.0 - smoothing) * t + smoothing / cols as f64).collect();
    let total: Vec<f64> = y.chunks(cols).map(|y| y.iter().sum()).collect();
    (0..rows * cols).map(|i| dl[i / cols] * (p[i] * total[i / cols] - y[i])).collect()
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
