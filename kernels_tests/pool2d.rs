//! Windows with NaNs, and windows that do not fit.

use crate::case::{outputs, values};
use emotone::check::normal;
use emotone::check::pool2d::pool;
use emotone::ops::{self, PoolSpec};
use emotone::reference::pool2d as reference;

#[test]
fn a_nan_wins_every_window_that_holds_it() {
    for (nan, spec) in [(f32::NAN, PoolSpec::new([3, 3], [2, 2], [1, 1])), (-f32::NAN, PoolSpec::new([2, 3], [1, 2], [0, 1]))] {
        for at in [0, 17, 40, 62] {
            let mut x: Vec<f32> = normal(1, [63]).values(0).iter().map(|&v| v as f32).collect();
            (x[at], x[(at + 30) % 63]) = (nan, f32::INFINITY);
            let Some(y) = outputs([values([1, 1, 7, 9], &x)], move |g, x| ops::max_pool2d(g, x[0], spec)) else { return };
            let p = pool(1, [7, 9], &spec).expect("windows");
            let want = reference::max(&p, &x);
            assert!(want.iter().any(|v| v.is_nan()) && want.iter().any(|v| !v.is_nan()));
            for (i, (got, want)) in y[0].iter().zip(&want).enumerate() {
                assert!(got == want || got.is_nan() && want.is_nan(), "NaN at {at}, window {i}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let x = g.input("x", [1, 1, 3, 3]);
    for spec in [PoolSpec::new([2, 4], [1, 1], [0, 0]), PoolSpec::new([2, 2], [1, 0], [0, 0]), PoolSpec::new([3, 3], [1, 1], [2, 0])] {
        for message in [ops::max_pool2d(&mut g, x, spec).unwrap_err(), ops::avg_pool2d(&mut g, x, spec).unwrap_err()].map(|e| e.to_string())
        {
            assert!(message.contains("_pool2d: expected") && message.contains("(1, 1, 3, 3)"), "{message}");
        }
    }
}
