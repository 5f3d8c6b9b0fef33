//! Values stored in state: a copy, where they cannot be made there.

use super::{Case, awkward, fixed, normal};
use crate::graph::{STATE_ALIGN, StateRef};
use crate::kernels::Target;

fn case(n: usize) -> Case {
    Case::new("copy", n.to_string(), [normal(1, [n]).state(), fixed(2, [n])], |g, x| {
        g.store(x[1], StateRef { buffer: "x0".into(), offset: STATE_ALIGN });
        Ok(())
    })
    .forward(|x| x[1].clone())
    .tolerance(0.0)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    awkward(128).map(case).into()
}
