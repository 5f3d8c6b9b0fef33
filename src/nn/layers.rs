//! Layers with parameters: convolution, batch norm, linear, layer norm, squeeze-excitation.
//!
//! Names are PyTorch's, so that weights travel both ways. So are starting values, but for convolutions, which start as torchvision's ResNet.

use super::{Context, Init};
use crate::graph::Var;
use crate::ops::{self, Conv2d, LayerNormMode};
use crate::{Error, Result};

/// Batch norm's `eps` and the weight of the new value in the running statistics.
const BN_EPS: f32 = 1e-5;
const BN_MOMENTUM: f32 = 0.1;

/// A square convolution's extents; by default of stride 1, without padding, groups or bias.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    out: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    groups: usize,
    bias: bool,
    xavier: bool,
}

impl Conv {
    /// To `out` channels by a kernel of `kernel` x `kernel`.
    pub fn new(out: usize, kernel: usize) -> Self {
        Conv { out, kernel, stride: 1, padding: 0, groups: 1, bias: false, xavier: false }
    }

    /// Pixels from output to output.
    pub fn stride(self, stride: usize) -> Self {
        Conv { stride, ..self }
    }

    /// Zeros around the input.
    pub fn padding(self, padding: usize) -> Self {
        Conv { padding, ..self }
    }

    /// Groups of channels that do not see each other.
    pub fn groups(self, groups: usize) -> Self {
        Conv { groups, ..self }
    }

    /// Adds a bias per channel.
    pub fn bias(self) -> Self {
        Conv { bias: true, ..self }
    }

    /// Weights start with variance `2 / (fan_in + fan_out)` (Glorot & Bengio 2010), normal.
    pub fn xavier(self) -> Self {
        Conv { xavier: true, ..self }
    }
}

/// Square convolution: (B, C, H, W) -> (B, out, H', W'). Weights start Kaiming-normal by fan-out, as torchvision's, unless asked otherwise, a bias uniform in
/// `±1/√fan_in`.
///
/// # Errors
/// Shape errors of the op.
pub fn conv2d(cx: &mut Context, x: Var, c: Conv) -> Result<Var> {
    let cin = cx.g.shape(x).get(1).copied().unwrap_or(0) / c.groups.max(1);
    let area = c.kernel * c.kernel;
    let fans = if c.xavier { (cin + c.out) * area } else { c.out * area / c.groups.max(1) };
    let w = cx.param("weight", [c.out, cin, c.kernel, c.kernel], Init::KaimingFanOut(fans))?;
    let b = if c.bias { Some(cx.param("bias", [c.out], bound(cin * area))?) } else { None };
    let spec = Conv2d { stride: [c.stride; 2], padding: [c.padding; 2], groups: c.groups, ..Conv2d::default() };
    ops::conv2d(cx.g, x, w, b, spec)
}

/// Convolution over time: (B, C, 1, L) -> (B, out, 1, L'), a weight (out, C/groups, kernel) as PyTorch's `Conv1d` has it, starting as that
/// of [`conv2d`].
///
/// # Errors
/// Shape errors of the ops.
pub fn conv1d(cx: &mut Context, x: Var, c: Conv) -> Result<Var> {
    let cin = cx.g.shape(x).get(1).copied().unwrap_or(0) / c.groups.max(1);
    let w = cx.param("weight", [c.out, cin, c.kernel], Init::KaimingFanOut(c.out * c.kernel / c.groups.max(1)))?;
    let b = if c.bias { Some(cx.param("bias", [c.out], bound(cin * c.kernel))?) } else { None };
    let w = ops::reshape(cx.g, w, [c.out, cin, 1, c.kernel])?;
    let spec = Conv2d { stride: [1, c.stride], padding: [0, c.padding], groups: c.groups, ..Conv2d::default() };
    ops::conv2d(cx.g, x, w, b, spec)
}

/// Batch norm over (B, C, ...), followed by ReLU where asked: batch statistics in training (and the running ones updated), running
/// statistics otherwise or where the context freezes them.
///
/// # Errors
/// Shape errors of the op; [`Error::Config`] for batch statistics of one value per channel, whose variance is 0.
pub fn batch_norm(cx: &mut Context, x: Var, relu: bool) -> Result<Var> {
    batch_norm_eps(cx, x, relu, BN_EPS)
}

/// [`batch_norm`] with another `eps` than PyTorch's 1e-5.
///
/// # Errors
/// As [`batch_norm`].
pub fn batch_norm_eps(cx: &mut Context, x: Var, relu: bool, eps: f32) -> Result<Var> {
    let shape = cx.g.shape(x).clone();
    let c = shape.get(1).copied().unwrap_or(0);
    let (affine, running) = norm_state(cx, c)?;
    if !cx.batch_statistics() {
        return ops::batch_norm_eval(cx.g, x, affine, running, eps, relu);
    }
    let count = shape.elements() / c.max(1);
    let (y, mean, rstd) = ops::batch_norm_train(cx.g, x, affine[0], affine[1], eps, relu)?;
    renew_statistics(cx, running, [mean, rstd], count, eps)?;
    Ok(y)
}

/// Weight and bias of a batch norm of `c` channels, and its running mean and variance.
pub(super) fn norm_state(cx: &mut Context, c: usize) -> Result<([Var; 2], [Var; 2])> {
    let affine = [cx.param("weight", [c], Init::Fill(1.0))?, cx.param("bias", [c], Init::Fill(0.0))?];
    let mean = cx.statistic("running_mean", [c], Init::Fill(0.0))?;
    let var = cx.statistic("running_var", [c], Init::Fill(1.0))?;
    Ok((affine, [mean, var]))
}

/// Stores the running statistics after a batch of `count` values per channel, whose mean and `rstd` these are.
pub(super) fn renew_statistics(cx: &mut Context, running: [Var; 2], batch: [Var; 2], count: usize, eps: f32) -> Result<()> {
    if count == 1 {
        let reason = "has one value per channel here, which has no variance: train with a larger train.batch, or fewer train.micro_batches";
        return Err(Error::Config(format!("batch norm {} {reason}", cx.g.scope())));
    }
    let (new_mean, new_var) = ops::batch_norm_running(cx.g, running, batch, count, BN_MOMENTUM, eps)?;
    for (leaf, new) in [("running_mean", new_mean), ("running_var", new_var)] {
        let name = cx.path(leaf);
        if let Some(p) = cx.params.get(&name) {
            let place = p.place.clone();
            cx.g.store(new, place);
        }
    }
    Ok(())
}

/// All values of each input in a row: (B, ...) -> (B, n).
///
/// # Errors
/// Shape errors of the op.
pub fn flatten(cx: &mut Context, x: Var) -> Result<Var> {
    let shape = cx.g.shape(x).clone();
    let batch = shape.first().copied().unwrap_or(1);
    ops::reshape(cx.g, x, [batch, shape.elements() / batch.max(1)])
}

/// `x Wᵀ + b` on the last axis: (..., K) -> (..., out). With `bias`, both start uniform in `±1/√K` (PyTorch's default).
///
/// # Errors
/// Shape errors of the op.
pub fn linear(cx: &mut Context, x: Var, out: usize, bias: bool) -> Result<Var> {
    let k = cx.g.shape(x).last().copied().unwrap_or(0);
    if !cx.training && 4 * out * k > BINDING {
        return linear_in_pieces(cx, x, [out, k], bias, BINDING);
    }
    let w = cx.param("weight", [out, k], bound(k))?;
    let b = if bias { Some(cx.param("bias", [out], bound(k))?) } else { None };
    ops::linear(cx.g, x, w, b)
}

/// Bytes that every adapter lets a kernel see of one tensor (WebGPU's default limit).
const BINDING: usize = 128 << 20;

/// A linear layer whose weight is larger than that, in pieces of its rows. What is trained is not cut: its optimiser needs more anyway.
fn linear_in_pieces(cx: &mut Context, x: Var, [out, k]: [usize; 2], bias: bool, most: usize) -> Result<Var> {
    // Pieces begin at multiples of 64 rows, so that any state may.
    let rows = (most / (4 * k)).max(64) / 64 * 64;
    let mut parts = Vec::new();
    for start in (0..out).step_by(rows) {
        let piece = start..(start + rows).min(out);
        let w = cx.param_rows("weight", [out, k], bound(k), piece.clone())?;
        let b = if bias { Some(cx.param_rows("bias", [out], bound(k), piece)?) } else { None };
        parts.push(ops::linear(cx.g, x, w, b)?);
    }
    let last = cx.g.shape(x).rank().saturating_sub(1);
    ops::concat(cx.g, &parts, last)
}

/// A linear layer with bias whose weight is that of a 1x1 convolution, (out, C, 1, 1), for maps of one place: (B, C) -> (B, out).
///
/// # Errors
/// Shape errors of the op.
pub fn pointwise(cx: &mut Context, x: Var, out: usize) -> Result<Var> {
    let c = cx.g.shape(x).last().copied().unwrap_or(0);
    let w = cx.param("weight", [out, c, 1, 1], bound(c))?;
    let b = cx.param("bias", [out], bound(c))?;
    let w = ops::reshape(cx.g, w, [out, c])?;
    ops::linear(cx.g, x, w, Some(b))
}

/// PyTorch's start of a linear layer of `k` inputs.
fn bound(k: usize) -> Init {
    Init::Uniform(1.0 / (k as f32).sqrt())
}

/// Layer norm over the last axis.
///
/// # Errors
/// Shape errors of the op.
pub fn layer_norm(cx: &mut Context, x: Var, mode: LayerNormMode) -> Result<Var> {
    let n = cx.g.shape(x).last().copied().unwrap_or(0);
    let w = cx.param("weight", [n], Init::Fill(1.0))?;
    let b = cx.param("bias", [n], Init::Fill(0.0))?;
    let eps = match mode {
        LayerNormMode::Standard => 1e-5,
        LayerNormMode::UnbiasedStd => 1e-6,
    };
    ops::layer_norm(cx.g, x, w, b, mode, eps)
}

/// Squeeze-excitation (Hu et al. 2018), no biases: `u · σ(W₂ relu(W₁ mean(u)))` on (B, C, H, W).
///
/// # Errors
/// Shape errors of the ops.
pub fn squeeze_excite(cx: &mut Context, u: Var, reduction: usize) -> Result<Var> {
    let mean = ops::global_avg_pool(cx.g, u)?;
    excite(cx, u, mean, reduction)
}

/// [`squeeze_excite`] by `mean` (B, C) where it is not that of all places of `u`.
///
/// # Errors
/// Shape errors of the ops.
pub fn excite(cx: &mut Context, u: Var, mean: Var, reduction: usize) -> Result<Var> {
    let c = cx.g.shape(u).get(1).copied().unwrap_or(0);
    let r = (c / reduction).max(1);
    let w1 = cx.scoped("fc1", |cx| cx.param("weight", [r, c], bound(c)))?;
    let w2 = cx.scoped("fc2", |cx| cx.param("weight", [c, r], bound(r)))?;
    let s = ops::squeeze_excite(cx.g, mean, w1, w2)?;
    ops::channel_scale(cx.g, u, s)
}

/// What an op that drops with probability `p` takes, `(rng, rate, stream)`, in training; nothing otherwise.
pub fn dropout_args(cx: &mut Context, p: f32) -> Option<(Var, f32, u32)> {
    (cx.training && p > 0.0).then(|| {
        let (rng, stream) = cx.random();
        (rng, p, stream)
    })
}

/// Dropout with probability `p` in training; nothing otherwise.
///
/// # Errors
/// Shape errors of the op.
pub fn dropout(cx: &mut Context, x: Var, p: f32) -> Result<Var> {
    match dropout_args(cx, p) {
        Some((rng, rate, stream)) => ops::dropout(cx.g, x, rng, rate, stream),
        None => Ok(x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Options, Program, States};
    use crate::graph::Graph;
    use crate::nn::Params;
    use crate::reference::noise;

    #[test]
    fn a_weight_in_pieces_answers_as_a_whole() {
        let Some(device) = crate::check::device() else { return };
        let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
        let x = g.input("x", [3, 70]);
        let mut cx = Context::new(&mut g, &mut params, false);
        let whole = cx.scoped("fc", |cx| linear(cx, x, 150, true)).unwrap();
        let pieces = cx.scoped("fc", |cx| linear_in_pieces(cx, x, [150, 70], true, 4 * 70 * 64)).unwrap();
        g.output("whole", whole);
        g.output("pieces", pieces);
        assert_eq!(params.list().len(), 2);
        let mut states = States::new(&device);
        params.allocate(&mut states).unwrap();
        params.upload(&states, &params.initial(3), true).unwrap();
        let program = Program::new(&g, &states, Options::default()).unwrap();
        program.write("x", &noise(1, 210).iter().map(|&v| v as f32).collect::<Vec<_>>()).unwrap();
        program.run().unwrap();
        let (whole, pieces) = (program.read("whole").unwrap(), program.read("pieces").unwrap());
        let apart = whole.iter().zip(&pieces).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(whole.len() == 450 && apart < 1e-5 && whole.iter().any(|v| v.abs() > 0.1), "apart by {apart}");
    }
}
