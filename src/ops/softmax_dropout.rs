//! Softmax along the last axis followed by dropout, as attention weights have it.

use super::{arity, dropout, softmax};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::softmax_dropout::Dropped;
use crate::{Error, Result};

/// Inputs x, rng; outputs the softmax and what is kept of it. Only the latter is handed out.
#[derive(Clone, Copy)]
struct SoftmaxDropout {
    rate: f32,
    stream: u32,
}

impl SoftmaxDropout {
    fn dropped(&self, x: &Shape) -> Dropped {
        let cols = x.last().copied().unwrap_or(1);
        Dropped { rows: x.elements() / cols.max(1), cols, rate: self.rate, stream: self.stream }
    }
}

impl Op for SoftmaxDropout {
    fn name(&self) -> &'static str {
        "softmax_dropout"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 2)?;
        dropout::check(self.name(), self.rate, &inputs[1])?;
        if inputs[0].rank() == 0 {
            return Err(Error::shape(self.name(), "(..., N)", inputs[0].to_string()));
        }
        Ok(vec![inputs[0].clone(), inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(d) = dy[1] else { return Ok(vec![None, None]) };
        let (y, kept) = (g.output_of(node, 0), g.output_of(node, 1));
        Ok(vec![Some(g.apply1(Backward(*self), &[y, kept, d])?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let dropped = self.dropped(cx.input_shape(0));
        cx.launch(dropped.forward(cx.target(), cx.input(0), cx.input(1), cx.output(0), cx.output(1)));
        Ok(())
    }
}

/// Inputs y, kept and the gradient of `kept`; output dx.
struct Backward(SoftmaxDropout);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "softmax_dropout_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let dropped = self.0.dropped(cx.input_shape(0));
        cx.launch(dropped.backward(cx.target(), cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// `dropout(softmax(x))` along the last axis, with the numbers [`dropout`](super::dropout()) would draw; without `(rng, rate, stream)`,
/// the softmax alone.
///
/// # Errors
/// When the rate is not in 0..1.
pub fn softmax_dropout(g: &mut Graph, x: Var, dropout: Option<(Var, f32, u32)>) -> Result<Var> {
    match dropout {
        Some((rng, rate, stream)) => Ok(g.apply(SoftmaxDropout { rate, stream }, &[x, rng])?[1]),
        None => {
            let last = g.shape(x).rank().saturating_sub(1);
            softmax(g, x, last)
        }
    }
}
