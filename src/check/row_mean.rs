//! The weighted mean over rows, alone and under a loss per row.

use super::{Case, Input, awkward, given, normal, tol};
use crate::Result;
use crate::kernels::Target;
use crate::graph::{Graph, Var};
use crate::ops;
use crate::reference::row_mean as reference;

/// Row weights of which some are 0.
pub(super) fn weights(rows: usize) -> Vec<f64> {
    (0..rows).map(|b| [0.5, 0.0, 1.0, 0.25][b % 4]).collect()
}

/// The mean of a loss over the rows of `logits` and `target`, without and with row weights. `rows` and `rows_backward` are the loss of
/// each row and its gradient.
pub(super) fn mean_loss(
    variant: &str,
    name: String,
    [logits, target]: [Input; 2],
    loss: impl Fn(&mut Graph, Var, Var, Option<Var>) -> Result<Var> + 'static,
    rows: impl Fn(&[f64], &[f64]) -> Vec<f64> + 'static,
    rows_backward: impl Fn(&[f64], &[f64], &[f64]) -> Vec<f64> + 'static,
) -> Case {
    let n = logits.shape[0];
    let inputs = [logits, target, given([n], weights(n))];
    Case::new(variant, name, inputs, move |g, x| Ok([loss(g, x[0], x[1], None)?, loss(g, x[0], x[1], Some(x[2]))?]))
        .forward(move |x| {
            let l = rows(&x[0], &x[1]);
            [vec![reference::forward(&l, &vec![1.0; n])], vec![reference::forward(&l, &x[2])]]
        })
        .backward(move |x, dy| {
            let plain = reference::backward(&vec![1.0; n], dy[0][0]);
            let dloss: Vec<f64> = plain.iter().zip(reference::backward(&x[2], dy[1][0])).map(|(a, b)| a + b).collect();
            rows_backward(&x[0], &x[1], &dloss)
        })
        .tolerance(tol::SUM)
}

fn weighted(n: usize, w: Vec<f64>) -> Case {
    Case::new("row mean", format!("{n} weighted"), [normal(n as u64, [n]), given([n], w)], |g, x| ops::row_mean(g, x[0], Some(x[1])))
        .forward(|x| vec![reference::forward(&x[0], &x[1])])
        .backward(|x, dy| reference::backward(&x[1], dy[0][0]))
        .tolerance(tol::SUM)
}

fn plain(n: usize) -> Case {
    Case::new("row mean", n.to_string(), [normal(n as u64, [n])], |g, x| ops::row_mean(g, x[0], None))
        .forward(move |x| vec![reference::forward(&x[0], &vec![1.0; n])])
        .backward(move |_, dy| reference::backward(&vec![1.0; n], dy[0][0]))
        .tolerance(tol::SUM)
}

/// The filling of a short batch may be anything.
fn of_weight_zero() -> Case {
    let inputs = [given([3], [1.0, f64::NAN, 3.0]), given([3], [1.0, 0.0, 1.0])];
    Case::new("row mean", "NaN of weight zero", inputs, |g, x| ops::row_mean(g, x[0], Some(x[1]))).forward(|_| vec![2.0])
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = |n| [plain(n), weighted(n, vec![1.0; n]), weighted(n, weights(n)), weighted(n, vec![0.0; n])];
    awkward(64).into_iter().flat_map(sizes).chain([of_weight_zero()]).collect()
}
