//! Decibels with a floor below each clip's maximum.

use super::Real;

/// What the values are and what their decibels refer to.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Square first.
    pub squared: bool,
    /// Less the clip's maximum.
    pub relative: bool,
    /// Decibels between the clip's maximum and the floor.
    pub range: f64,
}

/// Decibels of (batch, bands, frames), of which clip b's first `valid[b]` frames count and the others become zero.
pub fn forward<R: Real>((bands, frames): (usize, usize), valid: &[usize], scale: &Scale, x: &[R]) -> Vec<R> {
    let level = |v: R| {
        let v = if scale.squared { v * v } else { v };
        R::of(10.0 / 10f64.ln()) * v.max(R::of(1e-10)).ln()
    };
    let mut y = vec![R::zero(); x.len()];
    for (b, &valid) in valid.iter().enumerate() {
        let own: Vec<usize> = (0..bands).flat_map(|m| (0..valid).map(move |t| (b * bands + m) * frames + t)).collect();
        let most = own.iter().fold(level(R::zero()), |most, &i| most.max(level(x[i])));
        let shift = if scale.relative { most } else { R::zero() };
        for i in own {
            y[i] = (level(x[i]) - shift).max(most - shift - R::of(scale.range));
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_ten_decibels_and_silence_is_the_maximum() {
        let scale = Scale { squared: false, relative: true, range: 80.0 };
        let y = forward((1, 3), &[2], &scale, &[1.0, 0.1, 7.0]);
        assert!((y[0] - 0.0f64).abs() < 1e-12 && (y[1] + 10.0).abs() < 1e-12 && y[2] == 0.0, "{y:?}");
        assert_eq!(forward((1, 2), &[2], &scale, &[0.0, 0.0]), [0.0, 0.0]);
    }
}
