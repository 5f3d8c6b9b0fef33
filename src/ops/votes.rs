//! Votes of one-vs-one machines.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::votes as kernel;
use crate::{Error, Result};

/// Input decisions (B, K (K − 1) / 2); output (B, K).
struct Votes {
    classes: usize,
}

impl Op for Votes {
    fn name(&self) -> &'static str {
        "votes"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("votes", inputs, 1)?;
        rank("votes", &inputs[0], 2)?;
        let pairs = self.classes * self.classes.saturating_sub(1) / 2;
        if inputs[0][1] != pairs {
            return Err(Error::shape("votes", format!("(B, {pairs}) for the pairs of {} classes", self.classes), inputs[0].to_string()));
        }
        Ok(vec![[inputs[0][0], self.classes].into()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::votes(cx.output_shape(0)[0], self.classes, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// How many machines speak for each class: decisions (B, K (K − 1) / 2) of a machine per pair (0,1), (0,2) .. (K − 2, K − 1), positive for the
/// pair's first class, to (B, K). It has no derivative.
///
/// # Errors
/// When there is not a decision per pair.
pub fn votes(g: &mut Graph, decision: Var, classes: usize) -> Result<Var> {
    g.apply1(Votes { classes }, &[decision])
}
