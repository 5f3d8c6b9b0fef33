//! A value that passes no gradient on.

use super::arity;
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};

/// A view whose input counts as a constant.
struct StopGradient;

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("stop_gradient", inputs, 1)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, _: &mut Graph, _: NodeId, _: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }
    fn lower(&self, _: &mut Lowering) -> Result<()> {
        Ok(())
    }
    fn is_view(&self) -> bool {
        true
    }
}

/// `x`, as a constant to differentiation: PyTorch's `detach`.
///
/// # Errors
/// None for valid graphs.
pub fn stop_gradient(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(StopGradient, &[x])
}
