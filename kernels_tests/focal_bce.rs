//! Cases of `focal_bce.wgsl`: entries focal_bce_fwd and focal_bce_bwd.

use crate::case::{In, awkward, check, given, normal, tol};
use crate::row_mean::weights;
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{focal_bce as reference, noise, row_mean};

#[test]
fn scalar_loss_with_and_without_row_weights() {
    for rows in awkward(64) {
        for (cols, gamma, smoothing) in [(4, 2.0, 0.1), (2, 0.0, 0.0), (7, 1.5, 0.1)] {
            let size = (rows, cols);
            let mut z = normal(rows as u64, [rows, cols]);
            z.values.iter_mut().for_each(|z| *z *= 2.0);
            let t: Vec<f64> = noise(5, rows * cols).iter().map(|t| t.abs().min(1.0)).collect();
            let (s, f) = (f64::from(smoothing), f64::from(gamma));
            check(
                &format!("focal_bce {size:?} gamma {gamma} smoothing {smoothing}"),
                tol::SUM,
                &[z, given([rows, cols], &t), given([rows], &weights(rows))],
                |g, x| {
                    let plain = ops::focal_bce(g, x[0], x[1], None, gamma, smoothing)?;
                    Ok(vec![plain, ops::focal_bce(g, x[0], x[1], Some(x[2]), gamma, smoothing)?])
                },
                |x| {
                    let l = reference::forward(size, s, f, &x[0], &x[1]);
                    vec![vec![row_mean::forward(&l, &vec![1.0; rows])], vec![row_mean::forward(&l, &x[2])]]
                },
                |x, dy| {
                    let plain = row_mean::backward(&vec![1.0; rows], dy[0][0]);
                    let dl: Vec<f64> = plain.iter().zip(row_mean::backward(&x[2], dy[1][0])).map(|(a, b)| a + b).collect();
                    vec![Some(reference::backward(size, s, f, &x[0], &x[1], &dl)), None, None]
                },
            );
        }
    }
}

/// Uniform probabilities, and probabilities equal to the smoothed labels: where the loss has its floor and no slope.
#[test]
fn golden_values() {
    let t = [0.0, 1.0, 0.0, 0.0];
    let optimum = [0.025f64.ln(), 0.925f64.ln(), 0.025f64.ln(), 0.025f64.ln()];
    let values: Vec<f64> = [[0.0; 4], optimum].concat();
    check(
        "focal_bce golden values",
        1e-3,
        &[given([2, 4], &values), given([2, 4], &[t, t].concat())],
        |g, x| {
            let rows = ops::focal_bce_rows(g, x[0], x[1], 2.0, 0.1)?;
            let uniform = ops::focal_bce(g, x[0], x[1], None, 2.0, 0.1)?;
            Ok(vec![rows, uniform])
        },
        |_| vec![vec![0.1903, 0.00471], vec![(0.1903 + 0.00471) / 2.0]],
        |_, _| vec![None, None],
    );
}

/// Confident rows, wrong and right: probabilities round to 0 and 1, yet loss and gradient are those of the logits.
#[test]
fn confident_rows_keep_loss_and_gradient() {
    let z = [60.0, 0.0, -1.0, 2.0, -300.0, 300.0, 1.0, 5.0];
    let t = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    let s = f64::from(0.1f32);
    check(
        "focal_bce of confident rows",
        tol::FUNCTION,
        &[In { diff: true, ..given([2, 4], &z) }, given([2, 4], &t)],
        |g, x| Ok(vec![ops::focal_bce_rows(g, x[0], x[1], 2.0, 0.1)?]),
        |x| vec![reference::forward((2, 4), s, 2.0, &x[0], &x[1])],
        |x, dy| vec![Some(reference::backward((2, 4), s, 2.0, &x[0], &x[1], &dy[0])), None],
    );
}

#[test]
fn wrong_attributes_are_refused() {
    let mut g = Graph::new();
    let (z, one) = (g.input("z", [4, 3]), g.input("one", [4, 1]));
    let message = |r: emotone::Result<_>| r.map(|_| ()).unwrap_err().to_string();
    assert!(message(ops::focal_bce(&mut g, one, one, None, 2.0, 0.1)).contains("at least 2 classes"));
    assert!(message(ops::focal_bce(&mut g, z, z, None, -1.0, 0.1)).contains("gamma"));
    assert!(message(ops::focal_bce(&mut g, z, z, None, 2.0, -0.1)).contains("label smoothing"));
}
