//! Margin loss of capsule lengths.

use super::row_mean::{row_mean, rows, size};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::margin as kernel;

/// Constants of [`margin`], by default those of Sabour et al. 2017.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// Length from which a class that is present costs nothing.
    pub upper: f32,
    /// Length up to which one that is absent costs nothing.
    pub lower: f32,
    /// Weight of those that are absent.
    pub down: f32,
}

impl Default for Margin {
    fn default() -> Self {
        Margin { upper: 0.9, lower: 0.1, down: 0.5 }
    }
}

impl Margin {
    fn constants(&self) -> kernel::Constants {
        [self.upper, self.lower, self.down]
    }
}

/// Inputs lengths and labels (B, K); output losses (B).
impl Op for Margin {
    fn name(&self) -> &'static str {
        "margin"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        rows("margin", inputs, 1)
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dl), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (z, t) = (g.inputs(node)[0], g.inputs(node)[1]);
        Ok(vec![Some(g.apply1(MarginBackward(*self), &[z, t, dl])?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(size(cx), self.constants(), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Inputs lengths, labels, `dl`; output `dz`.
struct MarginBackward(Margin);

impl Op for MarginBackward {
    fn name(&self) -> &'static str {
        "margin_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(size(cx), self.0.constants(), [0, 1, 2].map(|i| cx.input(i)), cx.output(0)));
        Ok(())
    }
}

/// Loss of every row, the sum over its classes, shape (B): see [`margin`].
///
/// # Errors
/// See [`margin`].
pub fn margin_rows(g: &mut Graph, lengths: Var, target: Var, constants: Margin) -> Result<Var> {
    g.apply1(constants, &[lengths, target])
}

/// `mean_b Σ_k t max(0, upper − z)² + down (1 − t) max(0, z − lower)²`: capsule lengths `z` (B, K), labels `t` (B, K) in 0..=1; shape (1)
/// (Sabour et al. 2017). Labels are not differentiated.
///
/// `row_weight` (B), not negative, makes it a weighted mean over rows; see [`row_mean`].
///
/// # Errors
/// When shapes differ.
pub fn margin(g: &mut Graph, lengths: Var, target: Var, row_weight: Option<Var>, constants: Margin) -> Result<Var> {
    let rows = margin_rows(g, lengths, target, constants)?;
    row_mean(g, rows, row_weight)
}
