//! Slopes over time.

use super::Real;

/// `scale · Σ_{n=1..4} n·(c[t+n] − c[t−n]) / 60` of each row of `frames`, of which row r's first `own(r)` count; zero behind them.
pub fn slope<R: Real>(frames: usize, own: impl Fn(usize) -> usize, scale: f64, x: &[R]) -> Vec<R> {
    let mut d = vec![R::zero(); x.len()];
    for row in 0..x.len() / frames {
        let own = own(row);
        for t in 0..own {
            let mut sum = R::zero();
            for n in 1..=4 {
                sum += R::of(n as f64) * (x[row * frames + (t + n).min(own - 1)] - x[row * frames + t.saturating_sub(n)]);
            }
            d[row * frames + t] = R::of(scale / 60.0) * sum;
        }
    }
    d
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_has_its_slope() {
        let x: Vec<f64> = (0..12).map(|t| 3.0 * f64::from(t)).collect();
        let d = super::slope(12, |_| 11, 1.0, &x);
        assert!((4..7).all(|t| (d[t] - 3.0).abs() < 1e-12) && d[0] < 3.0 && d[11] == 0.0, "{d:?}");
    }
}
