//! Vectors of capsules: squashing and lengths.

use super::{Case, Input, awkward, given, normal, tol};
use crate::kernels::Target;
use crate::ops;
use crate::reference::squash as reference;

fn squash(name: &str, x: Input) -> Case {
    let (cols, name) = (x.shape.last().copied().unwrap_or(1), format!("{} {name}", x.shape));
    Case::new("squash", name, [x], |g, x| ops::squash(g, x[0]))
        .forward(move |x| reference::forward(cols, &x[0]))
        .backward(move |x, dy| reference::backward(cols, &x[0], &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// Squashing of capsules (b, n, d).
pub fn case(shape: [usize; 3]) -> Case {
    squash("", normal(1, shape))
}

fn length(name: &str, x: Input) -> Case {
    let (cols, name) = (x.shape.last().copied().unwrap_or(1), format!("{} {name}", x.shape));
    Case::new("length", name, [x], |g, x| ops::length(g, x[0]))
        .forward(move |x| reference::length(cols, &x[0]))
        .backward(move |x, dy| reference::length_backward(cols, &x[0], &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// Vectors of length 0, of hardly any, and of much.
fn extremes() -> Input {
    given([4, 2], [0.0, 0.0, 3e-6, -4e-6, 300.0, 400.0, 0.0, 1.0]).differentiable()
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = vec![squash("of all lengths", extremes()), length("of all lengths", extremes())];
    for n in awkward(64) {
        for shape in [[1, n, 8], [3, n, 16], [2, n, 5], [2, n, 1]] {
            all.extend([case(shape), length("", normal(2, shape))]);
        }
    }
    all.push(case([2, 3, 131]).doctor(true));
    all
}
