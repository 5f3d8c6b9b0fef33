//! An LSTM direction over x (b, t, n), gates i, f, g, o; written to be read beside the shader.

use super::Real;

/// Extents and order of time.
#[derive(Debug, Clone, Copy)]
pub struct Extents {
    /// Sequences.
    pub b: usize,
    /// Times.
    pub t: usize,
    /// Features.
    pub n: usize,
    /// Units.
    pub h: usize,
    /// From the last time to the first.
    pub reverse: bool,
}

/// The weights W_ih (4h, n), W_hh (4h, h), b (4h).
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a, R> {
    /// W_ih.
    pub input: &'a [R],
    /// W_hh.
    pub hidden: &'a [R],
    /// b.
    pub bias: &'a [R],
}

/// 1 / (1 + e^−x).
pub fn sigmoid<R: Real>(x: R) -> R {
    R::of(1.0) / (R::of(1.0) + (-x).exp())
}

impl Extents {
    fn times(&self) -> Vec<usize> {
        if self.reverse { (0..self.t).rev().collect() } else { (0..self.t).collect() }
    }
}

/// Gates (b, t, 4h), cells and outputs (b, t, h).
fn run<R: Real>(e: Extents, x: &[R], w: Weights<R>) -> [Vec<R>; 3] {
    let Extents { b, t: steps, n, h, .. } = e;
    let (mut gates, mut cells, mut y) =
        (vec![R::zero(); b * steps * 4 * h], vec![R::zero(); b * steps * h], vec![R::zero(); b * steps * h]);
    for i in 0..b {
        let mut before: Option<usize> = None;
        for t in e.times() {
            let row = i * steps + t;
            for k in 0..4 * h {
                let mut z = w.bias[k];
                (0..n).for_each(|m| z += w.input[k * n + m] * x[row * n + m]);
                if let Some(p) = before {
                    (0..h).for_each(|m| z += w.hidden[k * h + m] * y[p * h + m]);
                }
                gates[row * 4 * h + k] = if k / h == 2 { z.tanh() } else { sigmoid(z) };
            }
            for j in 0..h {
                let [input, forget, new, out] = [0, 1, 2, 3].map(|q| gates[row * 4 * h + q * h + j]);
                let old = before.map_or(R::zero(), |p| cells[p * h + j]);
                cells[row * h + j] = forget * old + input * new;
                y[row * h + j] = out * cells[row * h + j].tanh();
            }
            before = Some(row);
        }
    }
    [gates, cells, y]
}

/// Outputs (b, t, h).
pub fn forward<R: Real>(e: Extents, x: &[R], w: Weights<R>) -> Vec<R> {
    let [_, _, y] = run(e, x, w);
    y
}

/// `(dx, dW_ih, dW_hh, db)`.
pub fn backward(e: Extents, x: &[f64], w: Weights<f64>, dy: &[f64]) -> [Vec<f64>; 4] {
    let Extents { b, t: steps, n, h, .. } = e;
    let [gates, cells, y] = run(e, x, w);
    let [mut dx, mut dwi, mut dwh, mut db] =
        [vec![0.0; x.len()], vec![0.0; w.input.len()], vec![0.0; w.hidden.len()], vec![0.0; w.bias.len()]];
    for i in 0..b {
        let (mut dh, mut dc) = (vec![0.0; h], vec![0.0; h]);
        let times = e.times();
        for (s, t) in times.iter().enumerate().rev() {
            let row = i * steps + t;
            let before = (s > 0).then(|| i * steps + times[s - 1]);
            let mut dz = vec![0.0; 4 * h];
            for j in 0..h {
                let [input, forget, new, out] = [0, 1, 2, 3].map(|q| gates[row * 4 * h + q * h + j]);
                let (old, squashed) = (before.map_or(0.0, |p| cells[p * h + j]), cells[row * h + j].tanh());
                let d = dy[row * h + j] + dh[j];
                dc[j] += d * out * (1.0 - squashed * squashed);
                dz[j] = dc[j] * new * input * (1.0 - input);
                dz[h + j] = dc[j] * old * forget * (1.0 - forget);
                dz[2 * h + j] = dc[j] * input * (1.0 - new * new);
                dz[3 * h + j] = d * squashed * out * (1.0 - out);
                dc[j] *= forget;
            }
            dh = vec![0.0; h];
            for (k, d) in dz.iter().enumerate() {
                db[k] += d;
                for m in 0..n {
                    dx[row * n + m] += d * w.input[k * n + m];
                    dwi[k * n + m] += d * x[row * n + m];
                }
                for m in 0..h {
                    dh[m] += d * w.hidden[k * h + m];
                    dwh[k * h + m] += before.map_or(0.0, |p| d * y[p * h + m]);
                }
            }
        }
    }
    [dx, dwi, dwh, db]
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    fn weights<R>(x: &[Vec<R>]) -> Weights<'_, R> {
        Weights { input: &x[1], hidden: &x[2], bias: &x[3] }
    }

    #[test]
    fn vjp_is_the_derivative() {
        for reverse in [false, true] {
            let e = Extents { b: 2, t: 4, n: 3, h: 5, reverse };
            let x = [noise(1, 24), noise(2, 60), noise(3, 100), noise(4, 20)];
            check_vjp(&x, |x| forward(e, &x[0], weights(x)), |x, dy| backward(e, &x[0], weights(x), dy).into_iter().map(Some).collect());
        }
    }

    /// With the forget gate open and all else shut a cell keeps what it has; a step of one unit by hand.
    #[test]
    fn a_step_by_hand() {
        let e = Extents { b: 1, t: 1, n: 1, h: 1, reverse: false };
        let w = Weights { input: &[1.0, 2.0, 3.0, 4.0], hidden: &[9.0; 4], bias: &[0.1, 0.2, 0.3, 0.4] };
        let c = sigmoid(0.6f64) * (1.8f64).tanh();
        approx::assert_relative_eq!(forward(e, &[0.5], w)[0], sigmoid(2.4f64) * c.tanh(), max_relative = 1e-12);
    }
}
