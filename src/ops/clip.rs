//! Global gradient norm and the factor that clips it.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::clip as kernel;
use crate::{Error, Result};

/// Inputs gradients (n) and the loss scale (1) in them; outputs norm (1) and scale (1).
struct Clip {
    max_norm: f32,
}

impl Op for Clip {
    fn name(&self) -> &'static str {
        "clip"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("clip", inputs, 2)?;
        rank("clip", &inputs[0], 1)?;
        if *inputs[1] != [1] {
            return Err(Error::shape("clip", "one factor (1)", inputs[1].to_string()));
        }
        Ok(vec![[1].into(), [1].into()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let partial = cx.scratch(kernel::chunks(cx.target(), n).1);
        cx.launch(kernel::partial(cx.target(), n, cx.input(0), partial));
        cx.launch(kernel::finish(cx.target(), n, self.max_norm, [partial, cx.input(1)], cx.output(0), cx.output(1)));
        Ok(())
    }
}

/// `norm = √Σ grad²` and `scale = min(1, max_norm / (norm + 1e-6))`, both of shape (1), of all gradients as one flat value (n):
/// PyTorch's `clip_grad_norm_`. An infinite `max_norm` only measures.
///
/// The sum is made in two stages of fixed order. When the norm is not finite (also when a square exceeds f32, gradients of about
/// 1e19) the scale is NaN; an optimiser given such a scale changes nothing, and the host must look at the norm.
///
/// # Errors
/// When `grad` is not flat or `max_norm` is not positive.
pub fn clip(g: &mut Graph, grad: Var, max_norm: f32) -> Result<(Var, Var)> {
    let one = g.constant([1], &[1.0])?;
    clip_scaled(g, grad, one, max_norm)
}

/// [`clip`] of the gradients of a loss multiplied by `loss_scale` (1): the norm is without that factor, and the scale undoes it.
///
/// # Errors
/// See [`clip`]; when `loss_scale` is not one value.
pub fn clip_scaled(g: &mut Graph, grad: Var, loss_scale: Var, max_norm: f32) -> Result<(Var, Var)> {
    if max_norm.is_nan() || max_norm <= 0.0 {
        return Err(Error::shape("clip", "a positive max_norm", max_norm.to_string()));
    }
    let out = g.apply(Clip { max_norm: max_norm.min(f32::MAX) }, &[grad, loss_scale])?;
    Ok((out[0], out[1]))
}
