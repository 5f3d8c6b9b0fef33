//! Updates of what is not state, and of other shapes.

use crate::case::device;
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::ops::{self, OPTIMISER_SCALARS};

#[test]
fn only_state_may_be_overwritten() {
    let Some(device) = device() else { return };
    let mut g = Graph::new();
    let [w, d, m, v] = ["w", "d", "m", "v"].map(|name| g.input(name, [4]));
    let scalars = g.input("scalars", [OPTIMISER_SCALARS]);
    ops::adamw(&mut g, w, d, m, v, scalars, None).expect("shapes");
    let e = Program::new(&g, &States::new(&device), Options::default()).err().expect("an error").to_string();
    assert!(e.contains("adamw") && e.contains("not state"), "{e}");
}

#[test]
fn wrong_shapes_are_refused() {
    let mut g = Graph::new();
    let [a, b] = [4, 5].map(|n| g.input("x", [n]));
    let scalars = g.input("scalars", [OPTIMISER_SCALARS]);
    let message = |r: emotone::Result<()>| r.unwrap_err().to_string();
    assert!(message(ops::adamw(&mut g, a, b, a, a, scalars, None)).contains("adamw: expected (4), got (5)"));
    assert!(message(ops::sgd(&mut g, a, a, a, b, None)).contains("optimiser scalars (8)"));
    assert!(message(ops::rmsprop(&mut g, a, a, a, a, scalars, Some(b))).contains("clip scale"));
}
