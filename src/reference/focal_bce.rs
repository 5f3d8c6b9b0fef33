//! Focal binary cross-entropy on softmax outputs of each row.

use super::Real;

fn label(t: f64, smoothing: f64, cols: usize) -> f64 {
    (1.0 - smoothing) * t + smoothing / cols as f64
}

/// `ln Σ_{j≠k} exp(z[j])`.
fn log_sum_others<R: Real>(z: &[R], k: usize) -> R {
    let others = || (0..z.len()).filter(|j| *j != k).map(|j| z[j]);
    let m = others().fold(R::of(f64::NEG_INFINITY), |m, z| m.max(z));
    let mut sum = R::zero();
    others().for_each(|z| sum += (z - m).exp());
    m + sum.ln()
}

/// `(ln p, ln(1 − p))` of class `k`: both relative to `ln Σ_j exp(z[j])`.
fn log_probabilities<R: Real>(z: &[R], k: usize) -> (R, R) {
    let others = log_sum_others(z, k);
    let m = z[k].max(others);
    let all = m + ((z[k] - m).exp() + (others - m).exp()).ln();
    (z[k] - all, others - all)
}

/// `u^γ`.
fn power<R: Real>(u: R, gamma: f64) -> R {
    if gamma == 0.0 { R::of(1.0) } else { (u.ln() * R::of(gamma)).exp() }
}

/// `loss[b] = mean_k (1 − e^{−L})^γ·L`, `L = −(y ln p + (1 − y) ln(1 − p))`, `p = softmax(logits)`, `y = (1 − s)·target + s/K`.
pub fn forward<R: Real>((rows, cols): (usize, usize), smoothing: f64, gamma: f64, logits: &[R], target: &[f64]) -> Vec<R> {
    let row = |b: usize| {
        let z = &logits[b * cols..][..cols];
        let mut sum = R::zero();
        for k in 0..cols {
            let y = label(target[b * cols + k], smoothing, cols);
            let (lp, lq) = log_probabilities(z, k);
            let l = -(R::of(y) * lp + R::of(1.0 - y) * lq);
            sum += power(R::of(1.0) - (-l).exp(), gamma) * l;
        }
        sum / R::of(cols as f64)
    };
    (0..rows).map(row).collect()
}

/// `dlogits[i] = dloss/K · Σ_k f_k (p_k − y_k)·r_ki`, `f = u^γ (1 + γ e^{−L} L/u)`: the chain rule through `L`, `p` and the softmax with
/// `r_kk = 1` and `r_ki = −p_i/(1 − p_k)`, so that nothing is divided by a `1 − p` that rounds to 0.
pub fn backward((rows, cols): (usize, usize), smoothing: f64, gamma: f64, logits: &[f64], target: &[f64], dloss: &[f64]) -> Vec<f64> {
    let mut dlogits = vec![0.0; rows * cols];
    for b in 0..rows {
        let z = &logits[b * cols..][..cols];
        for k in 0..cols {
            let y = label(target[b * cols + k], smoothing, cols);
            let (lp, lq) = log_probabilities(z, k);
            let l = -(y * lp + (1.0 - y) * lq);
            let u = -(-l).exp_m1();
            let a = power(u, gamma) * (1.0 + gamma * (-l).exp() * l / u) * (lp.exp() - y);
            let others = log_sum_others(z, k);
            for i in 0..cols {
                let r = if i == k { 1.0 } else { -(z[i] - others).exp() };
                dlogits[b * cols + i] += dloss[b] / cols as f64 * a * r;
            }
        }
    }
    dlogits
}

#[cfg(test)]
mod tests {
    use super::super::{Dual, check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for (rows, cols, gamma, smoothing) in [(3, 4, 2.0, 0.1), (2, 7, 1.5, 0.0), (2, 2, 0.0, 0.1)] {
            let t: Vec<f64> = noise(2, rows * cols).iter().map(|t| t.abs().min(1.0)).collect();
            let forward = |z: &[Vec<Dual>]| forward((rows, cols), smoothing, gamma, &z[0], &t);
            let vjp = |z: &[Vec<f64>], dl: &[f64]| vec![Some(backward((rows, cols), smoothing, gamma, &z[0], &t, dl))];
            check_vjp(&[noise(1, rows * cols)], forward, vjp);
        }
    }

    #[test]
    fn golden_values() {
        let t = [0.0, 1.0, 0.0, 0.0];
        let uniform = forward((1, 4), 0.1, 2.0, &[0.3f64; 4], &t)[0];
        assert!((uniform - 0.1903).abs() < 5e-5, "uniform probabilities: {uniform}");
        let z: Vec<f64> = t.iter().map(|t| label(*t, 0.1, 4).ln()).collect();
        let optimum = forward((1, 4), 0.1, 2.0, &z, &t)[0];
        assert!((optimum - 0.00471).abs() < 5e-6, "probabilities equal to the labels: {optimum}");
        let slope = backward((1, 4), 0.1, 2.0, &z, &t, &[1.0]);
        assert!(slope.iter().all(|d| d.abs() < 1e-12), "the optimum is flat: {slope:?}");
    }
}
