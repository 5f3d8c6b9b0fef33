//! Batch norm of NaNs, and which of its passes run.

use crate::case::{device, outputs, values};
use emotone::compile::{Options, Plan};
use emotone::graph::{Graph, Var};
use emotone::ops;

#[test]
fn relu_keeps_a_nan() {
    let x = [1.0, 2.0, -5.0, 3.0, f32::NAN, -f32::NAN, 0.5, -0.5];
    let one = |v| values([1], &[v]);
    let inputs = [values([1, 1, 8], &x), one(1.0), one(0.0), one(0.0), one(1.0)];
    let y = outputs(inputs, |g, x| ops::batch_norm_eval(g, x[0], [x[1], x[2]], [x[3], x[4]], 0.0, true));
    let Some(y) = y else { return };
    for (x, y) in x.iter().zip(&y[0]) {
        assert!(x.is_nan() == y.is_nan() && (x.is_nan() || (y - x.max(0.0)).abs() < 1e-6), "relu of {x} is {y}");
    }
}

/// A graph with an upstream gradient for y: the inputs, y and dy.
fn normalised(relu: bool, train: bool) -> (Graph, Vec<Var>, Var, Var) {
    let mut g = Graph::new();
    let mut v: Vec<Var> = vec![g.input("x", [2, 3, 5])];
    v.extend(["w", "b", "m", "v"].map(|name| g.input(name, [3])));
    let y = match train {
        true => ops::batch_norm_train(&mut g, v[0], v[1], v[2], 1e-5, relu).expect("train").0,
        false => ops::batch_norm_eval(&mut g, v[0], [v[1], v[2]], [v[3], v[4]], 1e-5, relu).expect("eval"),
    };
    let dy = g.input("dy", [2, 3, 5]);
    (g, v, y, dy)
}

#[test]
fn the_backward_pass_keeps_the_result_only_for_relu() {
    for (relu, train) in [(false, true), (true, true), (false, false), (true, false)] {
        let (mut g, v, y, dy) = normalised(relu, train);
        ops::grad_from(&mut g, &[(y, dy)], &v[..3]).expect("gradients");
        let readers = g.nodes().iter().filter(|n| n.inputs.contains(&y)).count();
        assert_eq!(readers > 0, relu, "relu {relu}, train {train}: {readers} nodes read y");
    }
}

#[test]
fn sums_run_where_they_are_needed() {
    let Some(device) = device() else { return };
    for (train, wanted, sums) in [(true, 0..1, true), (false, 0..1, false), (false, 0..2, true), (false, 2..3, true)] {
        let (mut g, v, y, dy) = normalised(true, train);
        for (i, d) in ops::grad_from(&mut g, &[(y, dy)], &v[wanted.clone()]).expect("gradients").into_iter().enumerate() {
            g.output(&format!("d{i}"), d);
        }
        let plan = Plan::new(&g, &device, Options::default()).expect("plan");
        let run = plan.nodes.iter().any(|r| plan.label(r.node).1 == "batch_norm_bwd_params");
        assert_eq!(run, sums, "train {train}, gradients of inputs {wanted:?}");
    }
}

#[test]
fn a_gradient_through_the_statistics_is_refused() {
    for (which, name) in [(1, "mean"), (2, "rstd")] {
        let mut g = Graph::new();
        let (x, w, b) = (g.input("x", [2, 3, 5]), g.input("w", [3]), g.input("b", [3]));
        let out = ops::batch_norm_train(&mut g, x, w, b, 1e-5, true).expect("batch norm");
        let loss = ops::sum(&mut g, [out.0, out.1, out.2][which], 0).expect("sum");
        let error = ops::grad(&mut g, loss, &[x]).expect_err("a gradient").to_string();
        assert!(error.contains("batch_norm_train") && error.contains(name), "{error}");
    }
}
