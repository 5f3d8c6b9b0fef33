//! Mean and population standard deviation over time.

use super::Real;

/// Means, then deviations of the first `own[b]` of `frames` values of each of `rows` rows of clip b: (B, 2, rows); zeros where there are none.
pub fn forward<R: Real>((rows, frames): (usize, usize), own: &[usize], x: &[R]) -> Vec<R> {
    let mut y = vec![R::zero(); 2 * rows * own.len()];
    for (b, &own) in own.iter().enumerate().filter(|(_, own)| **own > 0) {
        for m in 0..rows {
            let row = &x[(b * rows + m) * frames..][..own];
            let count = R::of(own as f64);
            let mean = row.iter().fold(R::zero(), |sum, &v| sum + v) / count;
            let squares = row.iter().fold(R::zero(), |sum, &v| sum + (v - mean) * (v - mean));
            y[2 * b * rows + m] = mean;
            y[(2 * b + 1) * rows + m] = (squares / count).sqrt();
        }
    }
    y
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_few_numbers() {
        let x = [1.0, 5.0, 9e9, 2.0, 2.0, 9e9, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0];
        assert_eq!(super::forward((2, 3), &[2, 0], &x), [3.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
