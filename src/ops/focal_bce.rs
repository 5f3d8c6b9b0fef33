//! Focal binary cross-entropy on softmax outputs: the loss of Res-Trans.

use super::row_mean::{row_mean, rows, size, within};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::focal_bce as kernel;

/// Inputs logits and labels (B, K); output losses (B).
#[derive(Clone, Copy)]
struct FocalBce {
    gamma: f32,
    smoothing: f32,
}

impl Op for FocalBce {
    fn name(&self) -> &'static str {
        "focal_bce"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("focal_bce", inputs, 2)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (z, t) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(FocalBceBackward(*self), &[z, t, dl])?), None])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), self.smoothing, self.gamma, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs logits, labels, `dl`; output `dz`.
struct FocalBceBackward(FocalBce);

impl Op for FocalBceBackward {
    fn name(&self) -> &'static str {
        "focal_bce_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(size(cx), self.0.smoothing, self.0.gamma, cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// Loss of every row, shape (B): see [`focal_bce`].
///
/// # Errors
/// See [`focal_bce`].
pub fn focal_bce_rows(g: &mut Graph, logits: Var, target: Var, gamma: f32, label_smoothing: f32) -> Result<Var> {
    within("focal_bce", "label smoothing", label_smoothing, 0.0..=1.0)?;
    within("focal_bce", "gamma", gamma, 0.0..=f32::MAX)?;
    g.apply1(FocalBce { gamma, smoothing: label_smoothing }, &[logits, target])
}

/// `mean_{b,k} (1 − e^{−L})^γ·L` with `L = −(y ln p + (1 − y) ln(1 − p))`, `p = softmax(z)`, `y = (1 − s)·t + s/K`: logits `z`
/// (B, K), labels `t` (B, K) in 0..=1 (one-hot, soft or multi-hot), smoothing `s`; shape (1). Labels are not differentiated, nothing
/// else is detached. As in Res-Trans's released code, but computed from logits, so that no clamp of the logarithms is needed.
///
/// `row_weight` (B), not negative, makes it a weighted mean over rows; see [`row_mean`].
///
/// # Errors
/// When shapes differ, there are fewer than two classes, `gamma` is negative or the smoothing outside 0..=1.
pub fn focal_bce(g: &mut Graph, logits: Var, target: Var, row_weight: Option<Var>, gamma: f32, label_smoothing: f32) -> Result<Var> {
    let rows = focal_bce_rows(g, logits, target, gamma, label_smoothing)?;
    row_mean(g, rows, row_weight)
}
