//! Scale per image and channel.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::channel_scale as kernel;
use crate::{Error, Result};

pub(super) struct ChannelScale;

impl Op for ChannelScale {
    fn name(&self) -> &'static str {
        "channel_scale"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("channel_scale", inputs, 2)?;
        let (x, s) = (&inputs[0], &inputs[1]);
        if x.rank() < 2 || s.0 != x[..2] {
            return Err(Error::shape("channel_scale", "x (B, C, ...) and s (B, C)", format!("{x} and {s}")));
        }
        Ok(vec![x.clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let (x, s) = (g.inputs(node)[0], g.inputs(node)[1]);
        let dx = if wanted[0] { Some(channel_scale(g, dy, s)?) } else { None };
        let ds = if wanted[1] { Some(g.apply1(Backward, &[x, dy])?) } else { None };
        Ok(vec![dx, ds])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (rows, total) = (cx.input_shape(1).elements(), cx.input_shape(0).elements());
        cx.launch(kernel::forward(cx.target(), rows, total / rows, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `s x + a`, optionally followed by ReLU: inputs x, s, a. Made by fusion, after differentiation.
pub(super) struct ScaleAdd {
    pub(super) relu: bool,
}

impl Op for ScaleAdd {
    fn name(&self) -> &'static str {
        "channel_scale_add"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        ChannelScale.shapes(&inputs[..2])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (rows, total) = (cx.input_shape(1).elements(), cx.input_shape(0).elements());
        let [x, s, a] = [0, 1, 2].map(|i| cx.input(i));
        cx.launch(kernel::add(cx.target(), rows, total / rows, self.relu, [x, s, a], cx.output(0)));
        Ok(())
    }
}

/// `s x + factor t` with one s and one t per row: inputs t, x, s. Made by fusion, after differentiation.
pub(super) struct ScaleBroadcastAdd {
    pub(super) factor: f32,
}

impl Op for ScaleBroadcastAdd {
    fn name(&self) -> &'static str {
        "channel_scale_add_row"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        ChannelScale.shapes(&inputs[1..])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (rows, total) = (cx.input_shape(2).elements(), cx.input_shape(1).elements());
        let [t, x, s] = [0, 1, 2].map(|i| cx.input(i));
        cx.launch(kernel::add_row(cx.target(), rows, total / rows, self.factor, [x, s, t], cx.output(0)));
        Ok(())
    }
}

/// Inputs x, dy; output ds.
struct Backward;

impl Op for Backward {
    fn name(&self) -> &'static str {
        "channel_scale_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0][..2].into()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (rows, total) = (cx.output_shape(0).elements(), cx.input_shape(0).elements());
        cx.launch(kernel::backward(cx.target(), rows, total / rows, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `y[b,c,...] = s[b,c] · x[b,c,...]`: x (B, C, ...), s (B, C).
///
/// # Errors
/// When `s` is not one value per image and channel.
pub fn channel_scale(g: &mut Graph, x: Var, s: Var) -> Result<Var> {
    g.apply1(ChannelScale, &[x, s])
}
