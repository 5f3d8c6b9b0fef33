//! Updates of what is not state, and of other shapes.

use crate::case::device;
use emotone::compile::{Options, Program, States};
use emotone::graph::{Graph, StateRef};
use emotone::nn::optimiser::{NORM, SCALARS};
use emotone::nn::{GRADIENTS, Init, Optimiser, Params, Rates};
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

/// Parameters beyond what one value may bind with WebGPU's default limits are updated in parts, by the norm of all.
#[test]
fn more_parameters_than_a_binding_holds() {
    const N: usize = (1 << 25) + 640;
    let Some(device) = device() else { return };
    let (mut g, mut params) = (Graph::new(), Params::new(|_| true));
    params.param(&mut g, "", "w", [N], Init::Fill(0.0)).expect("a parameter");
    let optimiser = Optimiser { clip_norm: 1.0, ema: 0.75, ..Optimiser::sgd(0.5, 0.0) };
    optimiser.update(&mut g, &params, &Rates::default(), GRADIENTS, None).expect("an update");
    let mut states = States::new(&device);
    params.allocate(&mut states).expect("memory");
    optimiser.allocate(&params, &mut states).expect("memory");
    let place = |buffer: &str, offset: usize| StateRef { buffer: buffer.into(), offset };
    // Far apart, with a norm of 5.
    for (at, d) in [(5, 3.0), (N - 1, 4.0)] {
        states.write(&place(GRADIENTS, at), &[d]).expect("a gradient");
    }
    let program = Program::new(&g, &states, Options::default()).expect("a program");
    program.write(SCALARS, &optimiser.scalars(0.5, 1)).expect("scalars");
    program.run().expect("a run");
    assert_eq!(program.read(NORM).expect("the norm"), [5.0]);
    for (at, want) in [(5, -0.3), (6, 0.0), (N - 2, 0.0), (N - 1, -0.4)] {
        let [w, average] = ["trainable", "ema"].map(|buffer| states.read(&place(buffer, at), 1).expect("a weight")[0]);
        assert!((w - want).abs() < 1e-6 && (average - 0.25 * want).abs() < 1e-6, "weight {at}: {w}, average {average}, not {want}");
    }
}
