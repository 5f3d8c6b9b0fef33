//! Layer norm of rows of `n` values.

use super::Real;

/// `(mean, reciprocal std, std before eps)` of a row.
fn row<R: Real>(x: &[R], eps: f64, unbiased: bool) -> (R, R, R) {
    let n = x.len() as f64;
    let mut m = x[0];
    for &v in x {
        m += (v - x[0]) / R::of(n);
    }
    let mut q = R::zero();
    for &v in x {
        q += (v - m) * (v - m);
    }
    let sigma = (q / R::of(if unbiased { n - 1.0 } else { n })).sqrt();
    let r = if unbiased { sigma + R::of(eps) } else { (q / R::of(n) + R::of(eps)).sqrt() };
    (m, R::of(1.0) / r, sigma)
}

/// `y = γ (x − μ) r + β`.
pub fn forward<R: Real>(x: &[R], w: &[R], b: &[R], eps: f64, unbiased: bool) -> Vec<R> {
    let mut y = Vec::with_capacity(x.len());
    for x in x.chunks(w.len()) {
        let (m, r, _) = row(x, eps, unbiased);
        y.extend(x.iter().zip(w).zip(b).map(|((&x, &w), &b)| w * (x - m) * r + b));
    }
    y
}

/// `(dx, dweight, dbias)`.
pub fn backward(x: &[f64], w: &[f64], eps: f64, unbiased: bool, dy: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let n = w.len();
    let (mut dx, mut dw, mut db) = (Vec::new(), vec![0.0; n], vec![0.0; n]);
    for (x, dy) in x.chunks(n).zip(dy.chunks(n)) {
        let (m, r, sigma) = row(x, eps, unbiased);
        let g: Vec<f64> = dy.iter().zip(w).map(|(d, w)| d * w).collect();
        let mean = g.iter().sum::<f64>() / n as f64;
        let dot: f64 = g.iter().zip(x).map(|(g, x)| g * (x - m)).sum();
        // A row without spread: the std has no derivative there, and 0 is taken, as PyTorch does.
        let slope = match unbiased {
            true if sigma == 0.0 => 0.0,
            true => r * r * dot / (sigma * (n - 1) as f64),
            false => r * r * r * dot / n as f64,
        };
        dx.extend(g.iter().zip(x).map(|(g, x)| r * (g - mean) - (x - m) * slope));
        for i in 0..n {
            dw[i] += dy[i] * (x[i] - m) * r;
            db[i] += dy[i];
        }
    }
    (dx, dw, db)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for unbiased in [false, true] {
            check_vjp(
                &[noise(1, 28), noise(2, 7), noise(3, 7)],
                |x| forward(&x[0], &x[1], &x[2], 1e-3, unbiased),
                |x, dy| {
                    let (dx, dw, db) = backward(&x[0], &x[1], 1e-3, unbiased, dy);
                    vec![Some(dx), Some(dw), Some(db)]
                },
            );
        }
    }
}
