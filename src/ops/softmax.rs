//! Softmax along any axis.

use super::{arity, axis};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::softmax as kernel;

struct Softmax {
    dim: usize,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("softmax", inputs, 1)?;
        axis("softmax", &inputs[0], self.dim)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let y = g.output_of(node, 0);
        Ok(vec![Some(g.apply1(SoftmaxBackward { dim: self.dim }, &[y, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let around = cx.input_shape(0).around(self.dim);
        cx.launch(kernel::forward(cx.target(), around, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Inputs `y`, `dy`; output `dx`.
struct SoftmaxBackward {
    dim: usize,
}

impl Op for SoftmaxBackward {
    fn name(&self) -> &'static str {
        "softmax_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let around = cx.input_shape(0).around(self.dim);
        cx.launch(kernel::backward(cx.target(), around, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `y = exp(x) / Σ exp(x)` along dimension `dim`, any shape.
///
/// # Errors
/// When `dim` is not a dimension of `x`.
pub fn softmax(g: &mut Graph, x: Var, dim: usize) -> Result<Var> {
    g.apply1(Softmax { dim }, &[x])
}
