//! Vectors of capsules, rows of (rows, cols): squashing and lengths.

use super::Real;

/// Added to a vector's length where it divides.
pub const EPS: f64 = 1e-8;

fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    let mut sum = R::zero();
    a.iter().zip(b).for_each(|(&a, &b)| sum += a * b);
    sum
}

/// `y = q/(1 + q) · x/(√q + ε)`, `q = Σ x²`.
pub fn forward<R: Real>(cols: usize, x: &[R]) -> Vec<R> {
    let one = R::of(1.0);
    let row = |x: &[R]| {
        let q = dot(x, x);
        let factor = q / (one + q) / (q.sqrt() + R::of(EPS));
        x.iter().map(|&x| factor * x).collect::<Vec<R>>()
    };
    x.chunks(cols).flat_map(row).collect()
}

/// The gradient of `x`: the factor `f(n)` of a vector of length `n` times `dy`, and `f'(n) x/n` times `Σ x·dy`.
pub fn backward(cols: usize, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let row = |(x, dy): (&[f64], &[f64])| {
        let q = dot(x, x);
        let n = q.sqrt();
        let below = (1.0 + q) * (n + EPS);
        let slope_over_n = (2.0 / (1.0 + q) - n / (n + EPS)) / below;
        let along = dot(x, dy);
        x.iter().zip(dy).map(|(x, dy)| q / below * dy + slope_over_n * along * x).collect::<Vec<f64>>()
    };
    x.chunks(cols).zip(dy.chunks(cols)).flat_map(row).collect()
}

/// `y = √Σ x²`.
pub fn length<R: Real>(cols: usize, x: &[R]) -> Vec<R> {
    x.chunks(cols).map(|x| dot(x, x).sqrt()).collect()
}

/// The gradient of `x`: `dy x/√Σ x²`, 0 of a vector of length 0.
pub fn length_backward(cols: usize, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let n = length(cols, x);
    let of = |i: usize| if n[i / cols] > 0.0 { dy[i / cols] * x[i] / n[i / cols] } else { 0.0 };
    (0..x.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjps_are_the_derivatives() {
        for (rows, cols) in [(5, 8), (3, 16), (4, 1)] {
            let x = [noise(1, rows * cols)];
            check_vjp(&x, |x| forward(cols, &x[0]), |x, dy| vec![Some(backward(cols, &x[0], dy))]);
            check_vjp(&x, |x| length(cols, &x[0]), |x, dy| vec![Some(length_backward(cols, &x[0], dy))]);
        }
    }

    #[test]
    fn lengths_shrink_as_published() {
        let y = forward(2, &[3.0f64, 4.0, 0.0, 0.0]);
        assert!((length(2, &y)[0] - 25.0 / 26.0).abs() < 1e-8 && y[2..] == [0.0, 0.0], "{y:?}");
    }
}
