//! Weighted mean of per-row losses.

use super::Real;

/// `Σ w·l / Σ w` over rows of weight other than 0; 0 when there are none.
pub fn forward<R: Real>(l: &[R], w: &[f64]) -> R {
    let total: f64 = w.iter().sum();
    let mut y = R::zero();
    if total == 0.0 {
        return y;
    }
    for (l, w) in l.iter().zip(w).filter(|(_, w)| **w != 0.0) {
        y += *l * R::of(w / total);
    }
    y
}

/// `dl = dy · w / Σ w`.
pub fn backward(w: &[f64], dy: f64) -> Vec<f64> {
    let total: f64 = w.iter().sum();
    w.iter().map(|w| if total == 0.0 { 0.0 } else { dy * w / total }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for w in [vec![1.0; 6], vec![0.5, 0.0, 2.0, 1.0, 0.0, 0.25], vec![0.0; 6]] {
            check_vjp(&[noise(1, 6)], |l| vec![forward(&l[0], &w)], |_, dy| vec![Some(backward(&w, dy[0]))]);
        }
    }

    #[test]
    fn rows_of_weight_zero_do_not_count() {
        assert_eq!(forward(&[1.0, f64::NAN, 3.0], &[1.0, 0.0, 1.0]), 2.0);
    }
}
