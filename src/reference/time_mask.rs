//! Zeros behind the valid positions of rows.

use super::Real;

/// The first `valid[r]` of `cols` values of each row, with `spread` times `cols / valid[r]`; zeros behind. It is its own VJP.
pub fn forward<R: Real>(cols: usize, valid: &[usize], spread: bool, x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); x.len()];
    for (r, &n) in valid.iter().enumerate() {
        let scale = if spread { cols as f64 / n.max(1) as f64 } else { 1.0 };
        (r * cols..r * cols + n).for_each(|i| y[i] = R::of(scale) * x[i]);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn it_is_its_own_vjp() {
        let valid = [5, 2, 0, 1];
        for spread in [false, true] {
            check_vjp(&[noise(1, 20)], |x| forward(5, &valid, spread, &x[0]), |_, dy| vec![Some(forward(5, &valid, spread, dy))]);
        }
    }

    #[test]
    fn a_spread_mean_is_that_of_the_valid_values() {
        let y = forward(4, &[3, 0], true, &[1.0f64, 2.0, 6.0, f64::NAN, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!((y[..4].iter().sum::<f64>() / 4.0, &y[4..]), (3.0, &[0.0; 4][..]));
    }
}
