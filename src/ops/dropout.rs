//! Dropout (Srivastava et al. 2014), inverted: kept values are scaled up.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::dropout as kernel;
use crate::{Error, Result};

struct Dropout {
    rate: f32,
    stream: u32,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("dropout", inputs, 2)?;
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Error::shape("dropout", "a rate in 0..1", self.rate.to_string()));
        }
        if *inputs[1] != [4] {
            return Err(Error::shape("dropout", "4 words of random state", inputs[1].to_string()));
        }
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let rng = g.inputs(node)[1];
        Ok(vec![Some(dropout(g, dy, rng, self.rate, self.stream)?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::dropout(cx.caps(), n, self.stream, self.rate, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Zeroes values with probability `rate` and scales the others by `1/(1 − rate)`. `rng` is the input `[seed low, seed high, step, 0]`,
/// `stream` a number no other layer uses.
///
/// # Errors
/// When the rate is not in 0..1.
pub fn dropout(g: &mut Graph, x: Var, rng: Var, rate: f32, stream: u32) -> Result<Var> {
    g.apply1(Dropout { rate, stream }, &[x, rng])
}
