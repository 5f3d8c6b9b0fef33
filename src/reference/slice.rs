//! Slices of (outer, n, inner) along the middle.

use super::Real;

/// `part[o,j,i] = x[o, start + j, i]`.
pub fn take<R: Real>((outer, n, inner): (usize, usize, usize), start: usize, m: usize, x: &[R]) -> Vec<R> {
    (0..outer).flat_map(|o| x[(o * n + start) * inner..(o * n + start + m) * inner].to_vec()).collect()
}

/// The part in its place in zeros.
pub fn pad((outer, n, inner): (usize, usize, usize), start: usize, m: usize, part: &[f64]) -> Vec<f64> {
    let mut whole = vec![0.0; outer * n * inner];
    for o in 0..outer {
        whole[(o * n + start) * inner..(o * n + start + m) * inner].copy_from_slice(&part[o * m * inner..(o + 1) * m * inner]);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let around = (2, 5, 3);
        check_vjp(&[noise(1, 30)], |x| take(around, 1, 3, &x[0]), |_, dy| vec![Some(pad(around, 1, 3, dy))]);
    }
}
