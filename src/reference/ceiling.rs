//! Chains of multiply-adds.

/// Sum of `chains` chains that start at `lane`, `lane + 1`, .. after `steps` steps `a ← a·x + b`.
pub fn fma(lane: usize, chains: usize, steps: usize, x: f64, b: f64) -> f64 {
    (0..chains).map(|c| (0..steps).fold((lane + c) as f64, |a, _| a * x + b)).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_chain_is_a_geometric_series() {
        assert_eq!(super::fma(1, 2, 3, 2.0, 1.0), (8.0 + 7.0) + (16.0 + 7.0));
    }
}
