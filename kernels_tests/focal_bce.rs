//! Arguments of the focal loss that are refused.

use emotone::graph::Graph;
use emotone::ops;

#[test]
fn wrong_attributes_are_refused() {
    let mut g = Graph::new();
    let (z, one) = (g.input("z", [4, 3]), g.input("one", [4, 1]));
    let message = |r: emotone::Result<_>| r.map(|_| ()).unwrap_err().to_string();
    assert!(message(ops::focal_bce(&mut g, one, one, None, 2.0, 0.1)).contains("at least 2 classes"));
    assert!(message(ops::focal_bce(&mut g, z, z, None, -1.0, 0.1)).contains("gamma"));
    assert!(message(ops::focal_bce(&mut g, z, z, None, 2.0, -0.1)).contains("label smoothing"));
}
