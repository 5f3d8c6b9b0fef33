//! Operands that cannot be repeated, and gradients that are stopped.

use emotone::graph::{Graph, Shape};
use emotone::ops;

#[test]
fn what_cannot_be_repeated_is_named() {
    for (a, b) in [(vec![4, 5, 6], vec![4, 1, 6]), (vec![4, 5], vec![4]), (vec![4, 5], vec![2, 5]), (vec![1, 5], vec![5, 1])] {
        let mut g = Graph::new();
        let x = [g.input("a", a.clone()), g.input("b", b.clone())];
        for got in [ops::add(&mut g, x[0], x[1]), ops::mul(&mut g, x[1], x[0])] {
            let message = got.err().map(|e| e.to_string()).unwrap_or_default();
            let named = [&a, &b].iter().all(|s| message.contains(&Shape((*s).clone()).to_string()));
            assert!(named, "{a:?} and {b:?}: {message}");
        }
    }
}

#[test]
fn nothing_depends_on_what_is_stopped() {
    let mut g = Graph::new();
    let x = g.input("x", [1]);
    let y = ops::stop_gradient(&mut g, x).expect("view");
    assert!(ops::grad(&mut g, y, &[x]).is_err(), "nothing differentiable depends on x");
}
