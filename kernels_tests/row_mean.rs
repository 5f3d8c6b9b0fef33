//! Weights of another length.

use emotone::ops;

#[test]
fn wrong_shapes_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let (l, w) = (g.input("l", [4]), g.input("w", [5]));
    let e = ops::row_mean(&mut g, l, Some(w)).unwrap_err().to_string();
    assert!(e.contains("row_mean") && e.contains("(4)") && e.contains("(5)"), "{e}");
}
