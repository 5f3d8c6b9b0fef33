//! Cases of `bce_with_logits.wgsl`: entries bce_with_logits_fwd and bce_with_logits_bwd.

use crate::case::{In, awkward, check, given, normal, tol};
use crate::row_mean::weights;
use emotone::ops;
use emotone::reference::{bce_with_logits as reference, noise, row_mean};

#[test]
fn scalar_loss_with_and_without_row_weights() {
    for rows in awkward(64) {
        for (cols, scale) in [(1, 1.0), (4, 20.0), (7, 1.0)] {
            let size = (rows, cols);
            let mut z = normal(rows as u64, [rows, cols]);
            z.values.iter_mut().for_each(|z| *z = f64::from((*z * scale) as f32));
            let t: Vec<f64> = noise(5, rows * cols).iter().map(|t| t.abs().min(1.0)).collect();
            check(
                &format!("bce_with_logits {size:?}"),
                tol::SUM,
                &[z, given([rows, cols], &t), given([rows], &weights(rows))],
                |g, x| {
                    let plain = ops::bce_with_logits(g, x[0], x[1], None)?;
                    Ok(vec![plain, ops::bce_with_logits(g, x[0], x[1], Some(x[2]))?])
                },
                |x| {
                    let l = reference::forward(size, &x[0], &x[1]);
                    vec![vec![row_mean::forward(&l, &vec![1.0; rows])], vec![row_mean::forward(&l, &x[2])]]
                },
                |x, dy| {
                    let plain = row_mean::backward(&vec![1.0; rows], dy[0][0]);
                    let dl: Vec<f64> = plain.iter().zip(row_mean::backward(&x[2], dy[1][0])).map(|(a, b)| a + b).collect();
                    vec![Some(reference::backward(size, &x[0], &x[1], &dl)), None, None]
                },
            );
        }
    }
}

/// Losses much smaller than 1 and logits far beyond what exp can take.
#[test]
fn tiny_and_huge_losses_keep_their_digits() {
    let (z, t) = ([12.0, -20.0, 1e5, -3e30], [1.0, 0.0, 0.0, 1.0]);
    for i in 0..4 {
        check(
            &format!("bce_with_logits of {}", z[i]),
            tol::FUNCTION,
            &[In { diff: true, ..given([1, 1], &z[i..=i]) }, given([1, 1], &t[i..=i])],
            |g, x| {
                let l = ops::bce_with_logits_rows(g, x[0], x[1])?;
                Ok(vec![ops::scale(g, l, 1e8)?])
            },
            |x| reference::forward((1, 1), &x[0], &x[1]).iter().map(|l| vec![1e8 * l]).collect(),
            |x, dy| vec![Some(reference::backward((1, 1), &x[0], &x[1], &[1e8 * dy[0][0]])), None],
        );
    }
}
