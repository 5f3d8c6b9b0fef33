//! Activations: relu, sigmoid, tanh, gelu, ln.

use super::arity;
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::activation::{self as kernel, Kind};

pub(super) struct Activation(Kind);

impl Activation {
    pub(super) fn is_relu(&self) -> bool {
        self.0 == Kind::Relu
    }
}

impl Op for Activation {
    fn name(&self) -> &'static str {
        match self.0 {
            Kind::Relu => "relu",
            Kind::Sigmoid => "sigmoid",
            Kind::Tanh => "tanh",
            Kind::Gelu => "gelu",
            Kind::Ln => "ln",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 1)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let saved = if self.0.keeps_input() { g.inputs(node)[0] } else { g.output_of(node, 0) };
        Ok(vec![Some(g.apply1(Backward(self.0), &[saved, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::forward(cx.target(), self.0, n, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Inputs saved, dy; output dx.
struct Backward(Kind);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "activation_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::backward(cx.target(), self.0, n, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `max(x, 0)`; a NaN stays one.
///
/// # Errors
/// None for valid graphs.
pub fn relu(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Activation(Kind::Relu), &[x])
}

/// `1 / (1 + e^−x)`.
///
/// # Errors
/// None for valid graphs.
pub fn sigmoid(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Activation(Kind::Sigmoid), &[x])
}

/// `tanh x`.
///
/// # Errors
/// None for valid graphs.
pub fn tanh(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Activation(Kind::Tanh), &[x])
}

/// `x Φ(x)` with the normal distribution's Φ (Hendrycks & Gimpel 2016, the exact form).
///
/// # Errors
/// None for valid graphs.
pub fn gelu(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Activation(Kind::Gelu), &[x])
}

/// `ln max(x, 10⁻¹²)`, of probabilities that may be 0.
///
/// # Errors
/// None for valid graphs.
pub fn ln(g: &mut Graph, x: Var) -> Result<Var> {
    g.apply1(Activation(Kind::Ln), &[x])
}
