//! Softmax over the first values of rows.

use super::{Real, softmax};

/// Softmax of the first `valid[r]` of `cols` values of each row; zeros behind.
pub fn forward<R: Real>(cols: usize, valid: &[usize], x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); x.len()];
    for (r, &n) in valid.iter().enumerate().filter(|(_, n)| **n > 0) {
        y[r * cols..][..n].copy_from_slice(&softmax::forward((1, n, 1), &x[r * cols..][..n]));
    }
    y
}

/// `dx = y · (dy − Σ y·dy)` over them; zeros behind.
pub fn backward(cols: usize, valid: &[usize], y: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; y.len()];
    for (r, &n) in valid.iter().enumerate() {
        let own = r * cols..r * cols + n;
        dx[own.clone()].copy_from_slice(&softmax::backward((1, n, 1), &y[own.clone()], &dy[own]));
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let valid = [5, 2, 0, 1];
        let x = [noise(1, 20)];
        check_vjp(&x, |x| forward(5, &valid, &x[0]), |x, dy| vec![Some(backward(5, &valid, &forward(5, &valid, &x[0]), dy))]);
    }

    #[test]
    fn only_the_first_values_count() {
        let y = forward(3, &[2, 0], &[0.5f64, 0.5, f64::NAN, 1.0, 1.0, 1.0]);
        assert_eq!(y, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    }
}
