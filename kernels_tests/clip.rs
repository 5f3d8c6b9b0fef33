//! Cases of `clip.wgsl`: entries clip_partial and clip_finish.

use crate::case::{awkward, check, device, given, tol};
use emotone::compile::{Options, Program, States};
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{clip as reference, noise};

#[test]
fn norm_and_scale() {
    for n in awkward(128).into_iter().chain(awkward(4096)).chain([300_001, 5_000_000]) {
        for max_norm in [0.5, 1e4] {
            check(
                &format!("clip of {n} to {max_norm}"),
                tol::FUNCTION,
                &[given([n], &noise(n as u64, n))],
                |g, x| {
                    let (norm, scale) = ops::clip(g, x[0], max_norm)?;
                    Ok(vec![norm, scale])
                },
                |x| {
                    let (norm, scale) = reference::forward(&x[0], f64::from(max_norm));
                    vec![vec![norm], vec![scale]]
                },
                |_, _| vec![None],
            );
        }
    }
}

/// Gradients that are 64 times those meant.
#[test]
fn a_factor_is_undone() {
    check(
        "clip of grown gradients",
        tol::FUNCTION,
        &[given([4097], &noise(1, 4097)), given([1], &[64.0])],
        |g, x| {
            let (norm, scale) = ops::clip_scaled(g, x[0], x[1], 0.5)?;
            Ok(vec![norm, scale])
        },
        |x| {
            let meant: Vec<f64> = x[0].iter().map(|v| v / 64.0).collect();
            let (norm, scale) = reference::forward(&meant, 0.5);
            vec![vec![norm], vec![scale / 64.0]]
        },
        |_, _| vec![None, None],
    );
}

#[test]
fn a_norm_that_is_not_finite_is_seen() {
    let Some(device) = device() else { return };
    let mut g = Graph::new();
    let x = g.input("x", [1000]);
    let (norm, scale) = ops::clip(&mut g, x, f32::INFINITY).expect("clip");
    g.output("norm", norm);
    g.output("scale", scale);
    let program = Program::new(&g, &States::new(&device), Options { poison: true, ..Options::default() }).expect("program");
    for (bad, good) in [(f32::NAN, false), (f32::INFINITY, false), (1e30, false), (3.0, true), (0.0, true)] {
        let mut values = vec![0.0; 1000];
        values[777] = bad;
        program.write("x", &values).expect("x");
        program.run().expect("run");
        let [norm, scale] = ["norm", "scale"].map(|name| program.read(name).expect("output")[0]);
        if good {
            assert_eq!((norm, scale), (bad, 1.0));
        } else {
            assert!(!norm.is_finite() && scale.is_nan(), "{bad}: norm {norm}, scale {scale}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let mut g = Graph::new();
    let x = g.input("x", [4, 4]);
    assert!(ops::clip(&mut g, x, 1.0).unwrap_err().to_string().contains("clip"));
    let x = g.input("y", [4]);
    assert!(ops::clip(&mut g, x, 0.0).unwrap_err().to_string().contains("max_norm"));
    assert!(ops::clip(&mut g, x, f32::NAN).unwrap_err().to_string().contains("max_norm"));
}
