//! Cases of `batch_norm.wgsl`: batch_norm_stats batch_norm_fwd batch_norm_bwd_params batch_norm_bwd_coefficients batch_norm_bwd
//! batch_norm_running.

use crate::case::{In, check, device, given, normal, outputs, tol};
use emotone::compile::{Options, Plan};
use emotone::graph::{Graph, Var};
use emotone::ops;
use emotone::reference::{batch_norm as reference, noise};

const EPS: f64 = 1e-5;

/// Far from zero against its deviation, where a one-pass variance would fail.
fn x(shape: [usize; 3]) -> In {
    let mut x = normal(1, shape);
    x.values.iter_mut().for_each(|v| *v = f64::from((*v + 40.0) as f32));
    x
}

#[test]
fn train_and_eval_with_and_without_relu() {
    for e in [(2, 1, 1), (5, 3, 7), (2, 7, 64), (3, 33, 9), (2, 4, 131), (4, 33, 6), (3, 43, 5), (1, 3, 130)] {
        for (relu, train) in [(false, true), (true, true), (false, false), (true, false)] {
            let (mean, var) = (vec![40.1; e.1], noise(9, e.1).iter().map(|v| 0.5 + v * v).collect::<Vec<f64>>());
            let mut inputs = vec![x([e.0, e.1, e.2]), normal(2, [e.1]), normal(3, [e.1])];
            if !train {
                inputs.extend([given([e.1], &mean), given([e.1], &var)]);
            }
            let stats = |x: &[Vec<f64>]| if train { reference::statistics(e, &x[0]) } else { (x[3].clone(), x[4].clone()) };
            check(
                &format!("batch norm {e:?} relu {relu} train {train}"),
                // Two roundings of x − μ at μ = 40, on values of order one, and a sum.
                if train { 10.0 * tol::SUM } else { tol::SUM },
                &inputs,
                |g, x| {
                    Ok(vec![match train {
                        true => ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, relu)?.0,
                        false => ops::batch_norm_eval(g, x[0], x[1], x[2], x[3], x[4], EPS as f32, relu)?,
                    }])
                },
                |x| {
                    let (m, v) = stats(x);
                    vec![reference::forward(e, &x[0], &x[1], &x[2], &m, &v, EPS, relu)]
                },
                |x, dy| {
                    let (m, v) = stats(x);
                    let (dx, dw, db) = reference::backward(e, &x[0], &x[1], &x[2], &m, &v, EPS, relu, train, &dy[0]);
                    let mut all = vec![Some(dx), Some(dw), Some(db)];
                    all.resize(x.len(), None);
                    all
                },
            );
        }
    }
}

#[test]
fn running_statistics_are_unbiased() {
    let e = (3, 5, 7);
    let mut inputs = vec![x([e.0, e.1, e.2]), normal(2, [e.1]), normal(3, [e.1])];
    inputs.extend([normal(4, [e.1]), given([e.1], &[0.7; 5])]);
    inputs.iter_mut().for_each(|i| i.diff = false);
    check(
        "running statistics",
        tol::SUM,
        &inputs,
        |g, x| {
            let (_, mean, rstd) = ops::batch_norm_train(g, x[0], x[1], x[2], EPS as f32, false)?;
            let (m, v) = ops::batch_norm_running(g, x[3], x[4], mean, rstd, e.0 * e.2, 0.1, EPS as f32)?;
            Ok(vec![m, v])
        },
        |x| {
            let (mean, var) = reference::statistics(e, &x[0]);
            let n = (e.0 * e.2) as f64;
            let m = (0..e.1).map(|c| 0.9 * x[3][c] + 0.1 * mean[c]).collect();
            let v = (0..e.1).map(|c| 0.9 * x[4][c] + 0.1 * var[c] * n / (n - 1.0)).collect();
            vec![m, v]
        },
        |x, _| vec![None; x.len()],
    );
}

#[test]
fn relu_keeps_a_nan() {
    let x = [1.0, 2.0, -5.0, 3.0, f32::NAN, -f32::NAN, 0.5, -0.5];
    let (one, zero) = ([1.0f32], [0.0f32]);
    let operand = |v| ([1].into(), v);
    let inputs = [([1, 1, 8].into(), &x[..]), operand(&one[..]), operand(&zero[..]), operand(&zero[..]), operand(&one[..])];
    let y = outputs(&inputs, |g, x| Ok(vec![ops::batch_norm_eval(g, x[0], x[1], x[2], x[3], x[4], 0.0, true)?]));
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
        false => ops::batch_norm_eval(&mut g, v[0], v[1], v[2], v[3], v[4], 1e-5, relu).expect("eval"),
    };
    let dy = g.input("dy", [2, 3, 5]);
    (g, v, y, dy)
}

#[test]
fn the_backward_pass_keeps_the_result_only_for_relu() {
    for (relu, train) in [(false, true), (true, true), (false, false), (true, false)] {
        let (mut g, v, y, dy) = normalised(relu, train);
        g.grad_from(&[(y, dy)], &v[..3]).expect("gradients");
        let readers = g.nodes().iter().filter(|n| n.inputs.contains(&y)).count();
        assert_eq!(readers > 0, relu, "relu {relu}, train {train}: {readers} nodes read y");
    }
}

#[test]
fn sums_run_where_they_are_needed() {
    let Some(device) = device() else { return };
    for (train, wanted, sums) in [(true, 0..1, true), (false, 0..1, false), (false, 0..2, true), (false, 2..3, true)] {
        let (mut g, v, y, dy) = normalised(true, train);
        for (i, d) in g.grad_from(&[(y, dy)], &v[wanted.clone()]).expect("gradients").into_iter().enumerate() {
            g.output(&format!("d{i}"), d);
        }
        let plan = Plan::new(&g, &device, Options::default()).expect("plan");
        let run = plan.rows.iter().any(|r| plan.label(r.node).1 == "batch_norm_bwd_params");
        assert_eq!(run, sums, "train {train}, gradients of inputs {wanted:?}");
    }
}

/// Sums go unread in evaluation: dx must be right without them too.
#[test]
fn the_input_gradient_alone_in_evaluation() {
    let e = (3, 5, 9);
    let (mean, var) = (noise(8, 5), vec![0.7; 5]);
    let fixed = [given([5], &noise(2, 5)), given([5], &noise(3, 5)), given([5], &mean), given([5], &var)];
    check(
        "dx alone",
        tol::SUM,
        &[vec![normal(1, [3, 5, 9])], fixed.into()].into_iter().flatten().collect::<Vec<In>>(),
        |g, x| Ok(vec![ops::batch_norm_eval(g, x[0], x[1], x[2], x[3], x[4], EPS as f32, true)?]),
        |x| vec![reference::forward(e, &x[0], &x[1], &x[2], &x[3], &x[4], EPS, true)],
        |x, dy| {
            let (dx, _, _) = reference::backward(e, &x[0], &x[1], &x[2], &x[3], &x[4], EPS, true, false, &dy[0]);
            vec![Some(dx), None, None, None, None]
        },
    );
}

#[test]
fn a_gradient_through_the_statistics_is_refused() {
    for (which, name) in [(1, "mean"), (2, "rstd")] {
        let mut g = Graph::new();
        let (x, w, b) = (g.input("x", [2, 3, 5]), g.input("w", [3]), g.input("b", [3]));
        let out = ops::batch_norm_train(&mut g, x, w, b, 1e-5, true).expect("batch norm");
        let loss = ops::sum(&mut g, [out.0, out.1, out.2][which], 0).expect("sum");
        let error = g.grad(loss, &[x]).expect_err("a gradient").to_string();
        assert!(error.contains("batch_norm_train") && error.contains(name), "{error}");
    }
}
