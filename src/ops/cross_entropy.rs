//! Softmax cross-entropy with soft labels and label smoothing.

use super::row_mean::{row_mean, rows, size, within};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::cross_entropy as kernel;

/// Inputs logits and labels (B, K); output losses (B).
#[derive(Clone, Copy)]
struct CrossEntropy {
    smoothing: f32,
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("cross_entropy", inputs, 1)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (z, t) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(CrossEntropyBackward(*self), &[z, t, dl])?), None])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), self.smoothing, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs logits, labels, `dl`; output `dz`.
struct CrossEntropyBackward(CrossEntropy);

impl Op for CrossEntropyBackward {
    fn name(&self) -> &'static str {
        "cross_entropy_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(size(cx), self.0.smoothing, cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// Loss of every row, shape (B): see [`cross_entropy`].
///
/// # Errors
/// See [`cross_entropy`].
pub fn cross_entropy_rows(g: &mut Graph, logits: Var, target: Var, label_smoothing: f32) -> Result<Var> {
    within("cross_entropy", "label smoothing", label_smoothing, 0.0..=1.0)?;
    g.apply1(CrossEntropy { smoothing: label_smoothing }, &[logits, target])
}

/// `mean_b −Σ_k y[b,k]·ln softmax(z)[b,k]` with `y = (1 − s)·t + s/K`: logits `z` (B, K), soft labels `t` (B, K), smoothing `s`;
/// shape (1). PyTorch's `cross_entropy` with class probabilities. Labels are not differentiated.
///
/// `row_weight` (B), not negative, makes it `Σ w·l / Σ w`; see [`row_mean`].
///
/// # Errors
/// When shapes differ or the smoothing is outside 0..=1.
pub fn cross_entropy(g: &mut Graph, logits: Var, target: Var, row_weight: Option<Var>, label_smoothing: f32) -> Result<Var> {
    let rows = cross_entropy_rows(g, logits, target, label_smoothing)?;
    row_mean(g, rows, row_weight)
}
