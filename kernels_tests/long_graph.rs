//! A graph of many thousand nodes compiles in seconds: nothing in the compiler grows with their square.

use crate::case::device;
use emotone::Result;
use emotone::compile::{Options, Plan};
use emotone::graph::{Graph, StateRef, Var};
use emotone::ops;
use std::time::{Duration, Instant};

const WIDTH: usize = 8;

/// One step of an LSTM: the new hidden state and cell.
fn step(g: &mut Graph, x: Var, [h, c]: [Var; 2], [wx, wh, bias]: [Var; 3]) -> Result<[Var; 2]> {
    let from_x = ops::linear(g, x, wx, Some(bias))?;
    let from_h = ops::linear(g, h, wh, None)?;
    let gates = ops::add(g, from_x, from_h)?;
    let mut gate = |i: usize| ops::slice(g, gates, 1, i * WIDTH, (i + 1) * WIDTH);
    let [i, f, o, u] = [gate(0)?, gate(1)?, gate(2)?, gate(3)?];
    let (i, f, o, u) = (ops::sigmoid(g, i)?, ops::sigmoid(g, f)?, ops::sigmoid(g, o)?, ops::tanh(g, u)?);
    let (kept, new) = (ops::mul(g, f, c)?, ops::mul(g, i, u)?);
    let c = ops::add(g, kept, new)?;
    let seen = ops::tanh(g, c)?;
    Ok([ops::mul(g, o, seen)?, c])
}

/// An LSTM over `steps`, its gradients, and its last state stored.
fn lstm(steps: usize) -> Result<Graph> {
    let mut g = Graph::new();
    let place = |i: usize| StateRef { buffer: "weights".into(), offset: 1024 * i };
    let weights = [g.state(place(0), [4 * WIDTH, WIDTH]), g.state(place(1), [4 * WIDTH, WIDTH]), g.state(place(2), [4 * WIDTH])];
    let x = g.input("x", [2, steps, WIDTH]);
    let mut state = [g.input("h", [2, WIDTH]), g.input("c", [2, WIDTH])];
    for t in 0..steps {
        let x = ops::slice(&mut g, x, 1, t, t + 1)?;
        let x = ops::reshape(&mut g, x, [2, WIDTH])?;
        state = step(&mut g, x, state, weights)?;
        g.store(state[0], StateRef { buffer: "hidden".into(), offset: 64 * t });
    }
    let dy = g.input("dy", [2, WIDTH]);
    let grads = ops::grad_from(&mut g, &[(state[0], dy)], &weights)?;
    for (i, d) in grads.into_iter().enumerate() {
        g.store(d, StateRef { buffer: "gradients".into(), offset: 1024 * i });
    }
    Ok(g)
}

#[test]
fn twelve_thousand_nodes_compile_in_seconds() {
    let Some(device) = device() else { return };
    let g = lstm(220).expect("graph");
    assert!(g.nodes().len() > 12_000, "only {} nodes", g.nodes().len());
    let began = Instant::now();
    let plan = Plan::new(&g, &device, Options::default()).expect("plan");
    let took = began.elapsed();
    println!("{} nodes, {} launches: {took:?}", g.nodes().len(), plan.launches());
    assert!(took < Duration::from_secs(4), "{took:?} for {} nodes", g.nodes().len());
}
