//! Vectors of capsules: squashing and lengths.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::squash as kernel;
use crate::{Error, Result};

/// Number and length of the vectors along the last axis.
fn vectors(x: &Shape) -> (usize, usize) {
    let cols = x.last().copied().unwrap_or(1).max(1);
    (x.elements() / cols, cols)
}

fn check(op: &str, inputs: &[Shape]) -> Result<()> {
    arity(op, inputs, 1)?;
    match inputs[0].elements() {
        0 => Err(Error::shape(op, "vectors along the last axis", inputs[0].to_string())),
        _ => Ok(()),
    }
}

struct Squash;

impl Op for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        check("squash", inputs)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let x = g.inputs(node)[0];
        Ok(vec![Some(g.apply1(SquashBackward, &[x, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::forward(cx.target(), vectors(cx.input_shape(0)), cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Inputs x, dy; output dx.
struct SquashBackward;

impl Op for SquashBackward {
    fn name(&self) -> &'static str {
        "squash_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::backward(cx.target(), vectors(cx.input_shape(0)), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

struct Length;

impl Op for Length {
    fn name(&self) -> &'static str {
        "length"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        check("length", inputs)?;
        Ok(vec![inputs[0][..inputs[0].rank().saturating_sub(1)].into()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let (x, y) = (g.inputs(node)[0], g.output_of(node, 0));
        Ok(vec![Some(g.apply1(LengthBackward, &[x, y, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        cx.launch(kernel::length(cx.target(), vectors(cx.input_shape(0)), cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Inputs x, y, dy; output dx.
struct LengthBackward;

impl Op for LengthBackward {
    fn name(&self) -> &'static str {
        "length_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let inputs = [0, 1, 2].map(|i| cx.input(i));
        cx.launch(kernel::length_backward(cx.target(), vectors(cx.input_shape(0)), inputs, cx.output(0)));
        Ok(())
    }
}

/// `|x|²/(1 + |x|²) · x/(|x| + 1e-8)` of the vectors along the last axis of `x` (..., D): the same directions, lengths below 1 (Sabour et
/// al. 2017; the small number is the released code's).
///
/// # Errors
/// When there are no vectors.
pub fn squash(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Squash, &[x])
}

/// Lengths `√Σ x²` of the vectors along the last axis: (..., D) -> (...). The gradient of a vector of length 0 is 0.
///
/// # Errors
/// When there are no vectors.
pub fn length(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Length, &[x])
}
