//! Short-term features of clips of different length, loud, silent and short.

use super::{Case, clips, fixed, tol};
use crate::Result;
use crate::graph::{Graph, Var};
use crate::kernels::Target;
use crate::ops;
use crate::reference::short_term as reference;

fn case(n: usize, hop: usize, samples: usize, lengths: &'static [usize]) -> Case {
    let frames = if samples < n { 1 } else { 1 + (samples - n) / hop };
    let [x, counts] = clips(samples, lengths);
    // The second clip is silent. Magnitudes fall with the frequency, as those of speech do, and stand behind the last frame too.
    let x = x.each(move |i, v| if i / samples == 1 { 0.0 } else { v });
    let mag = fixed(6, [lengths.len(), frames, n / 2]).each(move |i, v| match i / (frames * n / 2) {
        1 => 0.0,
        _ => v.abs() / (1.0 + (i % (n / 2)) as f64),
    });
    let name = format!("{n} every {hop} of {lengths:?}");
    let build = move |g: &mut Graph, x: &mut [Var]| {
        let y = ops::short_term(g, x[0], x[1], x[2], 16_000, n, hop)?;
        GROUPS.iter().map(|&(from, to)| ops::slice(g, y, 2, from, to)).collect::<Result<Vec<Var>>>()
    };
    Case::new("short_term", name, [x, counts, mag], build)
        .forward(move |x| {
            let y = reference::forward(samples, lengths, (n, hop), 16_000.0, &x[0], &x[2]);
            let group = |(from, to): (usize, usize)| y.chunks(34).flat_map(|f| f[from..to].to_vec()).collect::<Vec<f64>>();
            GROUPS.map(group)
        })
        .tolerance(tol::FUNCTION)
}

/// Features that are compared with each other, so that small ones count beside large ones.
const GROUPS: [(usize, usize); 12] =
    [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 21), (21, 33), (33, 34)];

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    vec![
        case(3200, 1600, 9700, &[9700, 6400, 4800, 0]),
        case(400, 160, 1000, &[1000, 1000, 399, 400]),
        case(46, 20, 200, &[200, 66, 90]),
        case(258, 100, 700, &[700, 500]),
        case(64, 16, 30, &[30, 30]),
    ]
}
