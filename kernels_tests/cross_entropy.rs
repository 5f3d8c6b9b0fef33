//! Arguments of cross-entropy that are refused.

use emotone::graph::Graph;
use emotone::ops;

#[test]
fn wrong_shapes_are_refused() {
    let mut g = Graph::new();
    let (z, t, flat) = (g.input("z", [4, 3]), g.input("t", [4, 2]), g.input("f", [4]));
    let message = |r: emotone::Result<_>| r.map(|_| ()).unwrap_err().to_string();
    assert!(message(ops::cross_entropy(&mut g, z, t, None, 0.1)).contains("cross_entropy: expected (4, 3), got (4, 2)"));
    assert!(message(ops::cross_entropy(&mut g, flat, flat, None, 0.1)).contains("2 dimensions"));
    assert!(message(ops::cross_entropy(&mut g, z, z, None, 1.5)).contains("label smoothing"));
    assert!(message(ops::cross_entropy(&mut g, z, z, None, f32::NAN)).contains("label smoothing"));
}
