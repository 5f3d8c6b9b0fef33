//! Scalars of every step, read at once and a step late: the values of `Program::read`, and nothing allocated for them.

mod common;

use common::device;
use emotone::Error;
use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::Graph;
use emotone::ops;
use std::sync::Arc;

/// Two scalars that lie apart, and an output of several values.
fn program(device: &Arc<Device>) -> Program {
    let mut g = Graph::new();
    let (logits, target) = (g.input("logits", [4, 3]), g.input("target", [4, 3]));
    let loss = ops::cross_entropy(&mut g, logits, target, None, 0.0).expect("loss");
    let smoothed = ops::cross_entropy(&mut g, logits, target, None, 0.2).expect("loss");
    let squares = ops::mul(&mut g, logits, logits).expect("squares");
    for (name, v) in [("loss", loss), ("squares", squares), ("smoothed", smoothed)] {
        g.output(name, v);
    }
    let program = Program::new(&g, &States::new(device), Options::default()).expect("program");
    let target: Vec<f32> = (0..12).map(|i| f32::from(u8::from(i % 3 == i / 3 % 3))).collect();
    program.write("target", &target).expect("target");
    program
}

fn step(program: &Program, step: usize) {
    let logits: Vec<f32> = (0..12).map(|i| ((i * 7 + step * 5) % 11) as f32 * 0.3).collect();
    program.write("logits", &logits).expect("logits");
    program.run().expect("run");
}

fn read(program: &Program) -> Vec<f32> {
    ["loss", "smoothed"].iter().flat_map(|name| program.read(name).expect("read")).collect()
}

#[test]
fn scalars_are_those_of_their_run_at_once_and_a_step_late() {
    let Some(device) = device() else { return };
    let program = program(&device);
    let mut readback = program.readback(&["loss", "smoothed"]).expect("scalars");
    let mut seen = Vec::new();
    let mut late = None;
    for k in 0..7 {
        step(&program, k);
        let now = readback.submit().expect("submit");
        let expected = read(&program);
        if k < 3 {
            assert_eq!(readback.take(now).expect("values"), expected, "run {k}, at once");
        } else if let Some((before, of_before)) = late.replace((now, expected.clone())) {
            assert_eq!(readback.take(before).expect("values"), of_before, "run {}, late", k - 1);
        }
        seen.push(expected);
    }
    let (last, of_last) = late.expect("a ticket");
    assert_eq!(readback.take(last).expect("values"), of_last);
    assert!(seen.windows(2).all(|w| w[0] != w[1]) && seen[0][0] != seen[0][1], "{seen:?}");
}

#[test]
fn what_was_not_taken_in_time_is_gone_and_the_rest_is_not() {
    let Some(device) = device() else { return };
    let program = program(&device);
    let mut readback = program.readback(&["smoothed"]).expect("scalars");
    let mut expected = Vec::new();
    let [first, second, third] = [0, 1, 2].map(|k| {
        step(&program, k);
        let ticket = readback.submit().expect("submit");
        expected.push(program.read("smoothed").expect("read"));
        ticket
    });
    let gone = readback.take(first).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(gone.contains("submission 0 are gone"), "{gone}");
    assert_eq!(readback.take(third).expect("values"), expected[2]);
    assert_eq!(readback.take(second).expect("values"), expected[1]);
    let mut none = program.readback(&[]).expect("no scalars");
    let ticket = none.submit().expect("submit");
    assert!(none.take(ticket).expect("values").is_empty());
    for (name, told) in [("squares", "output squares: expected one value, got (4, 3)"), ("norm", "no output named")] {
        let error = program.readback(&[name]).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_step_allocates_nothing() {
    let Some(device) = device() else { return };
    let program = program(&device);
    let mut readback = program.readback(&["loss", "smoothed"]).expect("scalars");
    let mut late = None;
    let mut held = Vec::new();
    for k in 0..120 {
        step(&program, k);
        let now = readback.submit().expect("submit");
        if k % 40 < 20 {
            readback.take(now).expect("values");
        } else if let Some(before) = late.replace(now) {
            let _ = readback.take(before);
        }
        if k % 30 == 29 {
            device.wait().expect("device");
            held.push((device.buffers_created(), device.memory()));
        }
    }
    assert!(held.windows(2).all(|w| w[0] == w[1]), "{held:?}");
    program.read("loss").expect("read");
    assert!(device.buffers_created() > held[0].0, "the count sees a buffer");
}

#[test]
fn a_lost_device_is_an_error_at_once_and_late() {
    if device().is_none() {
        return;
    }
    for late in [false, true] {
        let device = Device::open(&AdapterRequest::from_env()).expect("device");
        let program = program(&device);
        let mut readback = program.readback(&["loss"]).expect("scalars");
        step(&program, 0);
        let before = readback.submit().expect("submit");
        if !late {
            readback.take(before).expect("values");
            device.destroy();
            let outcome = readback.submit().and_then(|now| readback.take(now).map(<[f32]>::to_vec));
            assert!(matches!(outcome, Err(Error::DeviceLost(_))), "{outcome:?}");
        } else {
            device.destroy();
            // A run does not wait, so it need not know yet.
            let _ = program.run();
            let outcome = readback.take(before);
            assert!(matches!(outcome, Err(Error::DeviceLost(_))), "{outcome:?}");
        }
    }
}
