//! Reordering of axes.

use super::Real;

/// Axis `d` of the result is axis `dims[d]` of `x`.
pub fn forward<R: Real>(shape: &[usize], dims: &[usize], x: &[R]) -> Vec<R> {
    let out: Vec<usize> = dims.iter().map(|&d| shape[d]).collect();
    (0..x.len())
        .map(|i| {
            let (mut rest, mut from) = (i, 0);
            for d in (0..out.len()).rev() {
                from += rest % out[d] * shape[dims[d] + 1..].iter().product::<usize>();
                rest /= out[d];
            }
            x[from]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{check_vjp, noise};
    use super::*;

    #[test]
    fn the_inverse_order_is_the_vjp() {
        let backward = |dy: &[f64]| forward(&[4, 2, 3], &[1, 2, 0], dy);
        check_vjp(&[noise(1, 24)], |x| forward(&[2, 3, 4], &[2, 0, 1], &x[0]), |_, dy| vec![Some(backward(dy))]);
    }
}
