//! Builds a case's op through the public API.

use crate::file::File;
use anyhow::{Context as _, Result};
use emotone::graph::{Graph, Var};
use emotone::nn::attention::attention;
use emotone::ops::{self, Conv2d, LayerNormMode, Lrn, Margin, PoolSpec};

/// Inputs of a case by name.
pub struct Inputs<'a> {
    /// Their names.
    pub names: &'a [String],
    /// Their values.
    pub vars: &'a [Var],
}

impl Inputs<'_> {
    /// An input that may be missing.
    pub fn maybe(&self, name: &str) -> Option<Var> {
        self.names.iter().position(|n| n == name).map(|i| self.vars[i])
    }

    /// An input.
    pub fn get(&self, name: &str) -> Result<Var> {
        self.maybe(name).with_context(|| format!("no input {name}"))
    }
}

/// Adds an op to a graph: its outputs in the order of the file.
pub type Op = fn(&File, &mut Graph, &Inputs) -> Result<Vec<Var>>;

/// The op of that name; `None` when the engine has none.
pub fn find(name: &str) -> Option<Op> {
    [products, norms, capsules, pointwise, shapes, pools, losses, crate::sequence::find, crate::signal::find]
        .iter()
        .find_map(|group| group(name))
}

fn products(name: &str) -> Option<Op> {
    Some(match name {
        "conv2d" => |f, g, x| {
            let (stride, padding, dilation) = (f.counts("stride")?, f.counts("padding")?, f.counts("dilation")?);
            let spec = Conv2d { stride, padding, dilation, groups: f.count("groups")? };
            Ok(vec![ops::conv2d(g, x.get("x")?, x.get("weight")?, x.maybe("bias"), spec)?])
        },
        "conv1d" => |f, g, x| {
            let (stride, padding) = (f.count("stride")?, f.count("padding")?);
            Ok(vec![ops::conv1d(g, x.get("x")?, x.get("weight")?, x.maybe("bias"), stride, padding)?])
        },
        "rbf" => |f, g, x| Ok(vec![ops::rbf(g, x.get("x")?, x.get("support")?, f.number("gamma")? as f32)?]),
        "votes" => |f, g, x| Ok(vec![ops::votes(g, x.get("decision")?, f.count("classes")?)?]),
        "linear" => |_, g, x| Ok(vec![ops::linear(g, x.get("x")?, x.get("weight")?, Some(x.get("bias")?))?]),
        "matmul" => |f, g, x| Ok(vec![ops::matmul(g, x.get("a")?, x.get("b")?, f.flag("transpose_a")?, f.flag("transpose_b")?)?]),
        "attention" => |f, g, x| Ok(vec![attention(g, x.get("q")?, x.get("k")?, x.get("v")?, f.number("scale")? as f32, None)?]),
        _ => return None,
    })
}

fn norms(name: &str) -> Option<Op> {
    Some(match name {
        "batch_norm_train" => |f, g, x| {
            let (eps, momentum) = (f.number("eps")? as f32, f.number("momentum")? as f32);
            let (y, mean, rstd) = ops::batch_norm_train(g, x.get("x")?, x.get("weight")?, x.get("bias")?, eps, false)?;
            let shape = g.shape(y);
            let count = shape.elements() / shape[1];
            let running = [x.get("running_mean")?, x.get("running_var")?];
            let (mean, var) = ops::batch_norm_running(g, running, [mean, rstd], count, momentum, eps)?;
            Ok(vec![y, mean, var])
        },
        "batch_norm_eval" => |f, g, x| {
            let (affine, running) = ([x.get("weight")?, x.get("bias")?], [x.get("running_mean")?, x.get("running_var")?]);
            Ok(vec![ops::batch_norm_eval(g, x.get("x")?, affine, running, f.number("eps")? as f32, false)?])
        },
        "layer_norm" => |f, g, x| {
            let mode = if f.word("mode")? == "standard" { LayerNormMode::Standard } else { LayerNormMode::UnbiasedStd };
            Ok(vec![ops::layer_norm(g, x.get("x")?, x.get("weight")?, x.get("bias")?, mode, f.number("eps")? as f32)?])
        },
        "lrn" => |f, g, x| {
            let (window, [alpha, beta, k]) = (f.count("size")?, ["alpha", "beta", "k"].map(|key| f.number(key).map(|v| v as f32)));
            Ok(vec![ops::lrn(g, x.get("x")?, Lrn { window, alpha: alpha?, beta: beta?, k: k? })?])
        },
        "softmax" => |f, g, x| Ok(vec![ops::softmax(g, x.get("x")?, f.count("dim")?)?]),
        _ => return None,
    })
}

fn capsules(name: &str) -> Option<Op> {
    Some(match name {
        "capsule_routing" => |f, g, x| Ok(vec![ops::capsule_routing(g, x.get("u")?, x.get("weight")?, f.count("iterations")?)?]),
        "squash" => |_, g, x| Ok(vec![ops::squash(g, x.get("x")?)?]),
        "length" => |_, g, x| Ok(vec![ops::length(g, x.get("x")?)?]),
        _ => return None,
    })
}

fn pointwise(name: &str) -> Option<Op> {
    Some(match name {
        "relu" => |_, g, x| Ok(vec![ops::relu(g, x.get("x")?)?]),
        "gelu" => |_, g, x| Ok(vec![ops::gelu(g, x.get("x")?)?]),
        "sigmoid" => |_, g, x| Ok(vec![ops::sigmoid(g, x.get("x")?)?]),
        "tanh" => |_, g, x| Ok(vec![ops::tanh(g, x.get("x")?)?]),
        "add" => |_, g, x| Ok(vec![ops::add(g, x.get("a")?, x.get("b")?)?]),
        "mul" => |_, g, x| Ok(vec![ops::mul(g, x.get("a")?, x.get("b")?)?]),
        "channel_scale" => |_, g, x| Ok(vec![ops::channel_scale(g, x.get("x")?, x.get("s")?)?]),
        _ => return None,
    })
}

fn shapes(name: &str) -> Option<Op> {
    Some(match name {
        "concat" => |f, g, x| Ok(vec![ops::concat(g, x.vars, f.count("dim")?)?]),
        "slice" => |f, g, x| Ok(vec![ops::slice(g, x.get("x")?, f.count("dim")?, f.count("start")?, f.count("end")?)?]),
        "permute" => |f, g, x| Ok(vec![ops::permute(g, x.get("x")?, &f.counts::<4>("dims")?)?]),
        "sum" => |f, g, x| Ok(vec![ops::sum(g, x.get("x")?, f.count("dim")?)?]),
        "mean" => |f, g, x| Ok(vec![ops::mean(g, x.get("x")?, f.count("dim")?)?]),
        _ => return None,
    })
}

fn pools(name: &str) -> Option<Op> {
    fn spec(f: &File) -> Result<PoolSpec> {
        Ok(PoolSpec::new(f.counts("kernel")?, f.counts("stride")?, f.counts("padding")?))
    }
    Some(match name {
        "max_pool2d" => |f, g, x| Ok(vec![ops::max_pool2d(g, x.get("x")?, spec(f)?)?]),
        "avg_pool2d" => |f, g, x| {
            let (ceil_mode, count_include_pad) = (f.flag("ceil_mode")?, f.flag("count_include_pad")?);
            Ok(vec![ops::avg_pool2d(g, x.get("x")?, PoolSpec { ceil_mode, count_include_pad, ..spec(f)? })?])
        },
        "global_avg_pool" => |_, g, x| Ok(vec![ops::global_avg_pool(g, x.get("x")?)?]),
        _ => return None,
    })
}

fn losses(name: &str) -> Option<Op> {
    Some(match name {
        "cross_entropy" => |f, g, x| {
            let smoothing = f.number("label_smoothing")? as f32;
            Ok(vec![ops::cross_entropy(g, x.get("logits")?, x.get("target")?, None, smoothing)?])
        },
        "focal_bce" => |f, g, x| {
            let (gamma, smoothing) = (f.number("gamma")? as f32, f.number("label_smoothing")? as f32);
            Ok(vec![ops::focal_bce(g, x.get("logits")?, x.get("target")?, None, gamma, smoothing)?])
        },
        "kl_distillation" => |f, g, x| {
            let temperature = f.number("temperature")? as f32;
            let soft = ops::scale(g, x.get("teacher")?, 1.0 / temperature)?;
            let teacher = ops::softmax(g, soft, 1)?;
            Ok(vec![ops::kl_distillation(g, x.get("student")?, teacher, None, temperature)?])
        },
        "margin" => |f, g, x| {
            let [upper, lower, down] = ["upper", "lower", "down"].map(|key| f.number(key).map(|v| v as f32));
            let constants = Margin { upper: upper?, lower: lower?, down: down? };
            Ok(vec![ops::margin(g, x.get("lengths")?, x.get("target")?, None, constants)?])
        },
        "squared_hinge" => |_, g, x| Ok(vec![ops::squared_hinge(g, x.get("decision")?, x.get("target")?, None)?]),
        "bce_with_logits" => |_, g, x| Ok(vec![ops::bce_with_logits(g, x.get("logits")?, x.get("target")?, None)?]),
        _ => return None,
    })
}
