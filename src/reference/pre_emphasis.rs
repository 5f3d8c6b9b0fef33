//! Pre-emphasis of clips.

use super::Real;

/// `y[0] = x[0]`, `y[n] = x[n] − c·x[n−1]` within each clip of (batch, samples), zero behind it.
pub fn forward<R: Real>(samples: usize, lengths: &[usize], c: f64, x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); x.len()];
    for (b, &length) in lengths.iter().enumerate() {
        for n in 0..length {
            let at = b * samples + n;
            y[at] = if n == 0 { x[at] } else { x[at] - R::of(c) * x[at - 1] };
        }
    }
    y
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_constant_leaves_its_share() {
        assert_eq!(super::forward(4, &[3], 0.5, &[2.0, 2.0, 2.0, 9.0]), [2.0, 1.0, 1.0, 0.0]);
    }
}
