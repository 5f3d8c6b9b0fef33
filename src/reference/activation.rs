//! Activations.

use super::Real;
use crate::kernels::activation::Kind;

/// The least value whose logarithm is taken.
const LEAST: f64 = 1e-12;

/// `Φ(x)`, by the complementary function: no cancellation far below zero.
fn cumulative<R: Real>(x: R) -> R {
    R::of(0.5) * (-x * R::of(std::f64::consts::FRAC_1_SQRT_2)).erfc()
}

/// `y = f(x)`.
pub fn forward<R: Real>(kind: Kind, x: &[R]) -> Vec<R> {
    x.iter()
        .map(|&x| match kind {
            Kind::Relu => x.max(R::zero()),
            Kind::Sigmoid => R::of(1.0) / (R::of(1.0) + (-x).exp()),
            Kind::Tanh => x.tanh(),
            Kind::Gelu => x * cumulative(x),
            Kind::Ln => x.max(R::of(LEAST)).ln(),
        })
        .collect()
}

/// `dx = f'(x) · dy`.
pub fn backward(kind: Kind, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let y = forward(kind, x);
    (0..x.len())
        .map(|i| {
            dy[i]
                * match kind {
                    Kind::Relu => f64::from(u8::from(x[i] > 0.0)),
                    Kind::Sigmoid => y[i] * (1.0 - y[i]),
                    Kind::Tanh => 1.0 - y[i] * y[i],
                    Kind::Gelu => {
                        let density = (-0.5 * x[i] * x[i]).exp() / std::f64::consts::TAU.sqrt();
                        cumulative(x[i]) + x[i] * density
                    }
                    Kind::Ln if x[i] > LEAST => 1.0 / x[i],
                    Kind::Ln => 0.0,
                }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for kind in [Kind::Relu, Kind::Sigmoid, Kind::Tanh, Kind::Gelu, Kind::Ln] {
            check_vjp(&[noise(1, 50)], |x| forward(kind, &x[0]), |x, dy| vec![Some(backward(kind, &x[0], dy))]);
        }
    }
}
