//! Statistics pooling of sequences of different length, plain and by attention, with garbage behind the valid positions.

use super::{Case, Input, awkward, counts, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::{masked_softmax, time_pool as reference};

/// Sequences of `frames`, a half, none and one of which are valid.
fn valid(frames: usize) -> [usize; 4] {
    [frames, frames.div_ceil(2), 0, 1]
}

/// Values (4, frames, width), whose deviation is not their mean, and the lengths.
fn inputs(frames: usize, width: usize, per: usize) -> [Input; 2] {
    let own = valid(frames);
    let x = normal(1, [4, frames, width]);
    let x = x.each(move |i, v| if i / width % frames < own[i / (width * frames)] { 1.5 + v } else { 1e30 });
    [x, counts(&own.map(|n| n * per + per - 1))]
}

fn plain(frames: usize, width: usize, per: usize) -> Case {
    let (size, own) = ((frames, width), valid(frames));
    let weights = reference::plain(frames, &own);
    let again = weights.clone();
    Case::new("time pool", format!("{frames} of {width}"), inputs(frames, width, per), move |g, x| ops::time_pool(g, x[0], None, x[1], per))
        .forward(move |x| reference::forward(size, &own, &weights, &x[0]))
        .backward(move |x, dy| reference::backward(size, &own, &again, &x[0], &dy[0]).0)
        .tolerance(tol::SUM)
}

fn weighted(frames: usize, width: usize, per: usize) -> Case {
    let (size, own) = ((frames, width), valid(frames));
    let [x, lengths] = inputs(frames, width, per);
    let build = move |g: &mut _, x: &mut [_]| {
        let a = ops::masked_softmax(g, x[2], x[1], per)?;
        ops::time_pool(g, x[0], Some(a), x[1], per)
    };
    let attention = move |scores: &[f64]| masked_softmax::forward(frames, &own, scores);
    Case::new("attentive time pool", format!("{frames} of {width}"), [x, lengths, normal(2, [4, frames])], build)
        .forward(move |x| reference::forward(size, &own, &attention(&x[2]), &x[0]))
        .backward(move |x, dy| {
            let a = attention(&x[2]);
            let (dx, da) = reference::backward(size, &own, &a, &x[0], &dy[0]);
            [dx, masked_softmax::backward(frames, &own, &a, &da)]
        })
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes = awkward(32).into_iter().flat_map(|frames| [(frames, 5, 2), (frames, 130, 1)]).chain([(3, 1, 1), (1000, 7, 2)]);
    sizes.flat_map(|(frames, width, per)| [plain(frames, width, per), weighted(frames, width, per)]).collect()
}
