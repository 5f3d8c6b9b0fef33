//! Product with a bank of band filters.

use super::Real;

/// `y[b,m,t] = Σ_j w_m[j] · x[b, start_m + j, t]` of `x` (batch, bins, frames).
pub fn forward<R: Real>((batch, bins, frames): (usize, usize, usize), filters: &[(usize, Vec<f64>)], x: &[R]) -> Vec<R> {
    let mut y = Vec::with_capacity(batch * filters.len() * frames);
    for b in 0..batch {
        for (start, weights) in filters {
            for t in 0..frames {
                let mut sum = R::zero();
                for (j, &w) in weights.iter().enumerate() {
                    sum += R::of(w) * x[(b * bins + start + j) * frames + t];
                }
                y.push(sum);
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_weight_selects_a_bin() {
        assert_eq!(super::forward((1, 3, 2), &[(1, vec![2.0]), (2, vec![])], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [6.0, 8.0, 0.0, 0.0]);
    }
}
