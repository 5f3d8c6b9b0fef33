//! Sum and product of a (outer, n, inner) and b (n), which is repeated.

use super::Real;

/// `a[o,j,i] + b[j]`, or with `product` `a[o,j,i] · b[j]`.
pub fn broadcast<R: Real>((outer, n, inner): (usize, usize, usize), product: bool, a: &[R], b: &[R]) -> Vec<R> {
    let mut y = Vec::with_capacity(outer * n * inner);
    for o in 0..outer {
        for (j, &b) in b.iter().enumerate() {
            for &a in &a[(o * n + j) * inner..][..inner] {
                y.push(if product { a * b } else { a + b });
            }
        }
    }
    y
}

/// `(da, db)`.
pub fn broadcast_backward(around: (usize, usize, usize), product: bool, a: &[f64], b: &[f64], dy: &[f64]) -> [Vec<f64>; 2] {
    let (outer, n, inner) = around;
    let mut db = vec![0.0; n];
    for o in 0..outer {
        for (j, db) in db.iter_mut().enumerate() {
            for k in (o * n + j) * inner..(o * n + j + 1) * inner {
                *db += if product { dy[k] * a[k] } else { dy[k] };
            }
        }
    }
    let da = if product { broadcast(around, true, dy, b) } else { dy.to_vec() };
    [da, db]
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        for around in [(3, 4, 5), (1, 4, 3), (3, 4, 1), (1, 1, 7)] {
            for product in [false, true] {
                let x = [noise(1, around.0 * around.1 * around.2), noise(2, around.1)];
                let backward = |x: &[Vec<f64>], dy: &[f64]| broadcast_backward(around, product, &x[0], &x[1], dy).map(Some).to_vec();
                check_vjp(&x, |x| broadcast(around, product, &x[0], &x[1]), backward);
            }
        }
    }
}
