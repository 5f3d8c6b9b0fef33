//! Votes of one-vs-one machines.

use super::{Case, awkward, fixed};
use crate::kernels::Target;
use crate::ops;
use crate::reference::votes as reference;

fn case(rows: usize, classes: usize) -> Case {
    // Every third decision is 0.
    let decision = fixed(rows as u64, [rows, classes * (classes - 1) / 2]).each(|i, v| if i % 3 == 0 { 0.0 } else { v });
    Case::new("votes", format!("{rows} of {classes}"), [decision], move |g, x| ops::votes(g, x[0], classes))
        .forward(move |x| reference::forward(classes, &x[0]))
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(64).into_iter().flat_map(|rows| [2, 3, 7].map(|classes| case(rows, classes))).collect()
}
