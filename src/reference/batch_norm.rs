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

/// Parameters and the statistics to normalise by, each (c).
pub struct Norm<'a, R> {
    /// Extents of `x`.
    pub extents: Extents,
    /// γ.
    pub weight: &'a [R],
    /// β.
    pub bias: &'a [R],
    /// μ.
    pub mean: &'a [R],
    /// Biased variance.
    pub var: &'a [R],
    /// Added to the variance.
    pub eps: f64,
    /// ReLU follows.
    pub relu: bool,
}

impl<R: Real> Norm<'_, R> {
    /// `y = γ (x − μ)/√(var + ε) + β`, and ReLU where asked.
    pub fn forward(&self, x: &[R]) -> Vec<R> {
        let normal = |(i, &v): (usize, &R)| {
            let c = channel(self.extents, i);
            let y = self.weight[c] * (v - self.mean[c]) / (self.var[c] + R::of(self.eps)).sqrt() + self.bias[c];
            if self.relu { y.max(R::zero()) } else { y }
        };
        x.iter().enumerate().map(normal).collect()
    }
}

impl Norm<'_, f64> {
    /// `(dx, dweight, dbias)`; with `train` the statistics depend on `x`.
    pub fn backward(&self, train: bool, x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let e = self.extents;
        let count = (e.0 * e.2) as f64;
        let g: Vec<f64> = dy.iter().zip(self.forward(x)).map(|(d, y)| if self.relu && y <= 0.0 { 0.0 } else { *d }).collect();
        let std = |c: usize| (self.var[c] + self.eps).sqrt();
        let xhat = |i: usize| (x[i] - self.mean[channel(e, i)]) / std(channel(e, i));
        let (mut dw, mut db) = (vec![0.0; e.1], vec![0.0; e.1]);
        for i in 0..x.len() {
            dw[channel(e, i)] += g[i] * xhat(i);
            db[channel(e, i)] += g[i];
        }
        let dx = (0..x.len())
            .map(|i| {
                let c = channel(e, i);
                let scale = self.weight[c] / std(c);
                if train { scale * (g[i] - db[c] / count - xhat(i) * dw[c] / count) } else { scale * g[i] }
            })
            .collect();
        (dx, dw, db)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let extents = (3, 2, 5);
        for relu in [false, true] {
            for train in [false, true] {
                let x = [noise(1, 30), noise(2, 2), noise(3, 2)];
                let fixed = [vec![0.3, -0.2], vec![0.8, 1.7]];
                check_vjp(
                    &x,
                    |x| {
                        let constant = |v: &[f64]| v.iter().map(|&v| Real::of(v)).collect::<Vec<_>>();
                        let (m, v) = if train { statistics(extents, &x[0]) } else { (constant(&fixed[0]), constant(&fixed[1])) };
                        Norm { extents, weight: &x[1], bias: &x[2], mean: &m, var: &v, eps: 1e-3, relu }.forward(&x[0])
                    },
                    |x, dy| {
                        let (m, v) = if train { statistics(extents, &x[0]) } else { (fixed[0].clone(), fixed[1].clone()) };
                        let norm = Norm { extents, weight: &x[1], bias: &x[2], mean: &m, var: &v, eps: 1e-3, relu };
                        let (dx, dw, db) = norm.backward(train, &x[0], dy);
                        vec![Some(dx), Some(dw), Some(db)]
                    },
                );
            }
        }
    }
}
