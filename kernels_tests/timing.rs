//! The clock on launches: a duration for each, no change to the results, with timestamps and without.

use crate::case::device;
use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::Graph;
use emotone::ops;
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
