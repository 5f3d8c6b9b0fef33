//! Cases of `cross_entropy.wgsl`: entries cross_entropy_fwd and cross_entropy_bwd.

use crate::case::{In, awkward, check, given, normal, tol};
use crate::row_mean::weights;
use emotone::graph::Graph;
use emotone::ops;
use emotone::reference::{cross_entropy as reference, noise, row_mean};

/// Soft labels: rows of positive shares. Their sums are not 1, so that a gradient that assumes it is caught.
fn labels(seed: u64, rows: usize, cols: usize) -> In {
    let mut t: Vec<f64> = noise(seed, rows * cols).iter().map(|t| t.exp()).collect();
    for row in t.chunks_mut(cols) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|t| *t *= 1.25 / sum);
    }
    given([rows, cols], &t)
}

#[test]
fn scalar_loss_with_and_without_row_weights() {
    for rows in awkward(64) {
        for (cols, scale, smoothing) in [(4, 1.0, 0.1), (1, 1.0, 0.1), (24, 20.0, 0.0), (2, 20.0, 0.1)] {
            let size = (rows, cols);
            let mut z = normal(rows as u64, [rows, cols]);
            z.values.iter_mut().for_each(|z| *z = f64::from((*z * scale) as f32));
            let w = weights(rows);
            let s = f64::from(smoothing);
            check(
                &format!("cross_entropy {size:?} smoothing {smoothing}"),
                tol::SUM,
                &[z, labels(3, rows, cols), given([rows], &w)],
                |g, x| {
                    let plain = ops::cross_entropy(g, x[0], x[1], None, smoothing)?;
                    Ok(vec![plain, ops::cross_entropy(g, x[0], x[1], Some(x[2]), smoothing)?])
                },
                |x| {
                    let l = reference::forward(size, s, &x[0], &x[1]);
                    vec![vec![row_mean::forward(&l, &vec![1.0; rows])], vec![row_mean::forward(&l, &x[2])]]
                },
                |x, dy| {
                    let plain = row_mean::backward(&vec![1.0; rows], dy[0][0]);
                    let dl: Vec<f64> = plain.iter().zip(row_mean::backward(&x[2], dy[1][0])).map(|(a, b)| a + b).collect();
                    vec![Some(reference::backward(size, s, &x[0], &x[1], &dl)), None, None]
                },
            );
        }
    }
}

/// Logits far beyond what exp can take, and labels that are one-hot.
#[test]
fn extreme_logits_stay_finite() {
    let z = [1e4, -1e4, 0.0, 3e30, -3e30, 0.0];
    let t = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    check(
        "cross_entropy of extreme logits",
        tol::FUNCTION,
        &[In { diff: true, ..given([2, 3], &z) }, given([2, 3], &t)],
        |g, x| Ok(vec![ops::cross_entropy_rows(g, x[0], x[1], 0.0)?]),
        |_| vec![vec![2e4, 0.0]],
        |_, dy| vec![Some(vec![dy[0][0], -dy[0][0], 0.0, 0.0, 0.0, 0.0]), None],
    );
}

#[test]
fn wrong_shapes_are_refused() {
    let mut g = Graph::new();
    let (z, t, flat) = (g.input("z", [4, 3]), g.input("t", [4, 2]), g.input("f", [4]));
    let message = |r: emotone::Result<_>| r.map(|_| ()).unwrap_err().to_string();
    assert!(message(ops::cross_entropy(&mut g, z, t, None, 0.1)).contains("cross_entropy: expected (4, 3), got (4, 2)"));
    assert!(message(ops::cross_entropy(&mut g, flat, flat, None, 0.1)).contains("2 dimensions"));
    assert!(message(ops::cross_entropy(&mut g, z, z, None, 1.5)).contains("label smoothing"));
    assert!(message(ops::cross_entropy(&mut g, z, z, None, f32::NAN)).contains("label smoothing"));
}
