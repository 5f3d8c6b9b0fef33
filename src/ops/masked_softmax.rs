//! Softmax over the valid values of rows.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::masked_softmax::Masked;
use crate::{Error, Result};

/// Inputs `x`, `lengths`.
#[derive(Clone, Copy)]
struct MaskedSoftmax {
    per: usize,
}

impl MaskedSoftmax {
    fn masked(&self, x: &Shape, lengths: &Shape) -> Masked {
        let cols = x.last().copied().unwrap_or(1);
        let rows = x.elements() / cols.max(1);
        Masked { rows, cols, own: rows / lengths[0].max(1), per: self.per }
    }
}

/// Checks that there is a length for each of some equal parts of the first dimension of `x`.
pub(super) fn check(op: &str, x: &Shape, lengths: &Shape, per: usize) -> Result<()> {
    let fits = matches!(lengths.0[..], [n] if n > 0 && x[0].is_multiple_of(n));
    if x.rank() < 2 || !fits || per == 0 {
        let expected = "(N, ..., S), lengths (B) with B a divisor of N, and at least 1 for each value";
        return Err(Error::shape(op, expected, format!("{x}, {lengths} and {per}")));
    }
    Ok(())
}

impl Op for MaskedSoftmax {
    fn name(&self) -> &'static str {
        "masked_softmax"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 2)?;
        check(self.name(), &inputs[0], &inputs[1], self.per)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let (y, lengths) = (g.output_of(node, 0), g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(Backward(*self), &[y, lengths, dy])?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let masked = self.masked(cx.input_shape(0), cx.input_shape(1));
        cx.launch(masked.forward(cx.target(), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs `y`, `lengths`, `dy`; output `dx`.
struct Backward(MaskedSoftmax);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "masked_softmax_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let masked = self.0.masked(cx.input_shape(0), cx.input_shape(1));
        cx.launch(masked.backward(cx.target(), cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// Softmax along the last axis over the first `lengths/per` values of each row; 0 behind them, whatever stands there, and throughout where there
/// are none. The gradient behind them is 0 too.
///
/// # Shapes
/// `x` (N, ..., S), `lengths` (B) as unsigned integers: the first N/B of the N belong to the first input, and so on.
///
/// # Errors
/// Other shapes; `per` of 0.
pub fn masked_softmax(g: &mut Graph, x: Var, lengths: Var, per: usize) -> Result<Var> {
    g.apply1(MaskedSoftmax { per }, &[x, lengths])
}
