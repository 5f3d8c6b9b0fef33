//! Zeros behind the valid positions of sequences.

use super::{arity, masked_softmax};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::time_mask::{self as kernel, Sequences};

/// Inputs `x`, `lengths`; of the gradient `dy`, `lengths`.
#[derive(Clone, Copy)]
struct TimeMask {
    per: usize,
    spread: bool,
}

impl Op for TimeMask {
    fn name(&self) -> &'static str {
        "time_mask"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 2)?;
        masked_softmax::check(self.name(), &inputs[0], &inputs[1], self.per)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let lengths = g.inputs(node)[1];
        Ok(vec![Some(g.apply1(*self, &[dy, lengths])?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (x, inputs) = (cx.input_shape(0), cx.input_shape(1)[0]);
        let cols = x.last().copied().unwrap_or(1);
        let rows = x.elements() / cols.max(1);
        let sequences = Sequences { rows, cols, own: rows / inputs.max(1), per: self.per, spread: self.spread };
        cx.launch(kernel::forward(cx.target(), &sequences, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `x` with zeros behind the first `lengths/per` positions along the last axis, whatever stands there: what a convolution then sees behind the
/// end does not depend on the room a sequence is in. With `spread` the valid values are multiplied by T over their number, so that the mean
/// over all positions is that of `x` over the valid ones. All zeros where none is valid.
///
/// # Shapes
/// `x` (N, ..., T), `lengths` (B) as unsigned integers: the first N/B of the N belong to the first input, and so on → the shape of `x`.
///
/// # Errors
/// Other shapes; `per` of 0.
pub fn time_mask(g: &mut Graph, x: Var, lengths: Var, per: usize, spread: bool) -> Result<Var> {
    g.apply1(TimeMask { per, spread }, &[x, lengths])
}
