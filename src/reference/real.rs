//! The number types of the references, and the check of a vector-Jacobian product against forward-mode dual numbers.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::random::Rng;

/// A real number: f32, f64 or [`Dual`].
pub trait Real:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self> + AddAssign
{
    /// A constant.
    fn of(x: f64) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Complementary Gauss error function.
    fn erfc(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Larger of the two; the first on a tie.
    fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
    /// Smaller of the two; the first on a tie.
    fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }
    /// Zero.
    fn zero() -> Self {
        Self::of(0.0)
    }
}

macro_rules! float {
    ($t:ty) => {
        impl Real for $t {
            fn of(x: f64) -> Self {
                x as $t
            }
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            fn ln(self) -> Self {
                <$t>::ln(self)
            }
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            fn erfc(self) -> Self {
                erfc(self as f64) as $t
            }
            fn sin(self) -> Self {
                <$t>::sin(self)
            }
            fn cos(self) -> Self {
                <$t>::cos(self)
            }
        }
    };
}
float!(f32);
float!(f64);

/// Complementary error function, to f64 precision relative to 1 below 3 and to itself beyond: Maclaurin series of erf for |x| < 3,
/// continued fraction beyond (Abramowitz & Stegun 7.1.5, 7.1.14).
fn erfc(x: f64) -> f64 {
    let a = x.abs();
    if a < 3.0 {
        let (mut term, mut sum, mut n) = (a, a, 0.0);
        while term.abs() > 1e-18 * sum.abs() && n < 200.0 {
            n += 1.0;
            term *= -a * a / n;
            sum += term / (2.0 * n + 1.0);
        }
        1.0 - x.signum() * sum * 2.0 / std::f64::consts::PI.sqrt()
    } else {
        let mut f = 0.0;
        for k in (1..=60).rev() {
            f = 0.5 * k as f64 / (a + f);
        }
        let tail = (-a * a).exp() / ((a + f) * std::f64::consts::PI.sqrt());
        if x < 0.0 { 2.0 - tail } else { tail }
    }
}

/// A dual number `v + d·ε` with `ε² = 0`: carries a directional derivative through a computation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual {
    /// Value.
    pub v: f64,
    /// Derivative.
    pub d: f64,
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> {
        self.v.partial_cmp(&o.v)
    }
}
impl Add for Dual {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Dual { v: self.v + o.v, d: self.d + o.d }
    }
}
impl Sub for Dual {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Dual { v: self.v - o.v, d: self.d - o.d }
    }
}
impl Mul for Dual {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Dual { v: self.v * o.v, d: self.d * o.v + self.v * o.d }
    }
}
impl Div for Dual {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        Dual { v: self.v / o.v, d: (self.d * o.v - self.v * o.d) / (o.v * o.v) }
    }
}
impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Dual { v: -self.v, d: -self.d }
    }
}
impl AddAssign for Dual {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl Real for Dual {
    fn of(x: f64) -> Self {
        Dual { v: x, d: 0.0 }
    }
    fn exp(self) -> Self {
        let e = self.v.exp();
        Dual { v: e, d: self.d * e }
    }
    fn ln(self) -> Self {
        Dual { v: self.v.ln(), d: self.d / self.v }
    }
    fn sqrt(self) -> Self {
        let s = self.v.sqrt();
        Dual { v: s, d: self.d / (2.0 * s) }
    }
    fn tanh(self) -> Self {
        let t = self.v.tanh();
        Dual { v: t, d: self.d * (1.0 - t * t) }
    }
    fn erfc(self) -> Self {
        let slope = -2.0 / std::f64::consts::PI.sqrt() * (-self.v * self.v).exp();
        Dual { v: erfc(self.v), d: self.d * slope }
    }
    fn sin(self) -> Self {
        Dual { v: self.v.sin(), d: self.d * self.v.cos() }
    }
    fn cos(self) -> Self {
        Dual { v: self.v.cos(), d: -self.d * self.v.sin() }
    }
}

/// `n` reproducible values, roughly normal with mean 0 and variance 1 (sum of four uniforms), for tests.
pub fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut rng = Rng::at(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut unit = || rng.unit();
    // Rounded to f32, so that a GPU and a reference see the same values.
    (0..n).map(|_| f64::from(((unit() + unit() + unit() + unit() - 2.0) * 3f64.sqrt()) as f32)).collect()
}

/// Checks a VJP against the derivative of `forward` along a random direction `t`: `Σ dy·(J t) = Σ (Jᵀ dy)·t`, three directions.
///
/// `forward` maps all inputs, each as a slice, to one output; `vjp` gives the gradient of each input or `None`.
///
/// # Panics
/// When they disagree by more than 1e-8 of their magnitude.
pub fn check_vjp(
    inputs: &[Vec<f64>],
    forward: impl Fn(&[Vec<Dual>]) -> Vec<Dual>,
    vjp: impl Fn(&[Vec<f64>], &[f64]) -> Vec<Option<Vec<f64>>>,
) {
    let constant: Vec<Vec<Dual>> = inputs.iter().map(|x| x.iter().map(|&v| Dual::of(v)).collect()).collect();
    let dy = noise(91, forward(&constant).len());
    let grads = vjp(inputs, &dy);
    assert_eq!(grads.len(), inputs.len(), "one gradient per input");
    for (i, grad) in grads.iter().enumerate() {
        let Some(grad) = grad else { continue };
        assert_eq!(grad.len(), inputs[i].len(), "gradient {i} has the input's length");
        for direction in 0..3 {
            let t = noise(1000 + 10 * i as u64 + direction, inputs[i].len());
            let mut x = constant.clone();
            for (x, t) in x[i].iter_mut().zip(&t) {
                x.d = *t;
            }
            let jt: f64 = forward(&x).iter().zip(&dy).map(|(y, dy)| y.d * dy).sum();
            let gt: f64 = grad.iter().zip(&t).map(|(g, t)| g * t).sum();
            let scale = 1.0 + jt.abs() + gt.abs();
            assert!((jt - gt).abs() <= 1e-8 * scale, "input {i}, direction {direction}: forward mode {jt}, reverse mode {gt}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erfc_matches_known_values() {
        // 1 − erf of Abramowitz & Stegun, table 7.1; far out, where that difference cancels, the C library's erfc.
        for (x, y) in [(0.0, 0.0), (0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0), (-3.5, -0.999_999_256_9)] {
            approx::assert_abs_diff_eq!(erfc(x), 1.0 - y, epsilon = 1e-10);
        }
        approx::assert_relative_eq!(erfc(4.0), 1.541_725_790_028_002e-8, max_relative = 1e-13);
        approx::assert_relative_eq!(erfc(10.0), 2.088_487_583_762_545e-45, max_relative = 1e-13);
    }

    #[test]
    fn a_wrong_vjp_is_caught() {
        let x = [noise(1, 5)];
        let square = |x: &[Vec<Dual>]| x[0].iter().map(|&v| v * v).collect();
        check_vjp(&x, square, |x, dy| vec![Some(x[0].iter().zip(dy).map(|(x, d)| 2.0 * x * d).collect())]);
        let wrong = std::panic::catch_unwind(|| {
            check_vjp(&x, square, |x, dy| vec![Some(x[0].iter().zip(dy).map(|(x, d)| 2.001 * x * d).collect())]);
        });
        assert!(wrong.is_err());
    }
}
