//! Batch norm over (n, c, inner), optionally followed by ReLU.

use super::Real;

/// Extents (n, c, inner).
pub type Extents = (usize, usize, usize);

fn channel((_, c, inner): Extents, i: usize) -> usize {
    i / inner % c
}

/// Mean and biased variance of each channel.
pub fn statistics<R: Real>(e: Extents, x: &[R]) -> (Vec<R>, Vec<R>) {
    let count = R::of((e.0 * e.2) as f64);
    let (mut mean, mut var) = (vec![R::zero(); e.1], vec![R::zero(); e.1]);
    for (i, &v) in x.iter().enumerate() {
        mean[channel(e, i)] += v / count;
    }
    for (i, &v) in x.iter().enumerate() {
        let d = v - mean[channel(e, i)];
        var[channel(e, i)] += d * d / count;
    }
    (mean, var)
}

/// `y = γ (x − μ)/√(var + ε) + β`, and ReLU where asked.
#[expect(clippy::too_many_arguments, reason = "operands of one op")]
pub fn forward<R: Real>(e: Extents, x: &[R], w: &[R], b: &[R], mean: &[R], var: &[R], eps: f64, relu: bool) -> Vec<R> {
    let normal = |(i, &v): (usize, &R)| {
        let c = channel(e, i);
        let y = w[c] * (v - mean[c]) / (var[c] + R::of(eps)).sqrt() + b[c];
        if relu { y.max(R::zero()) } else { y }
    };
    x.iter().enumerate().map(normal).collect()
}

/// `(dx, dweight, dbias)`; with `train` the statistics depend on `x`.
#[expect(clippy::too_many_arguments, reason = "operands of one op")]
pub fn backward(
    e: Extents,
    x: &[f64],
    w: &[f64],
    b: &[f64],
    mean: &[f64],
    var: &[f64],
    eps: f64,
    relu: bool,
    train: bool,
    dy: &[f64],
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let count = (e.0 * e.2) as f64;
    let y = forward(e, x, w, b, mean, var, eps, relu);
    let g: Vec<f64> = dy.iter().zip(&y).map(|(d, y)| if relu && *y <= 0.0 { 0.0 } else { *d }).collect();
    let xhat = |i: usize| (x[i] - mean[channel(e, i)]) / (var[channel(e, i)] + eps).sqrt();
    let (mut dw, mut db) = (vec![0.0; e.1], vec![0.0; e.1]);
    for i in 0..x.len() {
        dw[channel(e, i)] += g[i] * xhat(i);
        db[channel(e, i)] += g[i];
    }
    let dx = (0..x.len())
        .map(|i| {
            let c = channel(e, i);
            let scale = w[c] / (var[c] + eps).sqrt();
            if train { scale * (g[i] - db[c] / count - xhat(i) * dw[c] / count) } else { scale * g[i] }
        })
        .collect();
    (dx, dw, db)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let e = (3, 2, 5);
        for relu in [false, true] {
            for train in [false, true] {
                let x = [noise(1, 30), noise(2, 2), noise(3, 2)];
                let fixed = [vec![0.3, -0.2], vec![0.8, 1.7]];
                check_vjp(
                    &x,
                    |x| {
                        let constant = |v: &[f64]| v.iter().map(|&v| Real::of(v)).collect::<Vec<_>>();
                        let (m, v) = if train { statistics(e, &x[0]) } else { (constant(&fixed[0]), constant(&fixed[1])) };
                        forward(e, &x[0], &x[1], &x[2], &m, &v, 1e-3, relu)
                    },
                    |x, dy| {
                        let (m, v) = if train { statistics(e, &x[0]) } else { (fixed[0].clone(), fixed[1].clone()) };
                        let (dx, dw, db) = backward(e, &x[0], &x[1], &x[2], &m, &v, 1e-3, relu, train, dy);
                        vec![Some(dx), Some(dw), Some(db)]
                    },
                );
            }
        }
    }
}
