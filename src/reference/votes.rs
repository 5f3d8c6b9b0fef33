//! Votes of one-vs-one machines.

/// How many of the machines (i, j) of each row speak for each of `classes`.
pub fn forward(classes: usize, decision: &[f64]) -> Vec<f64> {
    let pairs: Vec<(usize, usize)> = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j))).collect();
    let mut votes = Vec::new();
    for row in decision.chunks(pairs.len()) {
        let mut v = vec![0.0; classes];
        row.iter().zip(&pairs).for_each(|(d, (i, j))| v[if *d > 0.0 { *i } else { *j }] += 1.0);
        votes.extend(v);
    }
    votes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_one_vote() {
        assert_eq!(forward(3, &[1.0, -1.0, 0.0, 2.0, 2.0, 2.0]), [1.0, 0.0, 2.0, 2.0, 1.0, 0.0]);
    }
}
