//! Optimiser cases: several updates of one parameter through state, as training runs them.

use crate::case::Case;
use anyhow::Result;
use emotone::compile::{Options, Program, States};
use emotone::gpu::Device;
use emotone::graph::{Graph, StateRef};
use emotone::ops;
use std::sync::Arc;

/// The parameter after all updates, or `None` when the case is not an optimiser's.
pub fn run(case: &Case, device: &Arc<Device>) -> Result<Option<Vec<f32>>> {
    if !["adamw", "sgd", "rmsprop"].contains(&case.op.as_str()) {
        return Ok(None);
    }
    let (shape, start) = case.tensor("param")?.clone();
    let n = shape.elements();
    let place = |buffer: &str| StateRef { buffer: buffer.into(), offset: 0 };
    let mut states = States::new(device);
    for buffer in ["param", "first", "second", "grad"] {
        states.create(buffer, n)?;
    }
    states.write(&place("param"), &start)?;
    let mut g = Graph::new();
    let [p, m, v, grad] = ["param", "first", "second", "grad"].map(|b| g.state(place(b), [n]));
    let hyper = g.input("hyper", [8]);
    match case.op.as_str() {
        "adamw" => ops::adamw(&mut g, p, grad, m, v, hyper, None)?,
        "sgd" => ops::sgd(&mut g, p, grad, m, hyper, None)?,
        _ => ops::rmsprop(&mut g, p, grad, m, v, hyper, None)?,
    }
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() })?;
    let number = |key: &str| case.number(key).unwrap_or(0.0);
    for step in 0..case.count("steps")? {
        let hyper = match case.op.as_str() {
            "adamw" => {
                let betas = [0, 1].map(|i| case.attrs["betas"][i].as_f64().unwrap_or(0.0));
                ops::hyper_adamw(number("lr"), number("weight_decay"), betas, number("eps"), step as u64 + 1)
            }
            "sgd" => ops::hyper_sgd(number("lr"), number("weight_decay"), number("momentum")),
            _ => ops::hyper_rmsprop(number("lr"), 0.0, 0.0, number("alpha"), number("eps")),
        };
        program.write("hyper", &hyper)?;
        states.write(&place("grad"), &case.tensor(&format!("grad{step}"))?.1)?;
        program.run()?;
    }
    Ok(Some(states.read(&place("param"), n)?))
}
