//! Batched matrix products of contiguous operands, each optionally stored transposed.

use super::Real;

/// Extents and transposes of `c (batch, m, n) = op(a) · op(b)`.
#[derive(Debug, Clone, Copy)]
pub struct Extents {
    /// Number of products.
    pub batch: usize,
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    /// Length of the sums.
    pub k: usize,
    /// Whether a, b are stored transposed.
    pub transposed: [bool; 2],
}

impl Extents {
    fn a(&self, z: usize, m: usize, k: usize) -> usize {
        z * self.m * self.k + if self.transposed[0] { k * self.m + m } else { m * self.k + k }
    }
    fn b(&self, z: usize, k: usize, n: usize) -> usize {
        z * self.k * self.n + if self.transposed[1] { n * self.k + k } else { k * self.n + n }
    }
    fn each(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        for z in 0..self.batch {
            for m in 0..self.m {
                for n in 0..self.n {
                    for k in 0..self.k {
                        f((z * self.m + m) * self.n + n, self.a(z, m, k), self.b(z, k, n), n);
                    }
                }
            }
        }
    }
}

/// `c = Σ_k a·b`.
pub fn forward<R: Real>(e: Extents, a: &[R], b: &[R]) -> Vec<R> {
    let mut c = vec![R::zero(); e.batch * e.m * e.n];
    e.each(|i, ia, ib, _| c[i] += a[ia] * b[ib]);
    c
}

/// `(da, db)`.
pub fn backward(e: Extents, a: &[f64], b: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut da, mut db) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    e.each(|i, ia, ib, _| {
        da[ia] += dy[i] * b[ib];
        db[ib] += dy[i] * a[ia];
    });
    (da, db)
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for transposed in [[false, false], [true, false], [false, true], [true, true]] {
            let e = Extents { batch: 2, m: 3, n: 4, k: 5, transposed };
            let x = [noise(1, 30), noise(2, 40)];
            check_vjp(
                &x,
                |x| forward(e, &x[0], &x[1]),
                |x, dy| {
                    let (da, db) = backward(e, &x[0], &x[1], dy);
                    vec![Some(da), Some(db)]
                },
            );
        }
    }
}
