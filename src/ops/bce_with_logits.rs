//! Sigmoid binary cross-entropy.

use super::row_mean::{row_mean, rows, size};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::bce_with_logits as kernel;

/// Inputs logits and labels (B, K); output losses (B).
#[derive(Clone, Copy)]
struct BceWithLogits;

impl Op for BceWithLogits {
    fn name(&self) -> &'static str {
        "bce_with_logits"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("bce_with_logits", inputs, 1)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (z, t) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(BceWithLogitsBackward, &[z, t, dl])?), None])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs logits, labels, `dl`; output `dz`.
struct BceWithLogitsBackward;

impl Op for BceWithLogitsBackward {
    fn name(&self) -> &'static str {
        "bce_with_logits_bwd"
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

/// Loss of every row, the mean over its columns, shape (B): see [`bce_with_logits`].
///
/// # Errors
/// See [`bce_with_logits`].
pub fn bce_with_logits_rows(g: &mut Graph, logits: Var, target: Var) -> Result<Var> {
    g.apply1(BceWithLogits, &[logits, target])
}

/// `mean_{b,k} −(t ln σ(z) + (1 − t) ln(1 − σ(z)))`: logits `z` (B, K), labels `t` (B, K) in 0..=1; shape (1). PyTorch's
/// `binary_cross_entropy_with_logits`. Labels are not differentiated.
///
/// `row_weight` (B), not negative, makes it a weighted mean over rows; see [`row_mean`].
///
/// # Errors
/// When shapes differ.
pub fn bce_with_logits(g: &mut Graph, logits: Var, target: Var, row_weight: Option<Var>) -> Result<Var> {
    let rows = bce_with_logits_rows(g, logits, target)?;
    row_mean(g, rows, row_weight)
}
