//! Scaling of channels.

use super::{Case, awkward, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::channel_scale as reference;

/// Feature maps (b, c, h, w) by a factor per channel.
pub fn case([b, c, h, w]: [usize; 4]) -> Case {
    let inputs = [normal(1, [b, c, h, w]), normal(2, [b, c])];
    Case::new("channel scale", format!("{b}x{c}x{h}x{w}"), inputs, |g, x| ops::channel_scale(g, x[0], x[1]))
        .forward(move |x| reference::forward(h * w, &x[0], &x[1]))
        .backward(move |x, dy| reference::backward(h * w, &x[0], &x[1], &dy[0]))
        .tolerance(tol::SUM)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(64).into_iter().flat_map(|n| [[1, 1], [2, 3], [3, 17], [4, 33]].map(|[b, c]| case([b, c, n, 1]))).collect()
}
