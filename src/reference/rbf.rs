//! Gaussian kernel matrices.

use super::Real;

/// `exp(−gamma |x[i] − y[j]|²)` of vectors of `d` values.
pub fn forward<R: Real>(d: usize, gamma: f64, x: &[R], y: &[R]) -> Vec<R> {
    let distance = |a: &[R], b: &[R]| {
        let mut s = R::zero();
        a.iter().zip(b).for_each(|(&a, &b)| s += (a - b) * (a - b));
        s
    };
    x.chunks(d).flat_map(|a| y.chunks(d).map(move |b| (-(R::of(gamma) * distance(a, b))).exp())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(forward(2, 0.5, &[0.0, 0.0, 3.0, 4.0], &[0.0, 0.0]), [1.0, (-12.5f64).exp()]);
    }
}
