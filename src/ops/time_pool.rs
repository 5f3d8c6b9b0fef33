//! Mean and deviation over the valid positions of sequences: statistics pooling.

use super::rank;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::time_pool::{Pooled, Saved};
use crate::{Error, Result};

/// Inputs `x`, `lengths`, and `weights` where positions have some.
#[derive(Clone, Copy)]
struct TimePool {
    per: usize,
}

impl TimePool {
    fn pooled(&self, x: &Shape, weighted: bool) -> Pooled {
        Pooled { batch: x[0], frames: x[1], width: x[2], per: self.per, weighted }
    }
}

impl Op for TimePool {
    fn name(&self) -> &'static str {
        "time_pool"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let (x, others) = match inputs {
            [x, others @ ..] if (1..=2).contains(&others.len()) => (x, others),
            _ => return Err(Error::shape("time_pool", "2 or 3 inputs", inputs.len().to_string())),
        };
        rank("time_pool", x, 3)?;
        let fits = others[0].0 == [x[0]] && others.get(1).is_none_or(|w| w.0 == x[..2]) && self.per > 0;
        if !fits {
            let expected = format!("lengths of {} sequences, weights ({}, {}), and at least 1 for each position", x[0], x[0], x[1]);
            return Err(Error::shape("time_pool", expected, format!("{others:?} and {}", self.per)));
        }
        Ok(vec![[x[0], 2 * x[2]].into()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let inputs = g.inputs(node).to_vec();
        let mut gradients = vec![None; inputs.len()];
        let Some(dy) = dy[0] else { return Ok(gradients) };
        let y = g.output_of(node, 0);
        let from = [inputs[0], inputs[1], inputs.get(2).copied().unwrap_or(inputs[0]), y, dy];
        if wanted[0] {
            gradients[0] = Some(g.apply1(Backward { of: *self, weighted: inputs.len() == 3 }, &from)?);
        }
        if wanted.get(2) == Some(&true) {
            gradients[2] = Some(g.apply1(BackwardWeight(*self), &from)?);
        }
        Ok(gradients)
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let weighted = cx.input_count() == 3;
        let weight = cx.input(if weighted { 2 } else { 0 });
        let pooled = self.pooled(cx.input_shape(0), weighted);
        cx.launch(pooled.forward(cx.target(), cx.input(0), cx.input(1), weight, cx.output(0)));
        Ok(())
    }
}

/// What both gradients read: `x`, `lengths`, `weights`, `y`, `dy`.
fn saved(cx: &Lowering) -> Saved<crate::graph::Operand> {
    Saved { x: cx.input(0), lengths: cx.input(1), weight: cx.input(2), y: cx.input(3), dy: cx.input(4) }
}

/// Output `dx`.
struct Backward {
    of: TimePool,
    weighted: bool,
}

impl Op for Backward {
    fn name(&self) -> &'static str {
        "time_pool_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let pooled = self.of.pooled(cx.input_shape(0), self.weighted);
        cx.launch(pooled.backward(cx.target(), saved(cx), cx.output(0)));
        Ok(())
    }
}

/// Output the gradient of the weights.
struct BackwardWeight(TimePool);

impl Op for BackwardWeight {
    fn name(&self) -> &'static str {
        "time_pool_bwd_weight"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[2].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let pooled = self.0.pooled(cx.input_shape(0), true);
        cx.launch(pooled.backward_weight(cx.target(), saved(cx), cx.output(0)));
        Ok(())
    }
}

/// Mean and population standard deviation over the first `lengths/per` positions of each sequence: `μ = Σ_t a[t] x[t]`,
/// `σ = √(Σ_t a[t] (x[t] − μ)²)`, where `a` is one over their number, or `weights` that add up to 1 over them (attentive statistics pooling,
/// Okabe et al. 2018; the gradient is that along weights which keep their sum). Where nothing deviates the deviation has no gradient. Zeros
/// where there is no valid position; what stands behind them is not read.
///
/// # Shapes
/// `x` (B, T, D), `weights` (B, T), `lengths` (B) as unsigned integers → (B, 2·D): means, then deviations.
///
/// # Errors
/// Other shapes; `per` of 0.
pub fn time_pool(g: &mut Graph, x: Var, weights: Option<Var>, lengths: Var, per: usize) -> Result<Var> {
    let inputs: Vec<Var> = [Some(x), Some(lengths), weights].into_iter().flatten().collect();
    g.apply1(TimePool { per }, &inputs)
}
