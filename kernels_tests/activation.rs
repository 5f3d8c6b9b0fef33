//! Cases of `activation.wgsl`: relu_fwd relu_bwd, sigmoid_fwd sigmoid_bwd, tanh_fwd tanh_bwd, gelu_fwd gelu_bwd.

use crate::case::{awkward, check, normal, outputs, tol};
use emotone::graph::{Graph, Shape, Var};
use emotone::kernels::activation::Kind;
use emotone::ops;
use emotone::reference::activation as reference;

const KINDS: [Kind; 4] = [Kind::Relu, Kind::Sigmoid, Kind::Tanh, Kind::Gelu];

fn apply(kind: Kind, g: &mut Graph, x: Var) -> emotone::Result<Var> {
    match kind {
        Kind::Relu => ops::relu(g, x),
        Kind::Sigmoid => ops::sigmoid(g, x),
        Kind::Tanh => ops::tanh(g, x),
        Kind::Gelu => ops::gelu(g, x),
    }
}

#[test]
fn every_activation_near_zero_and_far_out() {
    for kind in KINDS {
        for scale in [0.01, 2.0, 30.0] {
            for n in awkward(128) {
                let mut x = normal(n as u64, [n]);
                x.values.iter_mut().for_each(|v| *v = f64::from((*v * scale) as f32));
                check(
                    &format!("{kind:?} of {n} at scale {scale}"),
                    tol::FUNCTION,
                    &[x],
                    |g, x| Ok(vec![apply(kind, g, x[0])?]),
                    |x| vec![reference::forward(kind, &x[0])],
                    |x, dy| vec![Some(reference::backward(kind, &x[0], &dy[0]))],
                );
            }
        }
    }
}

/// Each value and slope on its own scale, which a comparison against the largest of them would hide.
#[test]
fn extreme_inputs() {
    let x: Vec<f32> = [0.0, 1e-30, 10.0, 88.0, 100.0, 1e4].iter().flat_map(|&v| [v, -v]).collect();
    let n = x.len();
    let (wide, dy) = (x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), vec![-1.5f32; n]);
    for kind in KINDS {
        let got = outputs(&[([n].into(), &x), ([n].into(), &dy)], |g, v| {
            let y = apply(kind, g, v[0])?;
            Ok(vec![y, g.grad_from(&[(y, v[1])], &v[..1])?[0]])
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
    for kind in KINDS {
        let Some(y) = outputs(&[([6].into(), &x)], |g, x| Ok(vec![apply(kind, g, x[0])?])) else { return };
        for (x, y) in x.iter().zip(&y[0]) {
            assert!(!x.is_nan() || y.is_nan(), "{kind:?} of a NaN is {y}");
            assert!(x.is_nan() || kind != Kind::Relu || *y == x.max(0.0), "{kind:?} of {x} is {y}");
        }
    }
    // ReLU as part of the op before it.
    for scaled in [false, true] {
        let (zeros, one) = ([0.0; 6], [1.0]);
        let shape = || Shape::from([1, 1, 2, 3]);
        let sums = outputs(&[(shape(), &x), (shape(), &zeros), ([1, 1].into(), &one)], |g, v| {
            let before = if scaled { ops::channel_scale(g, v[0], v[2])? } else { v[0] };
            let sum = ops::add(g, before, v[1])?;
            Ok(vec![ops::relu(g, sum)?])
        });
        let Some(sums) = sums else { return };
        for (x, y) in x.iter().zip(&sums[0]) {
            assert!(if x.is_nan() { y.is_nan() } else { *y == x.max(0.0) }, "ReLU of the sum {x}, scaled {scaled}, is {y}");
        }
    }
}
