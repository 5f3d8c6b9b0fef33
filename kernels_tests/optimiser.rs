//! Cases of `optimiser.wgsl`: entries adamw, adamw_clipped, sgd, sgd_clipped, rmsprop, rmsprop_clipped. Several runs in sequence, the
//! state kept between them.

use crate::case::{awkward, device, error, tol};
use emotone::compile::{Options, Program, States};
use emotone::graph::{Graph, STATE_ALIGN, StateRef, Var};
use emotone::ops::{self, HYPER};
use emotone::reference::{noise, optimiser::Trained};

#[derive(Debug, Clone, Copy)]
pub enum Rule {
    Adamw,
    Sgd,
    Rmsprop,
}

/// What surrounds a region of state, to see that an update stays inside.
pub const BORDER: f32 = 123.0;

/// Creates a state buffer that holds `values` between borders and returns their place.
pub fn bordered(states: &mut States, name: &str, values: &[f32]) -> StateRef {
    let all: Vec<f32> = [vec![BORDER; STATE_ALIGN], values.to_vec(), vec![BORDER; STATE_ALIGN]].concat();
    states.create(name, all.len()).expect("state");
    states.write(&StateRef { buffer: name.into(), offset: 0 }, &all).expect("state");
    StateRef { buffer: name.into(), offset: STATE_ALIGN }
}

/// Reads `n` values back and checks the borders.
pub fn inside(states: &States, place: &StateRef, n: usize) -> Vec<f32> {
    let all = states.read(&StateRef { buffer: place.buffer.clone(), offset: 0 }, n + 2 * STATE_ALIGN).expect("state");
    let borders = all[..STATE_ALIGN].iter().chain(&all[STATE_ALIGN + n..]);
    assert!(borders.into_iter().all(|&v| v == BORDER), "{}: written outside its region", place.buffer);
    all[STATE_ALIGN..STATE_ALIGN + n].to_vec()
}

/// A program that updates `n` parameters, and its state.
struct Training {
    program: Program,
    states: States,
    param: StateRef,
}

fn training(rule: Rule, initial: &[f64], clipped: bool) -> Option<Training> {
    let n = initial.len();
    let mut states = States::new(&device()?);
    let initial: Vec<f32> = initial.iter().map(|&p| p as f32).collect();
    let param = bordered(&mut states, "param", &initial);
    let moments = ["m", "v"].map(|name| bordered(&mut states, name, &vec![0.0; n]));
    let mut g = Graph::new();
    let w = g.state(param.clone(), [n]);
    let [m, v] = moments.map(|place| g.state(place, [n]));
    let grad = g.input("grad", [n]);
    let hyper = g.input("hyper", [HYPER]);
    let clip: Option<Var> = clipped.then(|| g.input("clip", [1]));
    match rule {
        Rule::Adamw => ops::adamw(&mut g, w, grad, m, v, hyper, clip),
        Rule::Sgd => ops::sgd(&mut g, w, grad, m, hyper, clip),
        Rule::Rmsprop => ops::rmsprop(&mut g, w, grad, m, v, hyper, clip),
    }
    .expect("update");
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
    Some(Training { program, states, param })
}

#[test]
fn several_steps_of_every_rule() {
    for rule in [Rule::Adamw, Rule::Sgd, Rule::Rmsprop] {
        for n in awkward(4096).into_iter().chain([1000]) {
            for clip in [None, Some(0.25)] {
                let initial = noise(n as u64, n);
                let Some(training) = training(rule, &initial, clip.is_some()) else { return };
                let mut want = Trained::new(&initial);
                for step in 1..=6 {
                    let mut grad = noise(100 + step, n);
                    // A gap between tensors: no gradient, ever.
                    grad.iter_mut().skip(2).step_by(7).for_each(|g| *g = 0.0);
                    let scaled: Vec<f64> = grad.iter().map(|g| g * clip.unwrap_or(1.0)).collect();
                    // The learning rate changes from step to step, as under a schedule.
                    let lr = 1e-2 / step as f64;
                    let hyper = match rule {
                        Rule::Adamw => {
                            want.adamw(&scaled, lr, 0.05, [0.9, 0.999], 1e-8);
                            ops::hyper_adamw(lr, 0.05, [0.9, 0.999], 1e-8, step)
                        }
                        Rule::Sgd => {
                            want.sgd(&scaled, lr, 5e-4, 0.9);
                            ops::hyper_sgd(lr, 5e-4, 0.9)
                        }
                        Rule::Rmsprop => {
                            want.rmsprop(&scaled, lr, 1e-3, 0.5, 0.9, 1e-8);
                            ops::hyper_rmsprop(lr, 1e-3, 0.5, 0.9, 1e-8)
                        }
                    };
                    let program = &training.program;
                    program.write("grad", &grad.iter().map(|&g| g as f32).collect::<Vec<_>>()).expect("grad");
                    program.write("hyper", &hyper).expect("hyper");
                    if let Some(scale) = clip {
                        program.write("clip", &[scale as f32]).expect("clip");
                    }
                    program.run().expect("run");
                    let got = inside(&training.states, &training.param, n);
                    let e = error(&got, &want.param);
                    assert!(e <= tol::EXACT * 3.0, "{rule:?} of {n}, clip {clip:?}: step {step} error {e:.2e}");
                }
                for (name, want) in [("m", &want.m), ("v", &want.v)] {
                    let place = StateRef { buffer: name.into(), offset: STATE_ALIGN };
                    let e = error(&inside(&training.states, &place, n), want);
                    assert!(e <= tol::FUNCTION, "{rule:?} of {n}: {name} error {e:.2e}");
                }
            }
        }
    }
}

/// After many steps bias corrections, momenta and rounding have had time to drift.
#[test]
fn adamw_after_two_hundred_steps() {
    let initial = noise(1, 64);
    let Some(training) = training(Rule::Adamw, &initial, false) else { return };
    let mut want = Trained::new(&initial);
    for step in 1..=200 {
        let grad = noise(1000 + step, 64);
        want.adamw(&grad, 1e-3, 0.05, [0.9, 0.999], 1e-8);
        training.program.write("grad", &grad.iter().map(|&g| g as f32).collect::<Vec<_>>()).expect("grad");
        training.program.write("hyper", &ops::hyper_adamw(1e-3, 0.05, [0.9, 0.999], 1e-8, step)).expect("hyper");
        training.program.run().expect("run");
    }
    let e = error(&inside(&training.states, &training.param, 64), &want.param);
    assert!(e <= 1e-5, "error {e:.2e}");
}

#[test]
fn a_scale_that_is_not_finite_changes_nothing() {
    for rule in [Rule::Adamw, Rule::Sgd, Rule::Rmsprop] {
        let Some(training) = training(rule, &noise(1, 100), true) else { return };
        let before = inside(&training.states, &training.param, 100);
        training.program.write("grad", &[f32::NAN; 100]).expect("grad");
        training.program.write("hyper", &ops::hyper_adamw(0.1, 0.1, [0.9, 0.999], 1e-8, 1)).expect("hyper");
        for scale in [f32::NAN, f32::INFINITY] {
            training.program.write("clip", &[scale]).expect("clip");
            training.program.run().expect("run");
            assert_eq!(inside(&training.states, &training.param, 100), before, "{rule:?} with scale {scale}");
        }
    }
}

#[test]
fn only_state_may_be_overwritten() {
    let Some(device) = device() else { return };
    let mut g = Graph::new();
    let [w, d, m, v] = ["w", "d", "m", "v"].map(|name| g.input(name, [4]));
    let hyper = g.input("hyper", [HYPER]);
    ops::adamw(&mut g, w, d, m, v, hyper, None).expect("shapes");
    let e = Program::new(&g, &States::new(&device), Options::default()).err().expect("an error").to_string();
    assert!(e.contains("adamw") && e.contains("not state"), "{e}");
}

#[test]
fn wrong_shapes_are_refused() {
    let mut g = Graph::new();
    let [a, b] = [4, 5].map(|n| g.input("x", [n]));
    let hyper = g.input("hyper", [HYPER]);
    let message = |r: emotone::Result<()>| r.unwrap_err().to_string();
    assert!(message(ops::adamw(&mut g, a, b, a, a, hyper, None)).contains("adamw: expected (4), got (5)"));
    assert!(message(ops::sgd(&mut g, a, a, a, b, None)).contains("hyper (8)"));
    assert!(message(ops::rmsprop(&mut g, a, a, a, a, hyper, Some(b))).contains("clip scale"));
}
