//! The clock on launches: a duration for each, no change to the results, with timestamps and without.

use crate::case::device;
use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::{Graph, StateRef};
use emotone::ops;
use emotone::reference::noise;
use std::sync::Arc;
use std::time::{Duration, Instant};

const N: usize = 192;

/// A product that takes a while, then two ops that do not.
fn program(device: &Arc<Device>) -> Program {
    let mut g = Graph::new();
    let x = g.input("x", [1, N, N]);
    let y = ops::matmul(&mut g, x, x, false, false).expect("matmul");
    let y = ops::scale(&mut g, y, 0.5).expect("scale");
    let y = ops::softmax(&mut g, y, 2).expect("softmax");
    g.output("y", y);
    let program = Program::new(&g, &States::new(device), Options::default()).expect("program");
    program.write("x", &(0..N * N).map(|i| (i % 7) as f32 * 0.1).collect::<Vec<_>>()).expect("x");
    program
}

fn check(device: &Arc<Device>) {
    let program = program(device);
    program.run().expect("run");
    let want = program.read("y").expect("y");
    program.write("x", &[0.0; N * N]).expect("x");
    program.run().expect("run");
    program.write("x", &(0..N * N).map(|i| (i % 7) as f32 * 0.1).collect::<Vec<_>>()).expect("x");
    let start = Instant::now();
    let times = program.run_timed().expect("times");
    let whole = start.elapsed();
    assert!(program.read("y").expect("y") == want, "a timed run gives other results");
    assert_eq!(times.len(), program.plan().launches());
    let sum: Duration = times.iter().sum();
    assert!(sum > Duration::ZERO && sum <= whole, "launches take {times:?}, {sum:?} together, the whole {whole:?}");
}

#[test]
fn every_launch_has_a_time() {
    let Some(device) = device() else { return };
    check(&device);
}

#[test]
fn every_launch_has_a_time_without_timestamps() {
    if device().is_none() {
        return;
    }
    let request = AdapterRequest::from_env();
    let request = AdapterRequest { disable: [request.disable.clone(), vec!["timestamps".into()]].concat(), ..request };
    let device = Device::open(&request).expect("device");
    assert!(!device.caps().timestamps);
    check(&device);
}

/// A timed run is a run: it renews what is made from weights when they changed, and tells other programs that it changed them.
#[test]
fn timed_runs_follow_the_state_and_change_it() {
    let Some(device) = device() else { return };
    let place = StateRef { buffer: "w".into(), offset: 0 };
    let mut states = States::new(&device);
    states.create("w", 16 * 16 * 9).expect("memory");
    let single = |seed, n| noise(seed, n).iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let mut g = Graph::new();
    let x = g.input("x", [8, 16, 32, 32]);
    let w = g.state(place.clone(), [16, 16, 3, 3]);
    let y = ops::conv2d(&mut g, x, w, None, ops::Conv2d { padding: [1, 1], ..ops::Conv2d::default() }).expect("conv");
    g.output("y", y);
    let program = || {
        let program = Program::new(&g, &states, Options::default()).expect("program");
        program.write("x", &single(1, 8 * 16 * 1024)).expect("x");
        program
    };
    let (timed, plain) = (program(), program());
    // Where Winograd's convolutions run, one is what this test needs: something made from the weights.
    let caps = device.caps();
    let prepares = caps.software && caps.subgroup_size == Some(8) && caps.int64 && device.allows("winograd");
    assert!(!prepares || timed.plan().nodes.iter().any(|s| !s.once.is_empty()), "nothing is prepared: the test shows nothing");
    let mut g = Graph::new();
    let w = g.state(place.clone(), [16, 16, 3, 3]);
    let double = ops::scale(&mut g, w, 2.0).expect("scale");
    g.store(double, place.clone());
    let doubling = Program::new(&g, &states, Options::default()).expect("program");

    states.write(&place, &single(2, 16 * 16 * 9)).expect("weights");
    timed.run_timed().expect("times");
    plain.run().expect("run");
    let first = plain.read("y").expect("y");
    assert!(first.iter().any(|v| *v != 0.0));
    assert!(timed.read("y").expect("y") == first, "a program's first run is a timed one");
    doubling.run_timed().expect("times");
    timed.run_timed().expect("times");
    plain.run().expect("run");
    for (name, program) in [("timed", &timed), ("plain", &plain)] {
        let doubled = program.read("y").expect("y");
        assert!(first.iter().zip(&doubled).all(|(a, b)| *b == 2.0 * a), "{name} run after a timed run changed the weights");
    }
}
