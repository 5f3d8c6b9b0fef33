//! Global norm and clipping factor.

/// `(√Σ x², min(1, max_norm / (√Σ x² + 1e-6)))`.
pub fn forward(x: &[f64], max_norm: f64) -> (f64, f64) {
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    (norm, (max_norm / (norm + 1e-6)).min(1.0))
}

#[cfg(test)]
mod tests {
    #[test]
    fn clipped_gradients_have_the_norm_asked_for() {
        let (norm, scale) = super::forward(&[3.0, 4.0], 1.0);
        assert!((norm - 5.0).abs() < 1e-12 && (norm * scale - 1.0).abs() < 1e-6);
        assert_eq!(super::forward(&[3.0, 4.0], 6.0).1, 1.0);
    }
}
