//! Sum and mean along one axis, which is dropped.

use super::{arity, axis};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::reduce as kernel;

struct Reduce {
    dim: usize,
    mean: bool,
}

impl Reduce {
    fn scale(&self, shape: &Shape) -> f32 {
        if self.mean { 1.0 / shape[self.dim] as f32 } else { 1.0 }
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        if self.mean { "mean" } else { "sum" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 1)?;
        axis(self.name(), &inputs[0], self.dim)?;
        let mut shape = inputs[0].clone();
        shape.0.remove(self.dim);
        Ok(vec![shape])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let shape = g.shape(g.inputs(node)[0]).clone();
        let scale = self.scale(&shape);
        Ok(vec![Some(g.apply1(ReduceBackward { dim: self.dim, scale, shape }, &[dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let shape = cx.input_shape(0);
        let (around, scale) = (shape.around(self.dim), self.scale(shape));
        let (target, operands) = (cx.target(), [cx.input(0), cx.output(0)]);
        kernel::sum(target, around, scale, operands, |n| cx.scratch(n)).into_iter().for_each(|l| cx.launch(l));
        Ok(())
    }
}

/// `dx[., j, .] = scale · dy`.
pub(super) struct ReduceBackward {
    dim: usize,
    scale: f32,
    shape: Shape,
}

impl ReduceBackward {
    /// The factor, where this repeats each of `rows` values along the rest of the memory.
    pub(super) fn factor_of_rows(&self, rows: usize) -> Option<f32> {
        let (outer, _, inner) = self.shape.around(self.dim);
        (outer == rows && inner == 1).then_some(self.scale)
    }
}

impl Op for ReduceBackward {
    fn name(&self) -> &'static str {
        "reduce_bwd"
    }
    fn shapes(&self, _: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![self.shape.clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(cx.target(), self.shape.around(self.dim), self.scale, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// `Σ` along `dim`, which is dropped.
///
/// # Errors
/// When `dim` is not a dimension of `x`.
pub fn sum(g: &mut Graph, x: Var, dim: usize) -> Result<Var> {
    g.apply1(Reduce { dim, mean: false }, &[x])
}

/// Arithmetic mean along `dim`, which is dropped.
///
/// # Errors
/// When `dim` is not a dimension of `x`.
pub fn mean(g: &mut Graph, x: Var, dim: usize) -> Result<Var> {
    g.apply1(Reduce { dim, mean: true }, &[x])
}
