//! Weighted mean of per-row losses: what every loss ends with.

use super::{mean, rank, reshape};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::row_mean as kernel;
use crate::{Error, Result};

/// Inputs losses and weights (B); outputs the mean (1) and the sum of weights (1), which the gradient needs.
struct RowMean;

impl Op for RowMean {
    fn name(&self) -> &'static str {
        "row_mean"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let [losses, weights] = inputs else { return Err(Error::shape("row_mean", "2 inputs", inputs.len().to_string())) };
        rank("row_mean", losses, 1)?;
        if weights != losses {
            return Err(Error::shape("row_mean", format!("row weights {losses}"), weights.to_string()));
        }
        Ok(vec![[1].into(), [1].into()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let (Some(dy), true) = (dy[0], wanted[0]) else { return Ok(vec![None, None]) };
        let (w, total) = (g.inputs(node)[1], g.output_of(node, 1));
        Ok(vec![Some(g.apply1(RowMeanBackward, &[w, total, dy])?), None])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let rows = cx.input_shape(0).elements();
        cx.launch(kernel::forward(cx.target(), rows, cx.input(0), cx.input(1), cx.output(0), cx.output(1)));
        Ok(())
    }
}

/// Inputs weights, their sum, `dy`; output `dl`.
struct RowMeanBackward;

impl Op for RowMeanBackward {
    fn name(&self) -> &'static str {
        "row_mean_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let rows = cx.input_shape(0).elements();
        cx.launch(kernel::backward(cx.target(), rows, cx.input(0), cx.input(1), cx.input(2), cx.output(0)));
        Ok(())
    }
}

/// Mean of `losses` (B), a value of shape (1): `Σ w·l / Σ w`, or `Σ l / B` without weights.
///
/// Rows of weight 0 do not count whatever their loss is (NaN too), so a short last batch may be filled with anything; when all
/// weights are 0 the mean is 0. Weights are not differentiated. The order of summation is fixed.
///
/// # Errors
/// When `losses` is not of rank 1 or the weights have another shape.
pub fn row_mean(g: &mut Graph, losses: Var, row_weight: Option<Var>) -> Result<Var> {
    match row_weight {
        Some(w) => Ok(g.apply(RowMean, &[losses, w])?[0]),
        None => {
            rank("row_mean", g.shape(losses), 1)?;
            let y = mean(g, losses, 0)?;
            reshape(g, y, [1])
        }
    }
}

/// Shape rule of a loss per row: logits and labels (B, K), K at least `least`; output (B).
pub(super) fn rows(op: &str, inputs: &[Shape], least: usize) -> Result<Vec<Shape>> {
    super::arity(op, inputs, 2)?;
    rank(op, &inputs[0], 2)?;
    super::same(op, inputs)?;
    if inputs[0].elements() == 0 || inputs[0][1] < least {
        return Err(Error::shape(op, format!("rows of at least {least} classes"), inputs[0].to_string()));
    }
    Ok(vec![[inputs[0][0]].into()])
}

/// Rows and columns of a loss's first input.
pub(super) fn size(cx: &Lowering) -> (usize, usize) {
    (cx.input_shape(0)[0], cx.input_shape(0)[1])
}

/// A share or exponent of a loss: `value` in `range`.
pub(super) fn within(op: &str, name: &str, value: f32, range: std::ops::RangeInclusive<f32>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::shape(op, format!("{name} in {}..={}", range.start(), range.end()), value.to_string()))
}
