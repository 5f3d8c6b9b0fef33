//! Slopes, and slopes of slopes, over clips of different length.

use super::{Case, counts, fixed, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::delta::slope;

fn case(frames: usize) -> Case {
    let (bands, hop) = (5, 100);
    let own = [frames, frames.div_ceil(2), 0];
    let inside = move |i: usize| i % frames < own[i / (bands * frames)];
    let x = fixed(1, [3, bands, frames]).each(move |i, v| if inside(i) { v } else { 1e30 });
    let lengths = counts(&own.map(|n| if n == 0 { 0 } else { (n - 1) * hop + 1 }));
    Case::new("delta", format!("{frames} frames"), [x, lengths], move |g, x| ops::delta(g, x[0], x[1], hop, 8.0))
        .forward(move |x| {
            let own = |row: usize| own[row / bands];
            let values: Vec<f64> = x[0].iter().enumerate().map(|(i, v)| if inside(i) { *v } else { 0.0 }).collect();
            let d = slope(frames, own, 8.0, &x[0]);
            let dd = slope(frames, own, 8.0, &d);
            let planes = (0..3).map(|b| b * bands * frames..(b + 1) * bands * frames);
            planes.flat_map(|p| [&values[p.clone()], &d[p.clone()], &dd[p]].concat()).collect::<Vec<f64>>()
        })
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    [1, 3, 8, 9, 31, 130].map(case).into()
}
