//! Short-time Fourier transform by its definition.

use super::Real;
use std::f64::consts::TAU;

/// Extents and choices of a transform.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Samples a clip has room for.
    pub samples: usize,
    /// Points of the transform.
    pub n_fft: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Reflect at the clip's ends, else zeros.
    pub reflect: bool,
}

/// Index within 0..n of position `s` of a signal mirrored at its first and last sample.
fn mirror(s: i64, n: i64) -> i64 {
    let (mut s, n) = (s, n.max(1));
    while s < 0 || s >= n {
        s = if n == 1 {
            0
        } else if s < 0 {
            -s
        } else {
            2 * (n - 1) - s
        };
    }
    s
}

/// Real and imaginary parts, (B, K, T), of `Σ_n w[n]·x[t·hop + n − n_fft/2]·e^(−2πi·kn/n_fft)` with `window` in the middle of n_fft.
pub fn forward<R: Real>(geometry: &Geometry, lengths: &[usize], window: &[f64], x: &[R]) -> (Vec<R>, Vec<R>) {
    let Geometry { samples, n_fft, hop, reflect } = *geometry;
    let (bins, frames) = (n_fft / 2 + 1, 1 + samples / hop);
    let before = (n_fft - window.len()) / 2;
    let mut re = vec![R::zero(); lengths.len() * bins * frames];
    let mut im = re.clone();
    for (b, &length) in lengths.iter().enumerate() {
        let valid = if length == 0 { 0 } else { 1 + length / hop };
        for t in 0..valid {
            for k in 0..bins {
                let (mut c, mut s) = (R::zero(), R::zero());
                for (n, &w) in window.iter().enumerate() {
                    let at = (t * hop + before + n) as i64 - (n_fft / 2) as i64;
                    let inside = (0..length as i64).contains(&at);
                    if !inside && !reflect {
                        continue;
                    }
                    let v = x[b * samples + mirror(at, length as i64) as usize] * R::of(w);
                    let angle = TAU * ((k * (before + n)) % n_fft) as f64 / n_fft as f64;
                    c += v * R::of(angle.cos());
                    s += v * R::of(-angle.sin());
                }
                let at = (b * bins + k) * frames + t;
                (re[at], im[at]) = (c, s);
            }
        }
    }
    (re, im)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_on_a_bin_is_in_that_bin() {
        let x: Vec<f64> = (0..64).map(|n| (TAU * 3.0 * n as f64 / 16.0).cos()).collect();
        let g = Geometry { samples: 64, n_fft: 16, hop: 8, reflect: true };
        let (re, im) = forward(&g, &[64], &[1.0; 16], &x);
        for k in 0..9 {
            let (c, s) = (re[k * 9 + 4], im[k * 9 + 4]);
            let want = if k == 3 { 8.0 } else { 0.0 };
            assert!(((c * c + s * s).sqrt() - want).abs() < 1e-9, "bin {k}: {c} {s}");
        }
    }

    #[test]
    fn mirror_repeats() {
        let got: Vec<i64> = (-5..8).map(|s| mirror(s, 3)).collect();
        assert_eq!(got, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(mirror(-7, 1), 0);
    }
}
