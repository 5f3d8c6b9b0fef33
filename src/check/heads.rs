//! Attention's heads: queries, keys and values taken apart, outputs put together.

use super::{Case, normal};
use crate::kernels::Target;
use crate::ops;
use crate::reference::heads as reference;

/// Tokens (b, t, 3 h d) to queries, keys and values (b, h, t, d).
pub fn split(e @ [b, h, t, d]: [usize; 4]) -> Case {
    Case::new("split heads", format!("{e:?}"), [normal(1, [b, t, 3 * h * d])], move |g, x| ops::split_qkv(g, x[0], h))
        .forward(move |x| -> Vec<Vec<f64>> { (0..3).map(|p| reference::split(e, 3, p, &x[0])).collect() })
        .backward(move |x, dy| {
            let mut dx = vec![0.0; x[0].len()];
            (0..3).for_each(|p| reference::merge(e, 3, p, &dy[p], &mut dx));
            dx
        })
}

/// Keys alone have a gradient; the others' is zero.
fn keys() -> Case {
    let e = [2, 3, 5, 7];
    Case::new("split heads", "keys alone", [normal(1, [2, 5, 63])], |g, x| Ok(ops::split_qkv(g, x[0], 3)?[1]))
        .forward(move |x| reference::split(e, 3, 1, &x[0]))
        .backward(move |x, dy| {
            let mut dx = vec![0.0; x[0].len()];
            reference::merge(e, 3, 1, &dy[0], &mut dx);
            dx
        })
}

/// Tokens (b, t, h d) to (b, h, t, d).
fn one(e @ [b, h, t, d]: [usize; 4]) -> Case {
    Case::new("split heads", format!("one of {e:?}"), [normal(1, [b, t, h * d])], move |g, x| ops::split_heads(g, x[0], h))
        .forward(move |x| reference::split(e, 1, 0, &x[0]))
        .backward(move |x, dy| {
            let mut dx = vec![0.0; x[0].len()];
            reference::merge(e, 1, 0, &dy[0], &mut dx);
            dx
        })
}

fn merge(e: [usize; 4]) -> Case {
    Case::new("merge heads", format!("{e:?}"), [normal(1, e)], |g, x| ops::merge_heads(g, x[0]))
        .forward(move |x| {
            let mut y = vec![0.0; x[0].len()];
            reference::merge(e, 1, 0, &x[0], &mut y);
            y
        })
        .backward(move |_, dy| reference::split(e, 1, 0, &dy[0]))
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let extents = [[1, 1, 1, 1], [2, 3, 5, 7], [3, 8, 4, 16], [1, 2, 65, 33], [2, 5, 3, 129]];
    extents.into_iter().flat_map(|e| [split(e), one(e), merge(e)]).chain([keys()]).collect()
}
