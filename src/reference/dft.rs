//! Fourier transform of whole frames by its definition.

use super::Real;
use std::f64::consts::TAU;

/// `|Σ_j x[t·hop + j]·e^(−2πi·kj/n)| / (n/2)` for k < n/2, of the frames of n samples that lie within each clip of (B, samples); zero behind
/// them: (B, T, n/2).
pub fn forward<R: Real>(samples: usize, lengths: &[usize], (n, hop): (usize, usize), x: &[R]) -> Vec<R> {
    let within = |length: usize| if length < n { 0 } else { 1 + (length - n) / hop };
    let (frames, bins) = (within(samples).max(1), n / 2);
    let mut y = vec![R::zero(); lengths.len() * frames * bins];
    for (b, &length) in lengths.iter().enumerate() {
        for t in 0..within(length) {
            for k in 0..bins {
                let (mut re, mut im) = (R::zero(), R::zero());
                for j in 0..n {
                    let angle = TAU * ((k * j) % n) as f64 / n as f64;
                    re += x[b * samples + t * hop + j] * R::of(angle.cos());
                    im += x[b * samples + t * hop + j] * R::of(-angle.sin());
                }
                y[(b * frames + t) * bins + k] = (re * re + im * im).sqrt() / R::of(bins as f64);
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_on_a_bin_is_in_that_bin() {
        let x: Vec<f64> = (0..40).map(|n| (TAU * 3.0 * f64::from(n) / 30.0 + 0.4).cos()).collect();
        let y = forward(40, &[40, 29], (30, 10), &[&x[..], &x[..]].concat());
        assert_eq!(y.len(), 2 * 2 * 15);
        for (i, v) in y.iter().enumerate() {
            let want = if i < 30 && i % 15 == 3 { 1.0 } else { 0.0 };
            assert!((v - want).abs() < 1e-12, "{i}: {v}");
        }
    }
}
