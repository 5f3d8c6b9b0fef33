//! Ops that take their producers in: values and gradients against the reference, and fewer launches. Entry points made for it:
//! channel_scale_add, channel_scale_add_row, add_relu.

use crate::case::{In, check, device, normal, tol};
use emotone::compile::{Options, Plan};
use emotone::graph::{Graph, Var};
use emotone::kernels::matmul::{SUBGROUP, Variant};
use emotone::ops::{self, LayerNormMode};
use emotone::reference::matmul::{self, Extents};
use emotone::reference::{channel_scale, layer_norm, squeeze_excite};

type Build = dyn Fn(&mut Graph, &[Var]) -> emotone::Result<Vec<Var>>;

/// Launches saved by fusion in a forward pass and in one with the gradients of `inputs`.
fn saved(inputs: &[In], build: &Build) -> [usize; 2] {
    let Some(device) = device() else { return [0; 2] };
    [false, true].map(|backward| {
        let mut g = Graph::new();
        let x: Vec<Var> = inputs.iter().enumerate().map(|(i, x)| g.input(&format!("x{i}"), x.shape.clone())).collect();
        let y = build(&mut g, &x).expect("graph")[0];
        if backward {
            let dy = g.input("dy", g.shape(y).clone());
            let grads = g.grad_from(&[(y, dy)], &x).expect("gradients");
            grads.iter().enumerate().for_each(|(i, d)| g.output(&format!("dx{i}"), *d));
        }
        g.output("y", y);
        let launches = |unfused| Plan::new(&g, &device, Options { unfused, ..Options::default() }).expect("plan").launches();
        launches(true) - launches(false)
    })
}

fn expect_saved(what: &str, inputs: &[In], build: &Build, want: [usize; 2]) {
    if device().is_some_and(|d| d.allows("fusion")) {
        assert_eq!(saved(inputs, build), want, "{what}: launches saved forward, and with gradients");
    }
}

fn positive(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| v.max(0.0)).collect()
}

fn where_positive(y: &[f64], d: &[f64]) -> Vec<f64> {
    y.iter().zip(d).map(|(y, d)| if *y > 0.0 { *d } else { 0.0 }).collect()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// A residual block's end: relu(s u + a), the sum in either order.
#[test]
fn scale_add_relu() {
    for (b, c, inner) in [(1, 1, 1), (2, 3, 7), (3, 17, 64), (2, 5, 4), (4, 33, 300)] {
        for swapped in [false, true] {
            let inputs = || [normal(1, [b, c, inner, 1]), normal(2, [b, c]), normal(3, [b, c, inner, 1])];
            let build = move |g: &mut Graph, x: &[Var]| {
                let scaled = ops::channel_scale(g, x[0], x[1])?;
                let sum = if swapped { ops::add(g, x[2], scaled)? } else { ops::add(g, scaled, x[2])? };
                Ok(vec![ops::relu(g, sum)?])
            };
            let sum = move |x: &[Vec<f64>]| plus(&channel_scale::forward(inner, &x[0], &x[1]), &x[2]);
            check(
                &format!("relu(s u + a) {b}x{c}x{inner}, swapped {swapped}"),
                tol::SUM,
                &inputs(),
                build,
                |x| vec![positive(&sum(x))],
                |x, dy| {
                    let d = where_positive(&sum(x), &dy[0]);
                    let (du, ds) = channel_scale::backward(inner, &x[0], &x[1], &d);
                    vec![Some(du), Some(ds), Some(d)]
                },
            );
            expect_saved("relu(s u + a)", &inputs(), &build, [2, 2]);
        }
    }
}

/// Squeeze-excitation from the maps on: the gradients through the factors and through the means meet in one pass.
#[test]
fn squeeze_and_scale() {
    for (b, c, hw) in [(1, 1, [1, 1]), (2, 5, [3, 4]), (3, 16, [2, 2]), (2, 33, [13, 11])] {
        let (inner, r) = (hw[0] * hw[1], 2);
        let inputs = || [normal(1, [b, c, hw[0], hw[1]]), normal(2, [r, c]), normal(3, [c, r])];
        let build = |g: &mut Graph, x: &[Var]| {
            let m = ops::global_avg_pool(g, x[0])?;
            let s = ops::squeeze_excite(g, m, x[1], x[2])?;
            Ok(vec![ops::channel_scale(g, x[0], s)?])
        };
        let means = |u: &[f64]| u.chunks(inner).map(|row| row.iter().sum::<f64>() / inner as f64).collect::<Vec<f64>>();
        check(
            &format!("squeeze-excitation of {b}x{c}x{hw:?}"),
            tol::SUM,
            &inputs(),
            build,
            |x| vec![channel_scale::forward(inner, &x[0], &squeeze_excite::forward([b, c, r], &means(&x[0]), &x[1], &x[2]).1)],
            |x, dy| {
                let m = means(&x[0]);
                let (_, s) = squeeze_excite::forward([b, c, r], &m, &x[1], &x[2]);
                let (du, ds) = channel_scale::backward(inner, &x[0], &s, &dy[0]);
                let [dm, dw1, dw2] = squeeze_excite::backward([b, c, r], &m, &x[1], &x[2], &ds);
                let du = du.iter().enumerate().map(|(i, d)| d + dm[i / inner] / inner as f64).collect();
                vec![Some(du), Some(dw1), Some(dw2)]
            },
        );
        expect_saved("squeeze-excitation", &inputs(), &build, [0, 2]);
    }
}

/// relu(a + b), and a value that somebody else reads as well, which stays.
#[test]
fn add_then_relu() {
    let inputs = || [normal(1, [3, 5]), normal(2, [3, 5])];
    for kept in [false, true] {
        let build = move |g: &mut Graph, x: &[Var]| {
            let sum = ops::add(g, x[0], x[1])?;
            let y = ops::relu(g, sum)?;
            Ok(if kept { vec![y, sum] } else { vec![y] })
        };
        check(
            "relu(a + b)",
            tol::EXACT,
            &inputs(),
            build,
            |x| {
                let sum = plus(&x[0], &x[1]);
                if kept { vec![positive(&sum), sum] } else { vec![positive(&sum)] }
            },
            |x, dy| {
                let mut d = where_positive(&plus(&x[0], &x[1]), &dy[0]);
                if kept {
                    d = plus(&d, &dy[1]);
                }
                vec![Some(d.clone()), Some(d)]
            },
        );
        if !kept {
            expect_saved("relu(a + b)", &inputs(), &build, [1, 1]);
        }
    }
}

/// y = x + LN(x): the gradient of the norm takes the other path's in.
#[test]
fn norm_beside_a_residual_path() {
    for (rows, n) in [(1, 2), (5, 33), (130, 64), (3, 513)] {
        for mode in [LayerNormMode::Standard, LayerNormMode::UnbiasedStd] {
            let unbiased = mode == LayerNormMode::UnbiasedStd;
            let inputs = || [normal(1, [rows, n]), normal(2, [n]), normal(3, [n])];
            let build = move |g: &mut Graph, x: &[Var]| {
                let y = ops::layer_norm(g, x[0], x[1], x[2], mode, 1e-5)?;
                Ok(vec![ops::add(g, x[0], y)?])
            };
            check(
                &format!("x + norm of {rows} x {n} {mode:?}"),
                tol::SUM,
                &inputs(),
                build,
                |x| vec![plus(&x[0], &layer_norm::forward(&x[0], &x[1], &x[2], 1e-5, unbiased))],
                |x, dy| {
                    let (dx, dw, db) = layer_norm::backward(&x[0], &x[1], 1e-5, unbiased, &dy[0]);
                    vec![Some(plus(&dx, &dy[0])), Some(dw), Some(db)]
                },
            );
            expect_saved("x + norm", &inputs(), &build, [0, 1]);
        }
    }
}

/// relu(a bᵀ + bias), seen under another shape.
#[test]
fn product_then_relu() {
    let Some(device) = device() else { return };
    let mut variants = vec![Variant::Tile, Variant::Row { slices: 3 }];
    if device.caps().subgroup_size == Some(SUBGROUP) {
        variants.push(Variant::Subgroup);
        if device.caps().int64 {
            variants.push(Variant::Wide);
        }
    }
    for variant in variants {
        for (m, n, k) in [(17, 34, 16), (65, 66, 40), (3, 130, 8)] {
            let e = Extents { batch: 1, m, n, k, transposed: [false, true] };
            let inputs = || [normal(1, [1, m, k]), normal(2, [1, n, k]), normal(3, [n])];
            let build = move |g: &mut Graph, x: &[Var]| {
                let y = ops::matmul_with(g, x[0], x[1], Some(x[2]), e.transposed, 1.0, variant)?;
                let y = ops::reshape(g, y, [m * n])?;
                Ok(vec![ops::relu(g, y)?])
            };
            let sum = move |x: &[Vec<f64>]| -> Vec<f64> {
                matmul::forward(e, &x[0], &x[1]).iter().enumerate().map(|(i, y)| y + x[2][i % n]).collect()
            };
            check(
                &format!("{variant:?} {e:?} and relu"),
                tol::SUM,
                &inputs(),
                build,
                |x| vec![positive(&sum(x))],
                |x, dy| {
                    let d = where_positive(&sum(x), &dy[0]);
                    let (da, db) = matmul::backward(e, &x[0], &x[1], &d);
                    let bias = (0..n).map(|j| d.iter().skip(j).step_by(n).sum()).collect();
                    vec![Some(da), Some(db), Some(bias)]
                },
            );
            expect_saved("relu of a product", &inputs(), &build, [1, 1]);
        }
    }
}
