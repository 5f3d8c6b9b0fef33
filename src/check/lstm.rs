//! Long short-term memory.

use super::{Case, normal, tol};
use crate::kernels::Target;
use crate::ops::{self, LstmWeights};
use crate::reference::lstm::{Extents, Weights, backward, forward};

/// A layer on b sequences of t times and n features, h units in each direction.
pub fn case([b, t, n, h]: [usize; 4], directions: usize) -> Case {
    let scale = 1.0 / (h as f64).sqrt();
    let mut inputs = vec![normal(1, [b, t, n])];
    for d in 0..directions as u64 {
        let weights = [normal(10 * d + 2, [4 * h, n]), normal(10 * d + 3, [4 * h, h]), normal(10 * d + 4, [4 * h])];
        inputs.extend(weights.map(|w| w.map(move |v| scale * v)));
    }
    let extents = move |d: usize| Extents { b, t, n, h, reverse: d == 1 };
    fn weights(x: &[Vec<f64>], d: usize) -> Weights<'_, f64> {
        Weights { input: &x[3 * d + 1], hidden: &x[3 * d + 2], bias: &x[3 * d + 3] }
    }
    // Row r of direction d lies at r·D + d in blocks of h.
    let block = move |r: usize, d: usize| (r * directions + d) * h;
    Case::new("lstm", format!("{b}x{t}x{n} -> {h}, {directions}"), inputs, move |g, x| {
        let directions: Vec<_> = x[1..].chunks(3).map(|w| LstmWeights { input: w[0], hidden: w[1], bias: w[2] }).collect();
        ops::lstm(g, x[0], &directions)
    })
    .forward(move |x| {
        let mut y = vec![0.0; b * t * directions * h];
        for d in 0..directions {
            for (r, row) in forward(extents(d), &x[0], weights(x, d)).chunks(h).enumerate() {
                y[block(r, d)..][..h].copy_from_slice(row);
            }
        }
        y
    })
    .backward(move |x, dy| {
        let mut all = vec![vec![0.0; x[0].len()]];
        for d in 0..directions {
            let own: Vec<f64> = (0..b * t).flat_map(|r| dy[0][block(r, d)..][..h].to_vec()).collect();
            let [dx, rest @ ..] = backward(extents(d), &x[0], weights(x, d), &own);
            all[0].iter_mut().zip(dx).for_each(|(sum, v)| *sum += v);
            all.extend(rest);
        }
        all
    })
    .tolerance(tol::SUM)
}

/// The cases: one time, one unit, more than a workgroup, products of every kind.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = [[1, 1, 1, 1], [1, 1, 5, 4], [3, 9, 7, 17], [1, 20, 34, 65], [2, 3, 3, 8], [17, 5, 6, 33], [5, 4, 8, 129]];
    let mut all: Vec<Case> = sizes.into_iter().flat_map(|s| [case(s, 1), case(s, 2)]).collect();
    all.push(case([32, 3, 34, 64], 2));
    all
}
