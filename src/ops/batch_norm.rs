//! Batch normalisation with batch or running statistics, optionally with the ReLU that follows it.

use super::{arity, same};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::batch_norm::Norm;
use crate::kernels::batch_norm_slices;
use crate::{Error, Result};

/// Inputs x, weight, bias (train) and mean, variance (eval); outputs y (train: and mean, rstd, which pass no gradient on).
#[derive(Clone, Copy)]
pub(super) struct BatchNorm {
    pub(super) eps: f32,
    pub(super) relu: bool,
    pub(super) train: bool,
}

impl BatchNorm {
    pub(super) fn norm(&self, x: &Shape) -> Norm {
        let (n, c, inner) = x.around(1);
        Norm { n, c, inner, stored: c, whole: c, first: 0, relu: self.relu, eps: self.eps, train: self.train }
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        if self.train { "batch_norm_train" } else { "batch_norm_eval" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, if self.train { 3 } else { 5 })?;
        let x = &inputs[0];
        if x.rank() < 2 {
            return Err(Error::shape(self.name(), "(N, C, ...)", x.to_string()));
        }
        let c: Shape = [x[1]].into();
        if let Some(p) = inputs[1..].iter().find(|p| **p != c) {
            return Err(Error::shape(self.name(), format!("parameters {c}"), p.to_string()));
        }
        Ok(if self.train { vec![x.clone(), c.clone(), c] } else { vec![x.clone()] })
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let inputs = g.inputs(node).to_vec();
        if let Some(o) = (1..dy.len()).find(|&o| dy[o].is_some()) {
            let what = ["mean", "rstd"][o - 1];
            return Err(Error::Graph(format!("{} passes no gradient through its output `{what}`", self.name())));
        }
        let Some(dy) = dy[0] else { return Ok(vec![None; inputs.len()]) };
        // Without ReLU the sign of y is not asked for: x stands in its place, and y need not be kept.
        let y = if self.relu { g.output_of(node, 0) } else { inputs[0] };
        let (mean, rstd_or_var) = if self.train { (g.output_of(node, 1), g.output_of(node, 2)) } else { (inputs[3], inputs[4]) };
        let params = g.apply(BackwardParams(*self), &[inputs[0], y, mean, rstd_or_var, dy])?;
        let mut out = vec![None; inputs.len()];
        if wanted[0] {
            let mut given = vec![inputs[1], mean, rstd_or_var];
            // Running statistics do not depend on x: dx needs no sums over the batch, and without readers they are not computed.
            if self.train {
                given.extend(&params);
            }
            let coefficients = g.apply1(Coefficients(*self, g.shape(inputs[0]).clone()), &given)?;
            out[0] = Some(g.apply1(Backward(*self), &[inputs[0], y, coefficients, dy])?);
        }
        out[1] = wanted[1].then_some(params[0]);
        out[2] = wanted[2].then_some(params[1]);
        Ok(out)
    }
    fn single(&self) -> Single {
        Single::Statistics
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.norm(cx.input_shape(0));
        let (mean, rstd_or_var) = if self.train { (cx.output(1), cx.output(2)) } else { (cx.input(3), cx.input(4)) };
        let x = cx.input(0);
        if self.train {
            let target = cx.target();
            batch_norm_slices::stats(target, &norm, x, [mean, rstd_or_var], |n| cx.scratch(n)).into_iter().for_each(|l| cx.launch(l));
        }
        let launch = norm.forward(cx.target()).bind("x", x).bind("weight", cx.input(1)).bind("bias", cx.input(2));
        cx.launch(launch.bind("mean_in", mean).bind("rstd_or_var", rstd_or_var).bind("y", cx.output(0)));
        Ok(())
    }
}

/// Inputs x, y, mean, rstd or variance, dy; outputs dweight, dbias.
struct BackwardParams(BatchNorm);

impl Op for BackwardParams {
    fn name(&self) -> &'static str {
        "batch_norm_bwd_params"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[2].clone(), inputs[2].clone()])
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.0.norm(cx.input_shape(0));
        let (target, given, gradients) = (cx.target(), [0, 1, 2, 3, 4].map(|i| cx.input(i)), [cx.output(0), cx.output(1)]);
        batch_norm_slices::backward_params(target, &norm, given, gradients, |n| cx.scratch(n)).into_iter().for_each(|l| cx.launch(l));
        Ok(())
    }
}

/// Inputs weight, mean, rstd or variance and, in training, dweight, dbias; output the coefficients of the pointwise pass.
pub(super) struct Coefficients(pub(super) BatchNorm, pub(super) Shape);

impl Op for Coefficients {
    fn name(&self) -> &'static str {
        "batch_norm_bwd_coefficients"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![[4, inputs[0].elements()].into()])
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let [dweight, dbias] = [3, 4].map(|i| self.0.train.then(|| cx.input(i)));
        let launch = self.0.norm(&self.1).coefficients().bind("weight_k", cx.input(0)).bind("mean_k", cx.input(1));
        let launch = launch.bind("rstd_or_var_k", cx.input(2)).bind_any("dweight_k", dweight).bind_any("dbias_k", dbias);
        cx.launch(launch.bind("coefficients", cx.output(0)));
        Ok(())
    }
}

/// Inputs x, y, coefficients, dy; output dx.
struct Backward(BatchNorm);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "batch_norm_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.0.norm(cx.input_shape(0));
        let y = norm.relu.then(|| cx.input(1));
        let launch = norm.backward(cx.target(), false).bind("x", cx.input(0)).bind_any("y_saved", y);
        cx.launch(launch.bind("coefficients_in", cx.input(2)).bind("dy_in", cx.input(3)).bind("dx", cx.output(0)));
        Ok(())
    }
}

/// Inputs running mean, running variance, batch mean, batch rstd; outputs the new running ones.
struct Running {
    count: usize,
    momentum: f32,
    eps: f32,
}

impl Op for Running {
    fn name(&self) -> &'static str {
        "batch_norm_running"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 4)?;
        same(self.name(), inputs)?;
        Ok(vec![inputs[0].clone(), inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let c = cx.input_shape(0).elements();
        let norm = BatchNorm { eps: self.eps, relu: false, train: true }.norm(&[self.count, c, 1].into());
        let launch = norm.running(self.momentum).bind("running_mean", cx.input(0)).bind("running_var", cx.input(1));
        let launch = launch.bind("batch_mean", cx.input(2)).bind("batch_rstd", cx.input(3));
        cx.launch(launch.bind("new_mean", cx.output(0)).bind("new_var", cx.output(1)));
        Ok(())
    }
    fn may_alias(&self, output: usize) -> Option<usize> {
        Some(output)
    }
}

/// Batch norm with batch statistics over (N, C, ...): returns y, the mean and the reciprocal standard deviation `1/√(var + eps)` per channel
/// (biased variance). With `relu`, `y = max(., 0)`. A gradient passes through y alone.
///
/// # Errors
/// When the parameters are not one per channel; on differentiation, when a loss depends on the mean or the standard deviation directly.
pub fn batch_norm_train(g: &mut Graph, x: Var, weight: Var, bias: Var, eps: f32, relu: bool) -> Result<(Var, Var, Var)> {
    let out = g.apply(BatchNorm { eps, relu, train: true }, &[x, weight, bias])?;
    Ok((out[0], out[1], out[2]))
}

/// New running mean and (unbiased) variance from the old ones and a batch's mean and `rstd` over `count` values per channel.
///
/// # Errors
/// When the shapes differ.
pub fn batch_norm_running(
    g: &mut Graph,
    [running_mean, running_var]: [Var; 2],
    [mean, rstd]: [Var; 2],
    count: usize,
    momentum: f32,
    eps: f32,
) -> Result<(Var, Var)> {
    let out = g.apply(Running { count, momentum, eps }, &[running_mean, running_var, mean, rstd])?;
    Ok((out[0], out[1]))
}

/// Batch norm with running statistics, which get no gradient. With `relu`, `y = max(., 0)`.
///
/// # Errors
/// When the parameters are not one per channel.
pub fn batch_norm_eval(g: &mut Graph, x: Var, [weight, bias]: [Var; 2], [mean, var]: [Var; 2], eps: f32, relu: bool) -> Result<Var> {
    g.apply1(BatchNorm { eps, relu, train: false }, &[x, weight, bias, mean, var])
}
