//! Softmax along the middle of (outer, cols, inner).

use super::Real;

/// `y = exp(x − m) / Σ exp(x − m)`.
pub fn forward<R: Real>((outer, cols, inner): (usize, usize, usize), x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); x.len()];
    for row in 0..outer * inner {
        let at = |c: usize| (row / inner) * cols * inner + c * inner + row % inner;
        let m = (1..cols).fold(x[at(0)], |m, c| m.max(x[at(c)]));
        let mut sum = R::zero();
        for c in 0..cols {
            sum += (x[at(c)] - m).exp();
        }
        for c in 0..cols {
            y[at(c)] = (x[at(c)] - m).exp() / sum;
        }
    }
    y
}

/// `dx = y · (dy − Σ y·dy)`.
pub fn backward((outer, cols, inner): (usize, usize, usize), y: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; y.len()];
    for row in 0..outer * inner {
        let at = |c: usize| (row / inner) * cols * inner + c * inner + row % inner;
        let dot: f64 = (0..cols).map(|c| y[at(c)] * dy[at(c)]).sum();
        for c in 0..cols {
            dx[at(c)] = y[at(c)] * (dy[at(c)] - dot);
        }
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for around in [(2, 5, 3), (1, 1, 1), (3, 7, 1)] {
            let x = [noise(1, around.0 * around.1 * around.2)];
            check_vjp(&x, |x| forward(around, &x[0]), |x, dy| vec![Some(backward(around, &forward(around, &x[0]), dy))]);
        }
    }
}
