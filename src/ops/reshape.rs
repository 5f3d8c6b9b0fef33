//! Reshape: the same memory under another shape, free.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::{Error, Result};

struct Reshape {
    shape: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("reshape", inputs, 1)?;
        if inputs[0].elements() != self.shape.elements() {
            return Err(Error::shape("reshape", format!("{} elements for {}", self.shape.elements(), self.shape), inputs[0].to_string()));
        }
        Ok(vec![self.shape.clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let shape = g.shape(g.inputs(node)[0]).clone();
        Ok(vec![Some(reshape(g, dy, shape)?)])
    }
    fn lower(&self, _: &mut Lowering) -> Result<()> {
        Ok(())
    }
    fn is_view(&self) -> bool {
        true
    }
}

/// The same elements in the same order under another shape.
///
/// # Errors
/// When the number of elements differs.
pub fn reshape(g: &mut Graph, x: Var, shape: impl Into<Shape>) -> Result<Var> {
    let shape = shape.into();
    if *g.shape(x) == shape {
        return Ok(x);
    }
    g.apply1(Reshape { shape }, &[x])
}
