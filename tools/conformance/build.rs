//! Builds a case's graph through the public API.

use crate::case::Case;
use anyhow::{Context as _, Result};
use emotone::compile::States;
use emotone::graph::{Graph, Var};
use emotone::models::resnet::basic_block;
use emotone::nn::transformer::EncoderLayer;
use emotone::nn::{Context, Params, attention::attention};
use emotone::ops::{self, Conv2d, LayerNormMode, PoolSpec};
use std::collections::BTreeMap;

/// Outputs by name, and unsigned inputs with their values.
#[derive(Default)]
pub struct Built {
    /// Outputs by the case's names.
    pub outputs: BTreeMap<String, Var>,
    /// Inputs of unsigned integers.
    pub words: Vec<(String, Vec<u32>)>,
}

fn one(y: Var) -> Option<Built> {
    Some(Built { outputs: BTreeMap::from([("y".to_string(), y)]), words: Vec::new() })
}

/// Builds the case's op; `None` when the engine has no such op. Inputs that are parameters of a layer are moved into state.
pub fn build(case: &Case, g: &mut Graph, vars: &mut BTreeMap<String, Var>, states: &mut States) -> Result<Option<Built>> {
    if let Some(built) = crate::signal::build(case, g, vars)? {
        return Ok(Some(built));
    }
    let v = |name: &str| vars.get(name).copied().with_context(|| format!("no input {name}"));
    let y = match case.op.as_str() {
        "conv2d" => {
            let spec = Conv2d {
                stride: case.counts("stride")?,
                padding: case.counts("padding")?,
                dilation: case.counts("dilation")?,
                groups: case.count("groups")?,
            };
            ops::conv2d(g, v("x")?, v("weight")?, vars.get("bias").copied(), spec)?
        }
        "conv1d" => ops::conv1d(g, v("x")?, v("weight")?, vars.get("bias").copied(), case.count("stride")?, case.count("padding")?)?,
        "linear" => ops::linear(g, v("x")?, v("weight")?, Some(v("bias")?))?,
        "matmul" => ops::matmul(g, v("a")?, v("b")?, case.flag("transpose_a")?, case.flag("transpose_b")?)?,
        "batch_norm_train" => return batch_norm_train(case, g, vars).map(Some),
        "batch_norm_eval" => {
            let eps = case.number("eps")? as f32;
            ops::batch_norm_eval(g, v("x")?, [v("weight")?, v("bias")?], [v("running_mean")?, v("running_var")?], eps, false)?
        }
        "layer_norm" => {
            let mode = if case.word("mode")? == "standard" { LayerNormMode::Standard } else { LayerNormMode::UnbiasedStd };
            ops::layer_norm(g, v("x")?, v("weight")?, v("bias")?, mode, case.number("eps")? as f32)?
        }
        "relu" => ops::relu(g, v("x")?)?,
        "gelu" => ops::gelu(g, v("x")?)?,
        "sigmoid" => ops::sigmoid(g, v("x")?)?,
        "tanh" => ops::tanh(g, v("x")?)?,
        "add" => ops::add(g, v("a")?, v("b")?)?,
        "mul" => ops::mul(g, v("a")?, v("b")?)?,
        "channel_scale" => ops::channel_scale(g, v("x")?, v("s")?)?,
        "concat" => {
            let parts = case.inputs().iter().map(|n| v(n)).collect::<Result<Vec<_>>>()?;
            ops::concat(g, &parts, case.count("dim")?)?
        }
        "slice" => ops::slice(g, v("x")?, case.count("dim")?, case.count("start")?, case.count("end")?)?,
        "permute" => ops::permute(g, v("x")?, &case.counts::<4>("dims")?)?,
        "sum" => ops::sum(g, v("x")?, case.count("dim")?)?,
        "mean" => ops::mean(g, v("x")?, case.count("dim")?)?,
        "softmax" => ops::softmax(g, v("x")?, case.count("dim")?)?,
        "max_pool2d" => {
            let spec = PoolSpec::new(case.counts("kernel")?, case.counts("stride")?, case.counts("padding")?);
            ops::max_pool2d(g, v("x")?, spec)?
        }
        "avg_pool2d" => {
            let spec = PoolSpec {
                kernel: case.counts("kernel")?,
                stride: case.counts("stride")?,
                padding: case.counts("padding")?,
                ceil_mode: case.flag("ceil_mode")?,
                count_include_pad: case.flag("count_include_pad")?,
            };
            ops::avg_pool2d(g, v("x")?, spec)?
        }
        "global_avg_pool" => ops::global_avg_pool(g, v("x")?)?,
        "attention" => attention(g, v("q")?, v("k")?, v("v")?, case.number("scale")? as f32, None)?,
        "cross_entropy" => ops::cross_entropy(g, v("logits")?, v("target")?, None, case.number("label_smoothing")? as f32)?,
        "focal_bce" => {
            let (gamma, smoothing) = (case.number("gamma")? as f32, case.number("label_smoothing")? as f32);
            ops::focal_bce(g, v("logits")?, v("target")?, None, gamma, smoothing)?
        }
        "bce_with_logits" => ops::bce_with_logits(g, v("logits")?, v("target")?, None)?,
        "se_basic_block" | "transformer_encoder_layer" => return block(case, g, vars, states).map(Some),
        _ => return Ok(None),
    };
    Ok(one(y))
}

fn batch_norm_train(case: &Case, g: &mut Graph, vars: &BTreeMap<String, Var>) -> Result<Built> {
    let (x, eps, momentum) = (vars["x"], case.number("eps")? as f32, case.number("momentum")? as f32);
    let (y, mean, rstd) = ops::batch_norm_train(g, x, vars["weight"], vars["bias"], eps, false)?;
    let shape = g.shape(x).clone();
    let count = shape.elements() / shape[1];
    let (m, v) = ops::batch_norm_running(g, [vars["running_mean"], vars["running_var"]], [mean, rstd], count, momentum, eps)?;
    let outputs = [("y", y), ("new_running_mean", m), ("new_running_var", v)];
    Ok(Built { outputs: outputs.map(|(n, v)| (n.to_string(), v)).into(), words: Vec::new() })
}

/// A layer whose other inputs are its parameters, by PyTorch's names.
fn block(case: &Case, g: &mut Graph, vars: &mut BTreeMap<String, Var>, states: &mut States) -> Result<Built> {
    let mut params = Params::new(|_| true);
    let mut cx = Context::new(g, &mut params, true);
    let x = vars["x"];
    let y = if case.op == "se_basic_block" {
        let channels = case.tensor("conv1.weight")?.0[0];
        basic_block(&mut cx, x, channels, case.count("stride")?, case.count("reduction")?)?
    } else {
        let layer = EncoderLayer {
            heads: case.count("heads")?,
            ff: case.tensor("linear1.weight")?.0[0],
            dropout: 0.0,
            norm_first: case.flag("norm_first")?,
            norm: LayerNormMode::Standard,
        };
        layer.build(&mut cx, x)?
    };
    vars.extend(cx.used().clone());
    params.allocate(states)?;
    let mut values = params.initial(0);
    for name in case.inputs().iter().filter(|n| *n != "x") {
        values.insert(name.clone(), case.tensor(name)?.clone());
    }
    params.upload(states, &values, true)?;
    Ok(Built { outputs: BTreeMap::from([("y".to_string(), y)]), words: Vec::new() })
}
