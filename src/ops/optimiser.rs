//! Parameter updates in place: AdamW, gradient descent with momentum, RMSprop.
//!
//! Each is one launch over a flat region: parameters, gradients and moments of one length, as [`Params`](crate::nn::Params) lays them
//! out. Gaps between tensors, where everything is 0, stay 0 (with `eps > 0`). Moments start at 0. The numbers that change from step to
//! step, the optimiser scalars, are an input of [`OPTIMISER_SCALARS`] values, written by the host before each run with what
//! [`adamw_scalars`] and its siblings return.

use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::optimiser::{self as kernel, Operands};
use crate::{Error, Result};

/// Number of optimiser scalars: elements of the `scalars` input.
pub const OPTIMISER_SCALARS: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Adamw,
    Sgd,
    Rmsprop,
}

/// Inputs parameters, gradients, first moment, second moment (not for SGD), scalars, clip scale (optional); no outputs.
struct Update {
    rule: Rule,
    clipped: bool,
}

impl Op for Update {
    fn name(&self) -> &'static str {
        match self.rule {
            Rule::Adamw => "adamw",
            Rule::Sgd => "sgd",
            Rule::Rmsprop => "rmsprop",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let regions = if self.rule == Rule::Sgd { 3 } else { 4 };
        super::arity(self.name(), inputs, regions + 1 + usize::from(self.clipped))?;
        super::rank(self.name(), &inputs[0], 1)?;
        super::same(self.name(), &inputs[..regions])?;
        if inputs[regions].elements() != OPTIMISER_SCALARS {
            return Err(Error::shape(self.name(), format!("optimiser scalars ({OPTIMISER_SCALARS})"), inputs[regions].to_string()));
        }
        match inputs.get(regions + 1) {
            Some(clip) if clip.elements() != 1 => Err(Error::shape(self.name(), "a scalar clip scale", clip.to_string())),
            _ => Ok(vec![]),
        }
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let second = self.rule != Rule::Sgd;
        let scalars = 3 + usize::from(second);
        let operands = Operands {
            param: cx.input(0),
            grad: cx.input(1),
            m: cx.input(2),
            v: second.then(|| cx.input(3)),
            scalars: cx.input(scalars),
            clip: self.clipped.then(|| cx.input(scalars + 1)),
        };
        cx.launch(match self.rule {
            Rule::Adamw => kernel::adamw(cx.target(), n, operands),
            Rule::Sgd => kernel::sgd(cx.target(), n, operands),
            Rule::Rmsprop => kernel::rmsprop(cx.target(), n, operands),
        });
        Ok(())
    }
    fn mutates(&self) -> &[usize] {
        if self.rule == Rule::Sgd { &[0, 2] } else { &[0, 2, 3] }
    }
}

fn update(g: &mut Graph, rule: Rule, regions: &[Var], scalars: Var, clip_scale: Option<Var>) -> Result<()> {
    let mut inputs = regions.to_vec();
    inputs.push(scalars);
    inputs.extend(clip_scale);
    g.apply(Update { rule, clipped: clip_scale.is_some() }, &inputs).map(|_| ())
}

/// AdamW (Loshchilov & Hutter 2019) as PyTorch computes it: `w ← (1 − ηλ)·w − η·m̂/(√v̂ + ε)` with bias-corrected moments of the
/// gradient. `param`, `m`, `v` are state of shape (n), overwritten; `grad` (n); `scalars` from [`adamw_scalars`].
///
/// With `clip_scale` (1) from [`clip`](super::clip) gradients are multiplied by it, and a scale that is not finite leaves everything as
/// it was: the host sees the norm and decides.
///
/// # Errors
/// When shapes differ. Compiling fails when an overwritten value is not state.
pub fn adamw(g: &mut Graph, param: Var, grad: Var, m: Var, v: Var, scalars: Var, clip_scale: Option<Var>) -> Result<()> {
    update(g, Rule::Adamw, &[param, grad, m, v], scalars, clip_scale)
}

/// Gradient descent with momentum and L2 decay as PyTorch's `SGD`: `m ← μ·m + g + λw`, `w ← w − η·m`. `param`, `m` are state of shape
/// (n), overwritten; `scalars` from [`sgd_scalars`]; the rest as in [`adamw`].
///
/// # Errors
/// As [`adamw`].
pub fn sgd(g: &mut Graph, param: Var, grad: Var, m: Var, scalars: Var, clip_scale: Option<Var>) -> Result<()> {
    update(g, Rule::Sgd, &[param, grad, m], scalars, clip_scale)
}

/// RMSprop as PyTorch's, not centred: `g ← g + λw`, `v ← α·v + (1 − α)·g²`, `m ← μ·m + g/(√v + ε)`, `w ← w − η·m`. `param`, `m`, `v`
/// are state of shape (n), overwritten; `scalars` from [`rmsprop_scalars`]; the rest as in [`adamw`].
///
/// # Errors
/// As [`adamw`].
pub fn rmsprop(g: &mut Graph, param: Var, grad: Var, m: Var, v: Var, scalars: Var, clip_scale: Option<Var>) -> Result<()> {
    update(g, Rule::Rmsprop, &[param, grad, m, v], scalars, clip_scale)
}

/// `1 − β^t` without cancellation.
fn correction(beta: f64, t: u64) -> f32 {
    -(beta.ln() * t.max(1) as f64).exp_m1() as f32
}

/// Values of `scalars` for [`adamw`] at step `t` (from 1): learning rate, weight decay, β1, β2, ε and both bias corrections.
pub fn adamw_scalars(lr: f64, weight_decay: f64, betas: [f64; 2], eps: f64, t: u64) -> [f32; OPTIMISER_SCALARS] {
    let [b1, b2] = betas;
    let corrections = [correction(b1, t), correction(b2, t)];
    [lr as f32, weight_decay as f32, b1 as f32, b2 as f32, eps as f32, corrections[0], corrections[1], (1.0 - b2) as f32]
}

/// Values of `scalars` for [`sgd`]: learning rate, weight decay, momentum.
pub fn sgd_scalars(lr: f64, weight_decay: f64, momentum: f64) -> [f32; OPTIMISER_SCALARS] {
    [lr as f32, weight_decay as f32, momentum as f32, 0.0, 0.0, 1.0, 1.0, 1.0]
}

/// Values of `scalars` for [`rmsprop`]: learning rate, weight decay, momentum, decay `alpha` of the second moment, ε.
pub fn rmsprop_scalars(lr: f64, weight_decay: f64, momentum: f64, alpha: f64, eps: f64) -> [f32; OPTIMISER_SCALARS] {
    [lr as f32, weight_decay as f32, momentum as f32, alpha as f32, eps as f32, 1.0, 1.0, (1.0 - alpha) as f32]
}
