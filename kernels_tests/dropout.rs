//! Masks are random and repeat, and NaNs pass.

use crate::case::{outputs, values};
use emotone::check::dropout::{RATE, RNG, STREAM};
use emotone::check::{normal, words};
use emotone::ops;
use emotone::reference::dropout as reference;

#[test]
fn masks_repeat_with_the_state_and_change_with_seed_and_step() {
    let n = 20_000;
    let kept = |rng: [u32; 4]| {
        let y = outputs([normal(1, [n]), words(&rng)], |g, x| ops::dropout(g, x[0], x[1], RATE, STREAM))?;
        Some(y[0].iter().map(|&v| v != 0.0).collect::<Vec<bool>>())
    };
    let Some(first) = kept([1, 2, 3, 0]) else { return };
    let rate = 1.0 - first.iter().filter(|k| **k).count() as f64 / n as f64;
    assert!((rate - f64::from(RATE)).abs() < 0.015, "{rate} dropped");
    for other in [[2, 2, 3, 0], [1, 3, 3, 0], [1, 2, 4, 0]] {
        let agree = kept(other).expect("a device").iter().zip(&first).filter(|(a, b)| a == b).count() as f64 / n as f64;
        let independent = f64::from(RATE * RATE + (1.0 - RATE) * (1.0 - RATE));
        assert!((agree - independent).abs() < 0.02, "{other:?}: {agree} agree, {independent} expected");
    }
    assert!(kept([1, 2, 3, 0]) == Some(first), "the same state gives the same mask");
}

#[test]
fn relu_before_dropout_keeps_a_nan() {
    let n = 200;
    let x: Vec<f32> = (0..n).map(|i| [f32::NAN, -f32::NAN, 1.0, -1.0][i / 4 % 4]).collect();
    let y = outputs([values([n], &x), words(&RNG)], |g, x| ops::relu_dropout(g, x[0], Some((x[1], RATE, STREAM))));
    let Some(y) = y else { return };
    let mask = reference::mask(n, RNG, f64::from(RATE), STREAM);
    for i in 0..n {
        let (dropped, want) = (mask[i] == 0.0, x[i].max(0.0) * mask[i] as f32);
        let right = if x[i].is_nan() && !dropped { y[0][i].is_nan() } else { (y[0][i] - want).abs() < 1e-6 || dropped && y[0][i] == 0.0 };
        assert!(right, "{} became {}, dropped: {dropped}", x[i], y[0][i]);
    }
}
