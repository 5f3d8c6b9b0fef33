//! Scaled sum along the middle of (outer, n, inner).

use super::Real;

/// `y[o,i] = scale · Σ_j x[o,j,i]`.
pub fn forward<R: Real>((outer, n, inner): (usize, usize, usize), scale: f64, x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); outer * inner];
    for o in 0..outer {
        for j in 0..n {
            for i in 0..inner {
                y[o * inner + i] += x[(o * n + j) * inner + i] * R::of(scale);
            }
        }
    }
    y
}

/// `dx[o,j,i] = scale · dy[o,i]`.
pub fn backward((outer, n, inner): (usize, usize, usize), scale: f64, dy: &[f64]) -> Vec<f64> {
    (0..outer * n * inner).map(|e| scale * dy[e / (n * inner) * inner + e % inner]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let around = (2, 5, 3);
        check_vjp(&[noise(1, 30)], |x| forward(around, 0.2, &x[0]), |_, dy| vec![Some(backward(around, 0.2, dy))]);
    }
}
