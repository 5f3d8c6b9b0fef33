//! Scale per row of (rows, inner).

use super::Real;

/// `y[r,i] = s[r] · x[r,i]`.
pub fn forward<R: Real>(inner: usize, x: &[R], s: &[R]) -> Vec<R> {
    x.iter().enumerate().map(|(i, &x)| x * s[i / inner]).collect()
}

/// `(dx, ds)`.
pub fn backward(inner: usize, x: &[f64], s: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut ds = vec![0.0; s.len()];
    for i in 0..x.len() {
        ds[i / inner] += x[i] * dy[i];
    }
    (forward(inner, dy, s), ds)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        check_vjp(
            &[noise(1, 35), noise(2, 5)],
            |x| forward(7, &x[0], &x[1]),
            |x, dy| {
                let (dx, ds) = backward(7, &x[0], &x[1], dy);
                vec![Some(dx), Some(ds)]
            },
        );
    }
}
