//! The first filter of speech.

use super::{Case, clips};
use crate::kernels::Target;
use crate::ops;
use crate::reference::pre_emphasis as reference;

fn case(samples: usize, lengths: &'static [usize]) -> Case {
    Case::new("pre-emphasis", format!("{lengths:?}"), clips(samples, lengths), |g, x| ops::pre_emphasis(g, x[0], x[1], 0.97))
        .forward(move |x| reference::forward(samples, lengths, 0.97, &x[0]))
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    vec![case(1, &[1, 0]), case(127, &[127]), case(129, &[129, 3, 128]), case(700, &[0, 700, 1])]
}
