//! Weighted sums of two images.

use super::Real;

/// `v·x1 + u·x2` where row i of `x1` meets row `partner[i]` of `x2` if `on[i]`; `weight(i, t)` gives (v, u) at column t of `cols`.
pub fn forward<R: Real>(
    (lines, cols): (usize, usize),
    partner: &[usize],
    on: &[bool],
    weight: impl Fn(usize, usize) -> (f64, f64),
    x1: &[R],
    x2: &[R],
) -> Vec<R> {
    let row = lines * cols;
    let at = |k: usize| {
        let (i, rest) = (k / row, k % row);
        let (v, u) = weight(i, rest % cols);
        if on[i] { R::of(v) * x1[k] + R::of(u) * x2[partner[i] * row + rest] } else { x1[k] }
    };
    (0..x1.len()).map(at).collect()
}

/// Weights of Horizontal Mixup: `(min(1, w), max(0, 1 − w))`, `w = c·(a + b·t/T)`.
pub fn curve((a, b, c): (f64, f64, f64), t: usize, cols: usize) -> (f64, f64) {
    let w = c * (a + b * t as f64 / cols as f64);
    (w.min(1.0), (1.0 - w).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_image_takes_over() {
        let y = forward((1, 4), &[0], &[true], |_, t| curve((0.0, 2.0, 1.0), t, 4), &[1.0; 4], &[0.0; 4]);
        assert_eq!(y, [0.0, 0.5, 1.0, 1.0]);
    }
}
