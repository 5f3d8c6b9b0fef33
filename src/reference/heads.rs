//! Attention heads out of and into the width of a sequence.

use super::Real;

/// Part `part` of (B, T, parts·H·D) as (B, H, T, D).
pub fn split<R: Real>([b, h, t, d]: [usize; 4], parts: usize, part: usize, x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); b * h * t * d];
    each([b, h, t, d], parts, part, |i, j| y[i] = x[j]);
    y
}

/// The inverse: adds (B, H, T, D) into its place in (B, T, parts·H·D).
pub fn merge<R: Real>([b, h, t, d]: [usize; 4], parts: usize, part: usize, y: &[R], x: &mut [R]) {
    each([b, h, t, d], parts, part, |i, j| x[j] += y[i]);
}

fn each([b, h, t, d]: [usize; 4], parts: usize, part: usize, mut f: impl FnMut(usize, usize)) {
    for n in 0..b {
        for head in 0..h {
            for token in 0..t {
                for e in 0..d {
                    f(((n * h + head) * t + token) * d + e, (n * t + token) * parts * h * d + (part * h + head) * d + e);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let e = [2, 3, 2, 2];
        let all = |x: &[f64]| -> Vec<f64> {
            let mut dx = vec![0.0; 72];
            (0..3).for_each(|p| merge(e, 3, p, &x[p * 24..][..24], &mut dx));
            dx
        };
        check_vjp(&[noise(1, 72)], |x| (0..3).flat_map(|p| split(e, 3, p, &x[0])).collect(), |_, dy| vec![Some(all(dy))]);
    }
}
