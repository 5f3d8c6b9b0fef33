//! Cases of `dropout.wgsl`.

use crate::case::{device, error, tol};
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{dropout as reference, noise};

#[test]
fn dropout_masks_forward_and_backward_alike() {
    let Some(device) = device() else { return };
    for n in [1, 127, 128, 1000] {
        let mut g = Graph::new();
        let (x, rng, dy) = (g.input("x", [n]), g.input("rng", [4]), g.input("dy", [n]));
        let y = ops::dropout(&mut g, x, rng, 0.25, 5).expect("op");
        let dx = g.grad_from(&[(y, dy)], &[x]).expect("gradient")[0];
        g.output("y", y);
        g.output("dx", dx);
        let program = Program::new(&g, &States::new(&device), Options { poison: true }).expect("program");
        let state = [11, 22, 33, 0];
        let single = |seed| noise(seed, n).iter().map(|&v| v as f32).collect::<Vec<f32>>();
        program.write("x", &single(1)).expect("x");
        program.write("dy", &single(2)).expect("dy");
        program.write_u32("rng", &state).expect("rng");
        program.run().expect("run");
        let mask = reference::mask(n, state, 0.25, 5);
        let want = |seed| noise(seed, n).iter().zip(&mask).map(|(v, m)| v * m).collect::<Vec<f64>>();
        for (name, seed) in [("y", 1), ("dx", 2)] {
            let e = error(&program.read(name).expect("read"), &want(seed));
            assert!(e <= tol::EXACT, "{name} of {n}: {e:.1e}");
        }
        assert_eq!(program.overruns().expect("sentinels"), 0);
    }
}
