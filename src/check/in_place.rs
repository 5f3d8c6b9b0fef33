//! Moving averages, sums and constants in state, over several runs.

use super::{Case, awkward, each_run, given, normal};
use crate::kernels::Target;
use crate::ops;
use crate::reference::{in_place as reference, noise};

fn averages(n: usize) -> Case {
    let inputs = [normal(1, [n]).state(), normal(2, [n]).state(), each_run([n], move |run| noise(10 + run as u64, n))];
    Case::new("in place", format!("ema and accumulate of {n}"), inputs, |g, x| {
        ops::ema(g, x[0], x[2], 0.9)?;
        ops::accumulate(g, x[1], x[2], 0.25)
    })
    .forward(|x| {
        let (mut average, mut sum) = (x[0].clone(), x[1].clone());
        reference::ema(&mut average, &x[2], 0.9);
        reference::accumulate(&mut sum, &x[2], 0.25);
        [average, sum]
    })
    .runs(4)
}

fn filled(n: usize) -> Case {
    Case::new("in place", format!("fill of {n}"), [normal(1, [n]).state()], |g, x| ops::fill(g, x[0], -2.5))
        .forward(move |_| vec![-2.5; n])
        .tolerance(0.0)
        .runs(4)
}

/// Gradients of micro-batches: cleared, summed, then read in the order of the nodes, in one program.
fn in_order() -> Case {
    let inputs = [given([70], [9.0; 70]).state(), given([70], [3.0; 70])];
    Case::new("in place", "in the order of the nodes", inputs, |g, x| {
        ops::fill(g, x[0], 1.0)?;
        ops::accumulate(g, x[0], x[1], 1.0)?;
        let doubled = ops::scale(g, x[0], 2.0)?;
        ops::accumulate(g, x[0], x[1], 1.0)?;
        Ok(doubled)
    })
    .forward(|_| [vec![8.0; 70], vec![7.0; 70]])
    .tolerance(0.0)
    .runs(2)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(4096).into_iter().flat_map(|n| [averages(n), filled(n)]).chain([in_order()]).collect()
}
