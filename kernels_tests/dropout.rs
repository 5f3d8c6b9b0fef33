//! Cases of `dropout.wgsl`.

use crate::case::{In, check, device, error, given, normal, outputs, tol};
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{dropout as reference, noise};

const RATE: f32 = 0.25;
const STREAM: u32 = 5;

fn single(seed: u64, n: usize) -> Vec<f32> {
    noise(seed, n).iter().map(|&v| v as f32).collect()
}

/// y and dx of `n` values under one layer.
fn program(n: usize) -> Option<Program> {
    let device = device()?;
    let mut g = Graph::new();
    let (x, rng, dy) = (g.input("x", [n]), g.input("rng", [4]), g.input("dy", [n]));
    let y = ops::dropout(&mut g, x, rng, RATE, STREAM).expect("op");
    let dx = g.grad_from(&[(y, dy)], &[x]).expect("gradient")[0];
    g.output("y", y);
    g.output("dx", dx);
    let program = Program::new(&g, &States::new(&device), Options { poison: true, ..Options::default() }).expect("program");
    program.write("x", &single(1, n)).expect("x");
    program.write("dy", &single(2, n)).expect("dy");
    Some(program)
}

fn run(program: &Program, rng: [u32; 4], output: &str) -> Vec<f32> {
    program.write_u32("rng", &rng).expect("rng");
    program.run().expect("run");
    program.read(output).expect("read")
}

#[test]
fn forward_and_backward_share_the_mask_of_the_reference() {
    // Both lengths of a run on software adapters, several workgroups on all; odd sizes end within a draw.
    for n in [1, 2, 3, 5, 127, 128, 1002, 20_001, 140_002, 140_003] {
        let Some(program) = program(n) else { return };
        let rng = [11, 22, 33, 0];
        let mask = reference::mask(n, rng, f64::from(RATE), STREAM);
        for (name, seed) in [("y", 1), ("dx", 2)] {
            let want: Vec<f64> = noise(seed, n).iter().zip(&mask).map(|(v, m)| v * m).collect();
            let e = error(&run(&program, rng, name), &want);
            assert!(e <= tol::EXACT, "{name} of {n}: {e:.1e}");
        }
        assert_eq!(program.overruns().expect("sentinels"), 0);
    }
}

/// dropout_add, dropout_relu and dropout_relu_bwd.
#[test]
fn dropping_after_relu_and_before_an_addition() {
    for n in [1, 2, 3, 5, 127, 128, 1002, 20_001, 140_002, 140_003] {
        let words = [11u32, 22, 33, 0];
        let rng = || In { values: words.map(|w| f64::from(f32::from_bits(w))).to_vec(), ..given([4], &[0.0; 4]) };
        let mask = reference::mask(n, words, f64::from(RATE), STREAM);
        let masked = |v: &[f64]| v.iter().zip(&mask).map(|(v, m)| v * m).collect::<Vec<f64>>();
        check(
            &format!("relu and dropout of {n}"),
            tol::EXACT,
            &[normal(1, [n]), rng()],
            |g, x| Ok(vec![ops::relu_dropout(g, x[0], Some((x[1], RATE, STREAM)))?]),
            |x| vec![masked(&x[0].iter().map(|v| v.max(0.0)).collect::<Vec<f64>>())],
            |x, dy| vec![Some(masked(&dy[0]).iter().zip(&x[0]).map(|(d, x)| if *x > 0.0 { *d } else { 0.0 }).collect()), None],
        );
        check(
            &format!("dropout of {n} and addition"),
            tol::EXACT,
            &[normal(1, [n]), rng(), normal(2, [n])],
            |g, x| Ok(vec![ops::dropout_add(g, x[0], x[2], Some((x[1], RATE, STREAM)))?]),
            |x| vec![masked(&x[0]).iter().zip(&x[2]).map(|(k, a)| k + a).collect()],
            |_, dy| vec![Some(masked(&dy[0])), None, Some(dy[0].clone())],
        );
    }
}

#[test]
fn masks_repeat_with_the_state_and_change_with_seed_and_step() {
    let n = 20_000;
    let Some(program) = program(n) else { return };
    let kept = |rng| run(&program, rng, "y").iter().map(|&v| v != 0.0).collect::<Vec<bool>>();
    let first = kept([1, 2, 3, 0]);
    let rate = 1.0 - first.iter().filter(|k| **k).count() as f64 / n as f64;
    assert!((rate - f64::from(RATE)).abs() < 0.015, "{rate} dropped");
    for other in [[2, 2, 3, 0], [1, 3, 3, 0], [1, 2, 4, 0]] {
        let agree = kept(other).iter().zip(&first).filter(|(a, b)| a == b).count() as f64 / n as f64;
        let independent = f64::from(RATE * RATE + (1.0 - RATE) * (1.0 - RATE));
        assert!((agree - independent).abs() < 0.02, "{other:?}: {agree} agree, {independent} expected");
    }
    assert!(kept([1, 2, 3, 0]) == first, "the same state gives the same mask");
}

#[test]
fn relu_before_dropout_keeps_a_nan() {
    let n = 200;
    let words = [11u32, 22, 33, 0];
    let x: Vec<f32> = (0..n).map(|i| [f32::NAN, -f32::NAN, 1.0, -1.0][i / 4 % 4]).collect();
    let y = outputs(&[([n].into(), &x), ([4].into(), &words.map(f32::from_bits))], |g, x| {
        Ok(vec![ops::relu_dropout(g, x[0], Some((x[1], RATE, STREAM)))?])
    });
    let Some(y) = y else { return };
    let mask = reference::mask(n, words, f64::from(RATE), STREAM);
    for i in 0..n {
        let (dropped, want) = (mask[i] == 0.0, x[i].max(0.0) * mask[i] as f32);
        let right = if x[i].is_nan() && !dropped { y[0][i].is_nan() } else { (y[0][i] - want).abs() < 1e-6 || dropped && y[0][i] == 0.0 };
        assert!(right, "{} became {}, dropped: {dropped}", x[i], y[0][i]);
    }
}
