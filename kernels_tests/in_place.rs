//! Cases of `in_place.wgsl`: entries ema, accumulate and fill.

use crate::case::{awkward, device, error, tol};
use crate::optimiser::{bordered, inside};
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{in_place as reference, noise};

#[test]
fn ema_accumulate_and_fill_keep_their_state_between_runs() {
    for n in awkward(4096) {
        let Some(device) = device() else { return };
        let mut states = States::new(&device);
        let start = noise(1, n);
        let single: Vec<f32> = start.iter().map(|&x| x as f32).collect();
        let [average, sum, filled] = ["average", "sum", "filled"].map(|name| bordered(&mut states, name, &single));
        let mut g = Graph::new();
        let x = g.input("x", [n]);
        let [a, s, f] = [&average, &sum, &filled].map(|place| g.state(place.clone(), [n]));
        ops::ema(&mut g, a, x, 0.9).expect("ema");
        ops::accumulate(&mut g, s, x, 0.25).expect("accumulate");
        ops::fill(&mut g, f, -2.5).expect("fill");
        let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
        let (mut want_average, mut want_sum) = (start.clone(), start.clone());
        for step in 0..4 {
            let x = noise(10 + step, n);
            reference::ema(&mut want_average, &x, 0.9);
            reference::accumulate(&mut want_sum, &x, 0.25);
            program.write("x", &x.iter().map(|&x| x as f32).collect::<Vec<_>>()).expect("x");
            program.run().expect("run");
        }
        let e = error(&inside(&states, &average, n), &want_average);
        assert!(e <= tol::EXACT, "ema of {n}: error {e:.2e}");
        let e = error(&inside(&states, &sum, n), &want_sum);
        assert!(e <= tol::EXACT, "accumulate of {n}: error {e:.2e}");
        assert!(inside(&states, &filled, n).iter().all(|&v| v == -2.5), "fill of {n}");
    }
}

/// Gradients of micro-batches: cleared, summed, then read in the order of the nodes, in one program.
#[test]
fn updates_happen_in_the_order_of_the_nodes() {
    let Some(device) = device() else { return };
    let mut states = States::new(&device);
    let place = bordered(&mut states, "sum", &[9.0; 70]);
    let mut g = Graph::new();
    let x = g.input("x", [70]);
    let s = g.state(place.clone(), [70]);
    ops::fill(&mut g, s, 1.0).expect("fill");
    ops::accumulate(&mut g, s, x, 1.0).expect("accumulate");
    let doubled = ops::scale(&mut g, s, 2.0).expect("scale");
    g.output("doubled", doubled);
    ops::accumulate(&mut g, s, x, 1.0).expect("accumulate");
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
    program.write("x", &[3.0; 70]).expect("x");
    for _ in 0..2 {
        program.run().expect("run");
        assert_eq!(program.read("doubled").expect("output"), vec![8.0; 70]);
        assert_eq!(inside(&states, &place, 70), vec![7.0; 70]);
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let mut g = Graph::new();
    let (a, b) = (g.input("a", [4]), g.input("b", [5]));
    assert!(ops::accumulate(&mut g, a, b, 1.0).unwrap_err().to_string().contains("accumulate: expected (4), got (5)"));
    assert!(ops::ema(&mut g, a, a, 1.5).unwrap_err().to_string().contains("decay"));
}
