//! Squared hinge losses of one-vs-rest machines.

use super::row_mean::{row_mean, rows, size};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::squared_hinge as kernel;

/// Inputs decisions and targets (B, K); output losses (B).
#[derive(Clone, Copy)]
struct SquaredHinge;

impl Op for SquaredHinge {
    fn name(&self) -> &'static str {
        "squared_hinge"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("squared_hinge", inputs, 1)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (f, t) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(SquaredHingeBackward, &[f, t, dl])?), None])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs decisions, targets, `dl`; output the gradient of the decisions.
struct SquaredHingeBackward;

impl Op for SquaredHingeBackward {
    fn name(&self) -> &'static str {
        "squared_hinge_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(size(cx), cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// `mean_b Σ_k max(0, 1 − t f)²`, t = 2 y − 1, of one-vs-rest decisions f (B, K) and targets y (B, K) in 0..=1; shape (1): the loss of support
/// vector machines with squared slack (Cortes & Vapnik 1995; Rifkin & Klautau 2004 for one-vs-rest). Targets are not differentiated.
///
/// `row_weight` (B), not negative, makes it a weighted mean over rows; see [`row_mean`].
///
/// # Errors
/// When shapes differ.
pub fn squared_hinge(g: &mut Graph, decision: Var, target: Var, row_weight: Option<Var>) -> Result<Var> {
    let rows = g.apply1(SquaredHinge, &[decision, target])?;
    row_mean(g, rows, row_weight)
}
