//! The first blocks of a speech encoder (Radford et al. 2022, "Robust speech recognition via large-scale weak supervision": Whisper) with
//! pooling over time and a linear head. Parameters have Hugging Face's names without `model.encoder.`.

use super::network::{Examples, Input, Network, Settings, Solution, Solver, TRUNK};
use super::standard::{moments, standardise};
use super::{calibration, ridge};
use crate::gpu::Device;
use crate::graph::{Shape, Var};
use crate::nn::attention::masked_attention;
use crate::nn::layers::{Conv, conv1d, dropout, layer_norm, linear};
use crate::nn::{Context, Init, Weights};
use crate::ops::{self, LayerNormMode};
use crate::range::{require, within};
use crate::words::words;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Table;

/// Width of an attention head of any Whisper.
const HEAD: usize = 64;
/// Mel bands of a frame.
const BANDS: usize = 80;
/// Frames of a position: the stride of the second convolution.
const PER: usize = 2;

words! {
    /// How positions become one vector.
    Pooling {
        /// Mean and standard deviation over the valid positions.
        Statistics = "statistics",
        /// The same with weights by attention (Okabe et al. 2018), learnt with the trunk.
        Attention = "attention",
    }
    /// What tells classes by the pooled vector.
    Head {
        /// Layer norm, dropout and a linear layer, trained by steps.
        Linear = "linear",
        /// Ridge regression on standardised values, solved at once; the encoder stays as it is.
        Ridge = "ridge",
    }
}

/// The settings: `[model]` with `name = "encoder"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// Transformer blocks, the first of those that the weights have.
    pub blocks: usize,
    /// Hidden states that are pooled: 0 is the convolutions', i that behind block i. The last is `blocks`, for what lies behind the last tap
    /// has no say.
    pub taps: Vec<usize>,
    /// Width of a hidden state, a multiple of a head's 64: 384 of Whisper tiny, 512 of base, 768 of small, 1024 of medium, 1280 of large.
    pub width: usize,
    /// Units between the two linear layers of a block; Whisper's are four times the width.
    pub mlp: usize,
    /// The most positions there may be, of two frames each.
    pub positions: usize,
    /// How positions become one vector.
    pub pooling: Pooling,
    /// What tells classes by the pooled vector.
    pub head: Head,
    /// Rate of dropout before the linear head.
    pub dropout: f64,
    /// Penalty of the ridge's weights for each value of the pooled vector: it grows with the vector as the values' influence does.
    pub penalty: f64,
    /// Factor of the ridge's answers before the softmax: what solving found.
    pub scale: f64,
}

impl Settings for Encoder {
    const NAME: &'static str = "encoder";

    fn preset(size: &str) -> Self {
        let paper = Encoder {
            blocks: 4,
            taps: vec![2, 3, 4],
            width: 512,
            mlp: 2048,
            positions: 1500,
            pooling: Pooling::Statistics,
            head: Head::Linear,
            dropout: 0.3,
            penalty: 1.0,
            scale: 1.0,
        };
        match size {
            "tiny" => Encoder { blocks: 2, taps: vec![1, 2], width: HEAD, mlp: 4 * HEAD, positions: 100, ..paper },
            "small" => Encoder { head: Head::Ridge, ..paper },
            _ => paper,
        }
    }

    /// The blocks are fine-tuned in one stage, more slowly than their head; the tiny one, which no weights are published for, starts from nothing
    /// on clips of two seconds.
    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => "[frames]\nseconds = 2.0\n[train]\nstages = [\"single\"]\n",
            _ => include_str!("encoder.toml"),
        }
    }
}

/// Names without the prefixes under which Hugging Face has them.
fn own_name(name: &str) -> &str {
    let name = name.strip_prefix("model.").unwrap_or(name);
    name.strip_prefix("encoder.").unwrap_or(name)
}

/// The number of a block's parameter.
fn block_of(name: &str) -> Option<usize> {
    name.strip_prefix("layers.")?.split('.').next()?.parse().ok()
}

impl Encoder {
    /// The preset `paper` with the sizes of an encoder's weights by Hugging Face's names, and its first `blocks` blocks or as many as there are,
    /// the last three of which (or all) are pooled.
    ///
    /// # Errors
    /// [`Error::Config`] when they are no Whisper's, or one that takes another number of mel bands.
    pub fn fitting(weights: &Weights, blocks: usize) -> Result<Self> {
        let extents = |wanted: &str| {
            let found = weights.iter().find(|(name, _)| own_name(name) == wanted);
            let shape = found.map(|(_, (shape, _))| shape.0.clone());
            shape.filter(|s| s.len() >= 2).ok_or_else(|| Error::Config(format!("no Whisper encoder: the weights have no matrix {wanted}")))
        };
        let (stem, positions, fc1) = (extents("conv1.weight")?, extents("embed_positions.weight")?, extents("layers.0.fc1.weight")?);
        if stem[1] != BANDS {
            return Err(Error::Config(format!("this Whisper takes {} mel bands; those of {BANDS} are supported (all but large-v3)", stem[1])));
        }
        let have = weights.keys().filter_map(|name| block_of(own_name(name))).max().map_or(0, |last| last + 1);
        let blocks = blocks.min(have);
        let taps = (blocks.saturating_sub(2)..=blocks).collect();
        Ok(Encoder { blocks, taps, width: stem[0], mlp: fc1[0], positions: positions[0], ..Self::preset("paper") })
    }

    /// Names and shapes of the parameters that published weights have.
    fn published(&self) -> Vec<(String, Vec<usize>)> {
        let (d, mlp) = (self.width, self.mlp);
        let mut all: Vec<(String, Vec<usize>)> = Vec::new();
        let mut pair = |name: &str, weight: &[usize], bias: bool| {
            all.push((format!("{name}.weight"), weight.to_vec()));
            all.extend(bias.then(|| (format!("{name}.bias"), vec![weight[0]])));
        };
        pair("conv1", &[d, BANDS, 3], true);
        pair("conv2", &[d, d, 3], true);
        pair("embed_positions", &[self.positions, d], false);
        for i in 0..self.blocks {
            let name = |leaf: &str| format!("layers.{i}.{leaf}");
            for leaf in ["q", "k", "v", "out"] {
                pair(&name(&format!("self_attn.{leaf}_proj")), &[d, d], leaf != "k");
            }
            pair(&name("self_attn_layer_norm"), &[d], true);
            pair(&name("fc1"), &[mlp, d], true);
            pair(&name("fc2"), &[d, mlp], true);
            pair(&name("final_layer_norm"), &[d], true);
        }
        all
    }

    /// Two convolutions over time, of kernels of 3 and of strides 1 and 2, and positions: (B, T, 80) -> (B, T/2, D).
    fn stem(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let shape = cx.g.shape(x).clone();
        let [batch, frames, bands] = *shape.0.as_slice() else {
            return Err(Error::shape("encoder", "frames (B, T, F)", shape.to_string()));
        };
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let x = ops::reshape(cx.g, x, [batch, bands, 1, frames])?;
        let layer = |cx: &mut Context, x: Var, name: &str, stride: usize| {
            let y = cx.scoped(name, |cx| conv1d(cx, x, Conv::new(self.width, 3).stride(stride).padding(1).bias()))?;
            ops::gelu(cx.g, y)
        };
        let x = cx.part("stem", |cx| {
            let x = layer(cx, x, "conv1", 1)?;
            layer(cx, x, "conv2", PER)
        })?;
        let positions = cx.g.shape(x)[3];
        let x = ops::reshape(cx.g, x, [batch, self.width, positions])?;
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        // Sinusoids, which Whisper does not train: state.
        let all = cx.scoped("embed_positions", |cx| cx.statistic("weight", [self.positions, self.width], Init::Sinusoids))?;
        let own = ops::slice(cx.g, all, 0, 0, positions)?;
        ops::add(cx.g, x, own)
    }

    /// `x + out(attention(norm(x)))`, then `x + fc2(gelu(fc1(norm(x))))`.
    fn block(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let norm = |cx: &mut Context, name: &str, x: Var| cx.scoped(name, |cx| layer_norm(cx, x, LayerNormMode::Standard));
        let y = norm(cx, "self_attn_layer_norm", x)?;
        let y = cx.scoped("self_attn", |cx| self.self_attention(cx, y))?;
        let x = ops::add(cx.g, x, y)?;
        let y = norm(cx, "final_layer_norm", x)?;
        let y = cx.scoped("fc1", |cx| linear(cx, y, self.mlp, true))?;
        let y = ops::gelu(cx.g, y)?;
        let y = cx.scoped("fc2", |cx| linear(cx, y, self.width, true))?;
        ops::add(cx.g, x, y)
    }

    fn self_attention(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let heads = self.width / HEAD;
        let mut project = |name: &str, bias: bool| {
            let y = cx.scoped(name, |cx| linear(cx, x, self.width, bias))?;
            ops::split_heads(cx.g, y, heads)
        };
        let parts = [project("q_proj", true)?, project("k_proj", false)?, project("v_proj", true)?];
        let y = masked_attention(cx.g, parts, 1.0 / (HEAD as f32).sqrt(), cx.lengths, PER)?;
        let y = ops::merge_heads(cx.g, y)?;
        cx.scoped("out_proj", |cx| linear(cx, y, self.width, true))
    }

    /// Means and deviations of hidden state `tap` over the valid positions: (B, T, D) -> (B, 2·D).
    fn pool(&self, cx: &mut Context, tap: usize, x: Var) -> Result<Var> {
        let shape = cx.g.shape(x).clone();
        let lengths = match cx.lengths {
            Some(lengths) => lengths,
            None => cx.g.constant([shape[0]], &vec![f32::from_bits((PER * shape[1]) as u32); shape[0]])?,
        };
        let weights = match self.pooling {
            Pooling::Statistics => None,
            Pooling::Attention => Some(cx.scoped(&format!("pool.{tap}"), |cx| {
                let keys = cx.scoped("key", |cx| linear(cx, x, self.width / 4, true))?;
                let keys = ops::tanh(cx.g, keys)?;
                let scores = cx.scoped("score", |cx| linear(cx, keys, 1, false))?;
                let scores = ops::reshape(cx.g, scores, [shape[0], shape[1]])?;
                ops::masked_softmax(cx.g, scores, lengths, PER)
            })?),
        };
        ops::time_pool(cx.g, x, weights, lengths, PER)
    }
}

impl Network for Encoder {
    fn input(&self) -> Input {
        Input::Frames
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.blocks", self.blocks, 1, 64)?;
        let ascending = self.taps.windows(2).all(|pair| pair[0] < pair[1]) && self.taps.last() == Some(&self.blocks);
        let rule = format!("name hidden states in ascending order, of which the last is model.blocks = {}", self.blocks);
        require(ascending, "model.taps", format_args!("{:?}", self.taps), rule)?;
        within("model.width", self.width, HEAD, 4096)?;
        require(self.width.is_multiple_of(HEAD), "model.width", self.width, format_args!("be a multiple of a head's {HEAD}"))?;
        within("model.mlp", self.mlp, 1, 16_384)?;
        within("model.positions", self.positions, 1, 30_000)?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        within("model.penalty", self.penalty, 1e-6, 1e6)?;
        within("model.scale", self.scale, 1e-6, 1e6)?;
        let [frames, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"encoder\": takes frames of {BANDS} bands"))) };
        let rule = format!("be at least half the {frames} frames of frames.seconds");
        require(frames <= PER * self.positions, "model.positions", self.positions, rule)
    }

    /// (B, T, 80) -> (B, taps·2·D): the means and deviations of each tap.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let mut x = self.stem(cx, x)?;
        let mut pooled = Vec::new();
        for i in 0..=self.blocks {
            if let Some(block) = i.checked_sub(1) {
                x = cx.scoped("layers", |cx| cx.block(&block.to_string(), |cx| self.block(cx, x)))?;
            }
            cx.mark(&format!("hidden.{i}"), x);
            if self.taps.contains(&i) {
                let y = self.pool(cx, i, x)?;
                cx.mark(&format!("pooled.{i}"), y);
                pooled.push(y);
            }
        }
        if let [one] = pooled.as_slice() { Ok(*one) } else { ops::concat(cx.g, &pooled, 1) }
    }

    /// Layer norm, dropout, linear layer; or standardisation and the ridge's linear layer.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        if self.head == Head::Ridge {
            let n = cx.g.shape(features).last().copied().unwrap_or(0);
            let x = standardise(cx, features, n)?;
            let weight = cx.param("weight", [outputs, n], Init::Uniform(1.0 / n.max(1) as f32))?;
            let bias = cx.param("bias", [outputs], Init::Fill(0.0))?;
            let answer = ops::linear(cx.g, x, weight, Some(bias))?;
            return if self.scale == 1.0 { Ok(answer) } else { ops::scale(cx.g, answer, self.scale as f32) };
        }
        let x = cx.scoped("norm", |cx| layer_norm(cx, features, LayerNormMode::Standard))?;
        let x = dropout(cx, x, self.dropout as f32)?;
        cx.scoped("classifier", |cx| linear(cx, x, outputs, true))
    }

    fn blocks_above(&self, parameter: &str) -> usize {
        match block_of(parameter) {
            Some(block) => self.blocks.saturating_sub(block + 1),
            None if parameter.starts_with("conv") => self.blocks,
            None => 0,
        }
    }

    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "" } else { group }
    }

    fn solver(&self) -> Option<&dyn Solver> {
        (self.head == Head::Ridge).then_some(self)
    }

    fn imports(&self, foreign: &Weights) -> bool {
        foreign.keys().any(|name| own_name(name) == "embed_positions.weight")
    }

    /// Hugging Face's weights of a Whisper: the whole model's, the encoder's, or its first blocks'. What is not wanted (more blocks, positions
    /// further on, the decoder) is left out.
    fn import(&self, foreign: &Weights, _: &[usize]) -> Result<Weights> {
        let theirs = Encoder::fitting(foreign, self.blocks)?;
        let pairs = [("width", self.width, theirs.width), ("mlp", self.mlp, theirs.mlp), ("blocks", self.blocks, theirs.blocks)];
        if let Some((key, own, their)) = pairs.iter().find(|(_, own, their)| own != their) {
            let reason = format!("the weights have {their}: --set model.{key}={their}");
            return Err(Error::Config(format!("model.{key} = {own}, but {reason}")));
        }
        if self.positions > theirs.positions {
            let reason = format!("model.positions = {}, but the weights have {1}: --set model.positions={1}", self.positions, theirs.positions);
            return Err(Error::Config(reason));
        }
        let wanted: BTreeSet<String> = self.published().into_iter().map(|(name, _)| name).collect();
        let mut own = Weights::new();
        for (name, tensor) in foreign.iter().filter(|(name, _)| wanted.contains(own_name(name))) {
            own.insert(own_name(name).to_string(), tensor.clone());
        }
        for (name, shape) in self.published() {
            let Some((found, values)) = own.get_mut(&name) else {
                return Err(Error::Config(format!("the weights have no tensor {name}")));
            };
            if name == "embed_positions.weight" {
                found.0[0] = self.positions;
                values.truncate(self.positions * self.width);
            }
            if found.0 != shape {
                return Err(Error::shape(name, format!("{shape:?}"), found.to_string()));
            }
        }
        Ok(own)
    }
}

impl Solver for Encoder {
    fn on_features(&self) -> bool {
        true
    }

    fn solve(&self, _: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        let (mean, std) = moments(&examples.inputs);
        let width = mean.len();
        let z = |x: &&[f32]| x.iter().zip(mean.iter().zip(&std)).map(|(v, (m, s))| (f64::from(*v) - m) / s).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = examples.inputs.iter().map(z).collect();
        let found = ridge::solve(&rows, &examples.classes, examples.outputs, self.penalty * width as f64, progress)?;
        let tensor = |shape: Vec<usize>, values: &[f64]| (Shape(shape), values.iter().map(|v| *v as f32).collect::<Vec<f32>>());
        let head = Weights::from([
            ("mean".into(), tensor(vec![width], &mean)),
            ("std".into(), tensor(vec![width], &std)),
            ("weight".into(), tensor(vec![examples.outputs, width], &found.weight)),
            ("bias".into(), tensor(vec![examples.outputs], &found.bias)),
        ]);
        Ok(Solution { head, objective: found.objective, gap: found.gap, ..Solution::default() })
    }

    fn calibrate(&self, answers: &[Vec<f32>], classes: &[usize]) -> Table {
        calibration::table(self.scale, answers, classes)
    }
}

#[cfg(test)]
mod tests;
