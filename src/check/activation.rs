//! Activations near zero and far out.

use super::{Case, awkward, normal, tol};
use crate::Result;
use crate::kernels::Target;
use crate::graph::{Graph, Shape, Var};
use crate::kernels::activation::Kind;
use crate::ops;
use crate::reference::activation as reference;

/// The activations under the doctor's names.
pub const KINDS: [(&str, Kind); 5] =
    [("relu", Kind::Relu), ("gelu", Kind::Gelu), ("sigmoid", Kind::Sigmoid), ("tanh", Kind::Tanh), ("ln", Kind::Ln)];

/// Adds an activation to a graph.
///
/// # Errors
/// See [`ops::relu`].
pub fn apply(kind: Kind, g: &mut Graph, x: Var) -> Result<Var> {
    match kind {
        Kind::Relu => ops::relu(g, x),
        Kind::Sigmoid => ops::sigmoid(g, x),
        Kind::Tanh => ops::tanh(g, x),
        Kind::Gelu => ops::gelu(g, x),
        Kind::Ln => ops::ln(g, x),
    }
}

/// Values of about `scale`.
pub fn case((name, kind): (&'static str, Kind), shape: impl Into<Shape>, scale: f64) -> Case {
    let shape = shape.into();
    let x = normal(shape.elements() as u64, shape).map(move |v| v * scale);
    Case::new(name, format!("{} at scale {scale}", x.shape), [x], move |g, x| apply(kind, g, x[0]))
        .forward(move |x| reference::forward(kind, &x[0]))
        .backward(move |x, dy| reference::backward(kind, &x[0], &dy[0]))
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let mut all = Vec::new();
    for kind in KINDS {
        all.extend([0.01, 2.0, 30.0].iter().flat_map(|&scale| awkward(128).map(|n| case(kind, [n], scale))));
        all.extend([1, 127, 40_001].map(|n| case(kind, [n], 1.0).doctor(true)));
    }
    all
}
