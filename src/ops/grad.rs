//! Gradients of a graph's values, as further nodes of it.

use super::pointwise::add;
use crate::graph::{Graph, Var};
use crate::{Error, Result};

/// Gradients of a scalar `loss` with respect to `wanted`.
///
/// # Errors
/// When `loss` is not a scalar, or a wanted value does not influence it.
pub fn grad(g: &mut Graph, loss: Var, wanted: &[Var]) -> Result<Vec<Var>> {
    let shape = g.shape(loss).clone();
    if shape.elements() != 1 {
        return Err(Error::shape("grad", "a scalar loss", shape.to_string()));
    }
    let one = g.constant(shape, &[1.0])?;
    grad_from(g, &[(loss, one)], wanted)
}

/// Gradients of `Σ_i dy_i · y_i` with respect to `wanted`, for given upstream gradients `(y_i, dy_i)`.
///
/// # Errors
/// See [`Graph::backward`].
pub fn grad_from(g: &mut Graph, upstream: &[(Var, Var)], wanted: &[Var]) -> Result<Vec<Var>> {
    g.backward(upstream, wanted, add)
}
