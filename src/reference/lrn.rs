//! Local response normalisation across the channels of (n, c, inner).

use super::Real;

/// Window, α, β, k; α is divided by the window.
pub type Constants = (usize, f64, f64, f64);

/// The channels of the window of `channel`.
fn window(c: usize, size: usize, channel: usize) -> std::ops::Range<usize> {
    channel.saturating_sub(size / 2)..(channel + (size - 1) / 2 + 1).min(c)
}

/// `d = k + α/n Σ x²` over the window.
fn sums<R: Real>([_, c, inner]: [usize; 3], (size, alpha, _, k): Constants, x: &[R]) -> Vec<R> {
    let of = |at: usize| {
        let (image, channel, i) = (at / (c * inner), at / inner % c, at % inner);
        let mut q = R::zero();
        for other in window(c, size, channel) {
            let v = x[(image * c + other) * inner + i];
            q += v * v;
        }
        R::of(k) + R::of(alpha / size as f64) * q
    };
    (0..x.len()).map(of).collect()
}

/// `y = x d^−β`.
pub fn forward<R: Real>(extents: [usize; 3], constants: Constants, x: &[R]) -> Vec<R> {
    let beta = R::of(-constants.2);
    x.iter().zip(sums(extents, constants, x)).map(|(&x, d)| x * (beta * d.ln()).exp()).collect()
}

/// The gradient of `x`: every output's by its own value, and by those of its window.
pub fn backward(extents: [usize; 3], constants: Constants, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let ([_, c, inner], (size, alpha, beta, _)) = (extents, constants);
    let d = sums(extents, constants, x);
    let mut dx = vec![0.0; x.len()];
    for at in 0..x.len() {
        let (image, channel, i) = (at / (c * inner), at / inner % c, at % inner);
        dx[at] += dy[at] * d[at].powf(-beta);
        for other in window(c, size, channel) {
            let v = (image * c + other) * inner + i;
            dx[v] -= dy[at] * x[at] * beta * d[at].powf(-beta - 1.0) * alpha / size as f64 * 2.0 * x[v];
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
        for (extents, constants) in [([2, 7, 3], (5, 0.3, 0.75, 2.0)), ([1, 4, 2], (4, 1.0, 1.3, 1.0)), ([2, 3, 1], (9, 0.5, 0.5, 0.7))] {
            let x = noise(1, extents.iter().product());
            check_vjp(&[x], |x| forward(extents, constants, &x[0]), |x, dy| vec![Some(backward(extents, constants, &x[0], dy))]);
        }
    }

    #[test]
    fn known_values() {
        // Two channels in windows of three: both see both.
        let y = forward([1, 2, 1], (3, 3.0, 1.0, 1.0), &[1.0f64, 2.0]);
        assert!((y[0] - 1.0 / 6.0).abs() < 1e-12 && (y[1] - 2.0 / 6.0).abs() < 1e-12, "{y:?}");
    }
}
