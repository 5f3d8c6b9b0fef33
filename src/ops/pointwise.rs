//! Pointwise arithmetic: sum, product, affine map.

use super::channel_scale::{ChannelScale, Tail};
use super::layer_norm::Backward as LayerNormBackward;
use super::{arity, same};
use crate::Result;
use crate::graph::{Graph, Lowering, NodeId, Op, Producer, Shape, Var};
use crate::kernels::pointwise as kernel;
use std::sync::Arc;

/// `a + b`, and with `relu` (made by fusion, after differentiation) its positive part.
pub(super) struct Add {
    pub(super) relu: bool,
}

impl Op for Add {
    fn name(&self) -> &'static str {
        if self.relu { "add_relu" } else { "add" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("add", inputs, 2)?;
        same("add", inputs)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, _: &mut Graph, _: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        Ok(vec![dy[0], dy[0]])
    }
    fn absorb(&self, p: &Producer) -> Option<Arc<dyn Op>> {
        match p.is::<ChannelScale>() {
            _ if self.relu => None,
            Some(_) => Some(Arc::new(Tail { relu: false })),
            None => Some(Arc::new(p.is::<LayerNormBackward>()?.with_sum(p.taken)?)),
        }
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::add(cx.target(), n, self.relu, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

struct Mul;

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("mul", inputs, 2)?;
        same("mul", inputs)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let (a, b) = (g.inputs(node)[0], g.inputs(node)[1]);
        let da = if wanted[0] { Some(mul(g, dy, b)?) } else { None };
        let db = if wanted[1] { Some(mul(g, dy, a)?) } else { None };
        Ok(vec![da, db])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::mul(cx.target(), n, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

struct Affine {
    scale: f32,
    shift: f32,
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("affine", inputs, 1)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, _: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        Ok(vec![match dy[0] {
            Some(dy) => Some(scale(g, dy, self.scale)?),
            None => None,
        }])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::affine(cx.target(), n, self.scale, self.shift, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// `a + b` for equal shapes.
///
/// # Errors
/// When the shapes differ.
pub fn add(g: &mut Graph, a: Var, b: Var) -> Result<Var> {
    g.apply1(Add { relu: false }, &[a, b])
}

/// `a · b`, elementwise, for equal shapes.
///
/// # Errors
/// When the shapes differ.
pub fn mul(g: &mut Graph, a: Var, b: Var) -> Result<Var> {
    g.apply1(Mul, &[a, b])
}

/// `scale · x + shift`.
///
/// # Errors
/// None for valid graphs.
pub fn affine(g: &mut Graph, x: Var, scale: f32, shift: f32) -> Result<Var> {
    g.apply1(Affine { scale, shift }, &[x])
}

/// `s · x`.
///
/// # Errors
/// None for valid graphs.
pub fn scale(g: &mut Graph, x: Var, s: f32) -> Result<Var> {
    affine(g, x, s, 0.0)
}
