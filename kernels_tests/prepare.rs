//! Launches that depend on weights alone.

use emotone::check::device;
use emotone::compile::{Options, Program, States};
use emotone::graph::{Graph, StateRef};
use emotone::ops;
use emotone::reference::noise;

/// What is made once from weights is made again when they change, by the host or by another program's run.
#[test]
fn prepared_launches_follow_the_state() {
    let Some(device) = device() else { return };
    let place = StateRef { buffer: "w".into(), offset: 0 };
    let n = 16 * 16 * 9;
    let mut states = States::new(&device);
    states.create("w", n).expect("memory");
    let weight = |g: &mut Graph| g.state(place.clone(), [16, 16, 3, 3]);
    let mut g = Graph::new();
    let x = g.input("x", [2, 16, 32, 32]);
    let w = weight(&mut g);
    let spec = ops::Conv2d { padding: [1, 1], ..ops::Conv2d::default() };
    let y = ops::conv2d(&mut g, x, w, None, spec).expect("conv");
    g.output("y", y);
    let program = Program::new(&g, &states, Options::default()).expect("program");
    let prepared = program.plan().nodes.iter().map(|s| s.once.len()).sum::<usize>();
    let caps = device.caps();
    let winograd = caps.software && caps.subgroup_size == Some(8) && caps.int64 && device.allows("winograd");
    assert_eq!(prepared, usize::from(winograd), "the transform of the weights");
    let mut g = Graph::new();
    let w = weight(&mut g);
    let double = ops::scale(&mut g, w, 2.0).expect("scale");
    g.store(double, place.clone());
    let doubling = Program::new(&g, &states, Options::default()).expect("program");
    let values: Vec<f32> = noise(1, 2 * 16 * 1024).iter().map(|&v| v as f32).collect();
    program.write("x", &values).expect("input");
    let result = || {
        program.run().expect("run");
        program.read("y").expect("y")
    };
    let ones: Vec<f32> = noise(2, n).iter().map(|&v| v as f32).collect();
    states.write(&place, &ones).expect("weights");
    let first = result();
    assert_eq!(first, result(), "nothing changed");
    doubling.run().expect("run");
    let doubled = result();
    assert!(first.iter().zip(&doubled).all(|(a, b)| *b == 2.0 * a), "after another program changed the weights");
    states.write(&place, &ones).expect("weights");
    assert_eq!(first, result(), "after the host changed the weights");
}
