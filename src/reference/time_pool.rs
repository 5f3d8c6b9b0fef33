//! Mean and standard deviation over the valid positions of sequences, by weights.

use super::Real;

/// Weights of the first `own[b]` of `frames` positions of each sequence that make a plain mean; zeros behind.
pub fn plain(frames: usize, own: &[usize]) -> Vec<f64> {
    own.iter().flat_map(|&own| (0..frames).map(move |t| if t < own { 1.0 / own as f64 } else { 0.0 })).collect()
}

/// Means, then deviations of (frames, width), (B, 2, width): `Σ a x` and `√(Σ a (x − mean)²)` over the first `own[b]` positions.
pub fn forward<R: Real>((frames, width): (usize, usize), own: &[usize], a: &[R], x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); 2 * width * own.len()];
    for (b, &own) in own.iter().enumerate() {
        for d in 0..width {
            let value = |t: usize| x[(b * frames + t) * width + d];
            let weight = |t: usize| a[b * frames + t];
            let mean = (0..own).fold(R::zero(), |sum, t| sum + weight(t) * value(t));
            let squares = (0..own).fold(R::zero(), |sum, t| sum + weight(t) * (value(t) - mean) * (value(t) - mean));
            y[2 * b * width + d] = mean;
            // The root of zero has no derivative.
            y[(2 * b + 1) * width + d] = if squares > R::zero() { squares.sqrt() } else { R::zero() };
        }
    }
    y
}

/// Gradients of x and of the weights, the latter along weights that keep their sum, which is 1.
pub fn backward((frames, width): (usize, usize), own: &[usize], a: &[f64], x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let y = forward((frames, width), own, a, x);
    let (mut dx, mut da) = (vec![0.0; x.len()], vec![0.0; a.len()]);
    for (b, &own) in own.iter().enumerate() {
        for (t, d) in (0..own).flat_map(|t| (0..width).map(move |d| (t, d))) {
            let (mean, deviation) = (2 * b * width + d, (2 * b + 1) * width + d);
            let slope = if y[deviation] > 0.0 { dy[deviation] / y[deviation] } else { 0.0 };
            let (row, at) = (b * frames + t, (b * frames + t) * width + d);
            let e = x[at] - y[mean];
            dx[at] = a[row] * (dy[mean] + slope * e);
            da[row] += dy[mean] * x[at] + 0.5 * slope * e * e;
        }
    }
    (dx, da)
}

#[cfg(test)]
mod tests {
    use super::super::{Real, check_vjp, masked_softmax, noise};
    use super::*;

    #[test]
    fn vjp_is_the_derivative() {
        let (size, own) = ((4, 3), [4, 2, 0]);
        let real = |a: &[f64]| a.to_vec();
        let weights = plain(4, &own);
        check_vjp(
            &[noise(1, 36)],
            |x| forward(size, &own, &weights.iter().map(|w| Real::of(*w)).collect::<Vec<_>>(), &x[0]),
            |x, dy| vec![Some(backward(size, &own, &real(&weights), &x[0], dy).0)],
        );
        // Weights from a softmax keep their sum.
        check_vjp(
            &[noise(1, 36), noise(2, 12)],
            |x| forward(size, &own, &masked_softmax::forward(4, &own, &x[1]), &x[0]),
            |x, dy| {
                let a = masked_softmax::forward(4, &own, &x[1]);
                let (dx, da) = backward(size, &own, &a, &x[0], dy);
                vec![Some(dx), Some(masked_softmax::backward(4, &own, &a, &da))]
            },
        );
    }

    #[test]
    fn of_few_numbers() {
        let x = [1.0f64, 2.0, 5.0, 2.0, 9e9, 9e9, 7.0, 7.0, 9e9, 9e9, 9e9, 9e9];
        let own = [2, 1];
        assert_eq!(forward((3, 2), &own, &plain(3, &own), &x), [3.0, 2.0, 2.0, 0.0, 7.0, 7.0, 0.0, 0.0]);
        let (dx, _) = backward((3, 2), &own, &plain(3, &own), &x, &[1.0; 8]);
        assert_eq!(dx, [0.0, 0.5, 1.0, 0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
