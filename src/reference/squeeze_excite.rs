//! The gate of squeeze-excitation: m (b, c), w1 (r, c), w2 (c, r).

use super::Real;

/// Hidden values `h` and factors `s`.
pub fn forward<R: Real>([b, c, r]: [usize; 3], m: &[R], w1: &[R], w2: &[R]) -> (Vec<R>, Vec<R>) {
    let (mut h, mut s) = (vec![R::zero(); b * r], vec![R::zero(); b * c]);
    let one = R::of(1.0);
    for i in 0..b {
        for j in 0..r {
            for k in 0..c {
                h[i * r + j] += w1[j * c + k] * m[i * c + k];
            }
            h[i * r + j] = h[i * r + j].max(R::zero());
        }
        for k in 0..c {
            let mut z = R::zero();
            for j in 0..r {
                z += w2[k * r + j] * h[i * r + j];
            }
            s[i * c + k] = one / (one + (R::zero() - z).exp());
        }
    }
    (h, s)
}

/// `(dm, dw1, dw2)`.
pub fn backward([b, c, r]: [usize; 3], m: &[f64], w1: &[f64], w2: &[f64], ds: &[f64]) -> [Vec<f64>; 3] {
    let (h, s) = forward([b, c, r], m, w1, w2);
    let [mut dm, mut dw1, mut dw2] = [vec![0.0; b * c], vec![0.0; r * c], vec![0.0; r * c]];
    for i in 0..b {
        for j in 0..r {
            let mut dh = 0.0;
            for k in 0..c {
                let v = s[i * c + k];
                let z = ds[i * c + k] * v * (1.0 - v);
                dh += z * w2[k * r + j];
                dw2[k * r + j] += z * h[i * r + j];
            }
            if h[i * r + j] > 0.0 {
                for k in 0..c {
                    dm[i * c + k] += dh * w1[j * c + k];
                    dw1[j * c + k] += dh * m[i * c + k];
                }
            }
        }
    }
    [dm, dw1, dw2]
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let e = [3, 5, 2];
        let x = [noise(1, 15), noise(2, 10), noise(3, 10)];
        check_vjp(&x, |x| forward(e, &x[0], &x[1], &x[2]).1, |x, dy| backward(e, &x[0], &x[1], &x[2], dy).into_iter().map(Some).collect());
    }
}
