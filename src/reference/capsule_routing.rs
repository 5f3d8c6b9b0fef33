//! Routing by agreement between capsules.

use super::{Real, squash};

/// Images, outputs, capsules, length of an output's vector, length of a capsule's.
pub type Extents = [usize; 5];

/// Predictions `û[b,j,n,o] = Σ_i w[j,n,o,i] u[b,n,i]`.
fn predictions<R: Real>([batch, outputs, capsules, size, inner]: Extents, u: &[R], w: &[R]) -> Vec<R> {
    let rows = outputs * capsules * size;
    let of = |at: usize| {
        let (b, row) = (at / rows, at % rows);
        let from = (b * capsules + row / size % capsules) * inner;
        let mut sum = R::zero();
        (0..inner).for_each(|i| sum += w[row * inner + i] * u[from + i]);
        sum
    };
    (0..batch * rows).map(of).collect()
}

/// `squash(Σ_n c[b,j,n] û[b,j,n])`.
fn weighted<R: Real>([batch, outputs, capsules, size, _]: Extents, said: &[R], c: &[f64]) -> Vec<R> {
    let mut s = vec![R::zero(); batch * outputs * size];
    for (row, &c) in c.iter().enumerate() {
        for o in 0..size {
            s[row / capsules * size + o] += R::of(c) * said[row * size + o];
        }
    }
    squash::forward(size, &s)
}

/// Coefficients (B, J, N) of the last iteration, by the logits of the textbook: `b += û·v` after each iteration but the last.
pub fn coefficients(e: Extents, iterations: usize, u: &[f64], w: &[f64]) -> Vec<f64> {
    let [batch, outputs, capsules, size, _] = e;
    let said = predictions(e, u, w);
    let mut logits = vec![0.0; batch * outputs * capsules];
    let softmax = |logits: &[f64]| {
        let column = |row: usize| row / (outputs * capsules) * outputs * capsules + row % capsules;
        let all = |row: usize| (0..outputs).map(|j| logits[column(row) + j * capsules].exp()).sum::<f64>();
        (0..logits.len()).map(|row| logits[row].exp() / all(row)).collect::<Vec<f64>>()
    };
    for _ in 1..iterations {
        let v = weighted(e, &said, &softmax(&logits));
        for (row, logit) in logits.iter_mut().enumerate() {
            *logit += (0..size).map(|o| said[row * size + o] * v[row / capsules * size + o]).sum::<f64>();
        }
    }
    softmax(&logits)
}

/// The outputs (B, J, O) with coefficients `c`.
pub fn forward<R: Real>(e: Extents, c: &[f64], u: &[R], w: &[R]) -> Vec<R> {
    weighted(e, &predictions(e, u, w), c)
}

/// `(du, dw)` with coefficients `c` held fixed.
pub fn backward(e: Extents, c: &[f64], u: &[f64], w: &[f64], dv: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let [_, outputs, capsules, size, inner] = e;
    let said = predictions(e, u, w);
    let mut s = vec![0.0; dv.len()];
    for at in 0..said.len() {
        s[at / (size * capsules) * size + at % size] += c[at / size] * said[at];
    }
    let ds = squash::backward(size, &s, dv);
    let (mut du, mut dw) = (vec![0.0; u.len()], vec![0.0; w.len()]);
    let rows = outputs * capsules * size;
    for at in 0..said.len() {
        let dsaid = c[at / size] * ds[at / (size * capsules) * size + at % size];
        let from = (at / rows * capsules + at / size % capsules) * inner;
        for i in 0..inner {
            du[from + i] += dsaid * w[at % rows * inner + i];
            dw[at % rows * inner + i] += dsaid * u[from + i];
        }
    }
    (du, dw)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative_with_fixed_coefficients() {
        let e = [2, 3, 7, 5, 4];
        let (u, w) = (noise(1, 2 * 7 * 4), noise(2, 3 * 7 * 5 * 4));
        let c = coefficients(e, 3, &u, &w);
        let vjp = |x: &[Vec<f64>], dv: &[f64]| {
            let (du, dw) = backward(e, &c, &x[0], &x[1], dv);
            vec![Some(du), Some(dw)]
        };
        check_vjp(&[u.clone(), w.clone()], |x| forward(e, &c, &x[0], &x[1]), vjp);
    }

    #[test]
    fn capsules_that_agree_are_routed_together() {
        // Three capsules of one value that predict (1), (1), (-1) for output 0 and (0) for output 1.
        let e = [1, 2, 3, 1, 1];
        let c = coefficients(e, 3, &[1.0; 3], &[1.0, 1.0, -1.0, 0.0, 0.0, 0.0]);
        assert!(c[0] > 0.5 && c[0] == c[1] && c[2] < 0.5, "{c:?}");
        assert!((0..3).all(|n| (c[n] + c[3 + n] - 1.0).abs() < 1e-12), "{c:?}");
        assert_eq!(coefficients(e, 1, &[1.0; 3], &[1.0; 6]), [0.5; 6]);
    }
}
