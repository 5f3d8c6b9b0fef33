//! Layer normalisation over the last axis.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Single, Var};
use crate::kernels::layer_norm::Norm;
use crate::{Error, Result};

/// Flavour of layer norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerNormMode {
    /// `1/√(var + eps)`, biased variance (Ba et al. 2016, PyTorch).
    Standard,
    /// `1/(σ + eps)`, unbiased standard deviation (the released Res-Trans code).
    UnbiasedStd,
}

/// Inputs x, weight, bias; outputs y, mean, rstd.
#[derive(Clone, Copy)]
struct LayerNorm {
    mode: LayerNormMode,
    eps: f32,
}

impl LayerNorm {
    fn norm(&self, x: &Shape) -> Norm {
        let n = x.last().copied().unwrap_or(1);
        Norm { rows: x.elements() / n, n, eps: self.eps, unbiased: self.mode == LayerNormMode::UnbiasedStd }
    }
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("layer_norm", inputs, 3)?;
        let x = &inputs[0];
        let least = if self.mode == LayerNormMode::UnbiasedStd { 2 } else { 1 };
        let n = x.last().copied().unwrap_or(0);
        if n < least || inputs[1..].iter().any(|p| **p != [n]) {
            let expected = format!("x (..., N) with N >= {least}, weight and bias (N)");
            return Err(Error::shape("layer_norm", expected, format!("{x}, {}, {}", inputs[1], inputs[2])));
        }
        let rows: Shape = x[..x.rank() - 1].into();
        Ok(vec![x.clone(), rows.clone(), rows])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None; 3]) };
        let (x, weight) = (g.inputs(node)[0], g.inputs(node)[1]);
        let (mean, rstd) = (g.output_of(node, 1), g.output_of(node, 2));
        let dx = if wanted[0] { Some(g.apply1(Backward(*self), &[x, weight, mean, rstd, dy])?) } else { None };
        if !wanted[1] && !wanted[2] {
            return Ok(vec![dx, None, None]);
        }
        let params = g.apply(BackwardParams(*self), &[x, mean, rstd, dy])?;
        Ok(vec![dx, Some(params[0]), Some(params[1])])
    }
    fn single(&self) -> Single {
        Single::Statistics
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.norm(cx.input_shape(0));
        let launch = norm.forward(cx.target()).bind("x", cx.input(0)).bind("weight", cx.input(1)).bind("bias", cx.input(2));
        cx.launch(launch.bind("y", cx.output(0)).bind("mean", cx.output(1)).bind("rstd", cx.output(2)));
        Ok(())
    }
}

/// Inputs x, weight, mean, rstd, dy and optionally what is added; output dx.
#[derive(Clone, Copy)]
pub(super) struct Backward(LayerNorm);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "layer_norm_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.0.norm(cx.input_shape(0));
        let (dy, plus) = (cx.input(4), cx.input_count() == 6);
        let launch = norm.backward(cx.target(), plus).bind("x", cx.input(0)).bind("weight", cx.input(1)).bind("mean_s", cx.input(2));
        let launch = launch.bind("rstd_s", cx.input(3)).bind("dy", dy).bind_any("other", plus.then(|| cx.input(5)));
        cx.launch(launch.bind("dx", cx.output(0)));
        Ok(())
    }
}

/// Inputs x, mean, rstd, dy; outputs dweight, dbias.
struct BackwardParams(LayerNorm);

impl Op for BackwardParams {
    fn name(&self) -> &'static str {
        "layer_norm_bwd_params"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let n: Shape = [inputs[0].last().copied().unwrap_or(0)].into();
        Ok(vec![n.clone(), n])
    }
    fn single(&self) -> Single {
        Single::Outputs
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let norm = self.0.norm(cx.input_shape(0));
        let (slices, dweight, dbias) = (norm.slices(), cx.output(0), cx.output(1));
        let [part_w, part_b] = if slices > 1 { [0; 2].map(|_| cx.scratch(slices * norm.n)) } else { [dweight, dbias] };
        let launch = norm.backward_params(cx.target()).bind("x", cx.input(0)).bind("mean_c", cx.input(1)).bind("rstd_c", cx.input(2));
        cx.launch(launch.bind("dy_c", cx.input(3)).bind("part_w", part_w).bind("part_b", part_b));
        if slices > 1 {
            let launch = norm.sum_slices(cx.target()).bind("sum_w", part_w).bind("sum_b", part_b);
            cx.launch(launch.bind("dweight", dweight).bind("dbias", dbias));
        }
        Ok(())
    }
}

/// `y = γ (x − μ) r + β` over the last axis: x (..., N), weight and bias (N).
///
/// # Errors
/// When weight and bias are not one per value.
pub fn layer_norm(g: &mut Graph, x: Var, weight: Var, bias: Var, mode: LayerNormMode, eps: f32) -> Result<Var> {
    Ok(g.apply(LayerNorm { mode, eps }, &[x, weight, bias])?[0])
}
