//! Divergence of a teacher's distribution from the student's softened one, times the temperature squared, of each row.

use super::Real;

/// `loss[b] = T²·Σ_k q[b,k]·(ln q[b,k] − ln softmax(logits/T)[b,k])`, `0·ln 0 = 0`.
pub fn forward<R: Real>((rows, cols): (usize, usize), temperature: f64, logits: &[R], teacher: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let (z, q) = (&logits[b * cols..][..cols], &teacher[b * cols..][..cols]);
        let m = z.iter().fold(z[0], |m, z| m.max(*z));
        let scaled = |z: &R| (*z - m) * R::of(1.0 / temperature);
        let mut sum = R::zero();
        z.iter().for_each(|z| sum += scaled(z).exp());
        let mut loss = R::zero();
        for (z, q) in z.iter().zip(q).filter(|(_, q)| **q > 0.0) {
            loss += R::of(temperature * temperature * q) * (R::of(q.ln()) + sum.ln() - scaled(z));
        }
        loss
    };
    (0..rows).map(row).collect()
}

/// `dlogits = dloss · T · (softmax(logits/T)·Σ_j q[j] − q)`.
pub fn backward((rows, cols): (usize, usize), temperature: f64, logits: &[f64], teacher: &[f64], dloss: &[f64]) -> Vec<f64> {
    let soft: Vec<f64> = logits.iter().map(|z| z / temperature).collect();
    let p = super::softmax::forward((rows, cols, 1), &soft);
    let total: Vec<f64> = teacher.chunks(cols).map(|q| q.iter().sum()).collect();
    (0..rows * cols).map(|i| dloss[i / cols] * temperature * (p[i] * total[i / cols] - teacher[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for (rows, cols) in [(1, 1), (3, 4), (2, 7)] {
            let mut q: Vec<f64> = noise(2, rows * cols).iter().map(|t| t.abs()).collect();
            q[0] = 0.0;
            let forward = |z: &[Vec<crate::reference::Dual>]| forward((rows, cols), 3.0, &z[0], &q);
            check_vjp(&[noise(1, rows * cols)], forward, |z, dl| vec![Some(backward((rows, cols), 3.0, &z[0], &q, dl))]);
        }
    }

    /// A student that says what its teacher says costs nothing; a sure teacher of uniform logits costs T² ln K.
    #[test]
    fn closed_forms() {
        let z = noise(3, 4);
        let soft: Vec<f64> = z.iter().map(|z| z / 2.5).collect();
        let same = forward((1, 4), 2.5, &z, &crate::reference::softmax::forward((1, 4, 1), &soft));
        assert!(same[0].abs() < 1e-12, "{}", same[0]);
        let sure = forward((1, 4), 3.0, &[7.0; 4], &[0.0, 0.0, 1.0, 0.0]);
        assert!((sure[0] - 9.0 * 4f64.ln()).abs() < 1e-12, "{}", sure[0]);
    }
}
