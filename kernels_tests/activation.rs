//! Activations of extremes, NaNs and infinities.

use crate::case::{outputs, values};
use emotone::check::activation::{KINDS, apply};
use emotone::check::tol;
use emotone::kernels::activation::Kind;
use emotone::ops;
use emotone::reference::activation as reference;

/// Each value and slope on its own scale, which a comparison against the largest of them would hide.
#[test]
fn extreme_inputs() {
    let x: Vec<f32> = [0.0, 1e-30, 10.0, 88.0, 100.0, 1e4].iter().flat_map(|&v| [v, -v]).collect();
    let n = x.len();
    let (wide, dy) = (x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), vec![-1.5f32; n]);
    for (_, kind) in KINDS {
        let got = outputs([values([n], &x), values([n], &dy)], move |g, v| {
            let y = apply(kind, g, v[0])?;
            Ok(vec![y, ops::grad_from(g, &[(y, v[1])], &v[..1])?[0]])
        });
        let Some(got) = got else { return };
        let want = [reference::forward(kind, &wide), reference::backward(kind, &wide, &vec![-1.5; n])];
        // The slopes of these two are differences of the rounded result from one.
        let rounding = if matches!(kind, Kind::Sigmoid | Kind::Tanh) { 2.0 * f64::from(f32::EPSILON) } else { 0.0 };
        for (what, i) in [("value", 0), ("slope", 1)] {
            for (j, (got, want)) in got[i].iter().zip(&want[i]).enumerate() {
                // Below the least normal number adapters may flush to zero.
                let allowed = tol::FUNCTION * want.abs() + f64::from(f32::MIN_POSITIVE) + if i == 1 { rounding } else { 0.0 };
                assert!((f64::from(*got) - want).abs() <= allowed, "{kind:?}, {what} at {}: {got:e}, not {want:e}", x[j]);
            }
        }
    }
}

#[test]
fn nans_and_infinities_pass() {
    let x = [f32::NAN, 1.0, -f32::NAN, -1.0, f32::INFINITY, f32::NEG_INFINITY];
    for (_, kind) in KINDS {
        let Some(y) = outputs([values([6], &x)], move |g, x| apply(kind, g, x[0])) else { return };
        for (x, y) in x.iter().zip(&y[0]) {
            assert!(!x.is_nan() || y.is_nan(), "{kind:?} of a NaN is {y}");
            assert!(x.is_nan() || kind != Kind::Relu || *y == x.max(0.0), "{kind:?} of {x} is {y}");
        }
    }
    // ReLU as part of the op before it.
    for scaled in [false, true] {
        let inputs = [values([1, 1, 2, 3], &x), values([1, 1, 2, 3], &[0.0; 6]), values([1, 1], &[1.0])];
        let sums = outputs(inputs, move |g, v| {
            let before = if scaled { ops::channel_scale(g, v[0], v[2])? } else { v[0] };
            let sum = ops::add(g, before, v[1])?;
            ops::relu(g, sum)
        });
        let Some(sums) = sums else { return };
        for (x, y) in x.iter().zip(&sums[0]) {
            assert!(if x.is_nan() { y.is_nan() } else { *y == x.max(0.0) }, "ReLU of the sum {x}, scaled {scaled}, is {y}");
        }
    }
}
