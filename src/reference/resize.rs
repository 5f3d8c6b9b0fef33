//! Resampling of images.

use super::Real;

/// How pixels are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The nearest value.
    Nearest,
    /// Linear between four neighbours.
    Bilinear,
    /// The mean over the pixel's area.
    Area,
}

/// Weights of the samples that make output `o` of `m` on an axis of `n`.
fn taps(filter: Filter, o: usize, n: usize, m: usize) -> Vec<(usize, f64)> {
    match filter {
        Filter::Nearest => vec![(o * n / m, 1.0)],
        Filter::Bilinear => {
            let s = ((o as f64 + 0.5) * n as f64 / m as f64 - 0.5).max(0.0);
            let low = s.floor() as usize;
            vec![(low, 1.0 - s.fract()), ((low + 1).min(n - 1), s.fract())]
        }
        Filter::Area => {
            let (from, to) = (o * n / m, ((o + 1) * n).div_ceil(m));
            (from..to).map(|i| (i, 1.0 / (to - from) as f64)).collect()
        }
    }
}

/// Resamples planes of `from` rows and columns to `to`, as if a plane had `width` columns of which it has `own`, the others zero;
/// `columns(plane)` gives (own, width). A plane of width 0 becomes zero.
pub fn forward<R: Real>(
    filter: Filter,
    from: (usize, usize),
    to: (usize, usize),
    columns: impl Fn(usize) -> (usize, usize),
    x: &[R],
) -> Vec<R> {
    let planes = x.len() / (from.0 * from.1);
    let mut y = vec![R::zero(); planes * to.0 * to.1];
    for plane in 0..planes {
        let (own, width) = columns(plane);
        for (row, col) in (0..to.0).flat_map(|r| (0..to.1).map(move |c| (r, c))).filter(|_| width > 0) {
            let mut sum = R::zero();
            for (i, v) in taps(filter, row, from.0, to.0) {
                for (j, h) in taps(filter, col, width, to.1) {
                    if j < own {
                        sum += R::of(v * h) * x[(plane * from.0 + i) * from.1 + j];
                    }
                }
            }
            y[(plane * to.0 + row) * to.1 + col] = sum;
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_samples_to_two_and_six() {
        let x = [1.0, 2.0, 4.0];
        let to = |filter, m| forward(filter, (1, 3), (1, m), |_| (3, 3), &x);
        assert_eq!(to(Filter::Nearest, 2), [1.0, 2.0]);
        assert_eq!(to(Filter::Area, 2), [1.5, 3.0]);
        assert_eq!(to(Filter::Bilinear, 2), [1.25, 3.5]);
        assert_eq!(to(Filter::Bilinear, 6), [1.0, 1.25, 1.75, 2.5, 3.5, 4.0]);
        assert_eq!(forward(Filter::Nearest, (1, 3), (1, 4), |_| (2, 4), &x), [1.0, 2.0, 0.0, 0.0]);
    }
}
