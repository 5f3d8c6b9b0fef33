//! Arguments of updates in place that are refused.

use emotone::graph::Graph;
use emotone::ops;

#[test]
fn wrong_arguments_are_refused() {
    let mut g = Graph::new();
    let (a, b) = (g.input("a", [4]), g.input("b", [5]));
    assert!(ops::accumulate(&mut g, a, b, 1.0).unwrap_err().to_string().contains("accumulate: expected (4), got (5)"));
    assert!(ops::ema(&mut g, a, a, 1.5).unwrap_err().to_string().contains("decay"));
}
