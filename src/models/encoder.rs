//! The first blocks of a speech encoder (Radford et al. 2022, "Robust speech recognition via large-scale weak supervision": Whisper) with
//! pooling over time and a linear head. Parameters have Hugging Face's names without `model.encoder.`.

mod published;

pub use super::ridge::Centre;

use self::published::{BANDS, Sizes, block_of};
use super::kernels::Kernels;
use super::network::{Input, Network, Settings, Solver, TRUNK};
use super::ridge::{self, Ridged, Terms};
use crate::graph::Var;
use crate::nn::attention::masked_attention;
use crate::nn::layers::{Conv, conv1d, dropout, layer_norm, linear};
use crate::nn::{Context, Init, Weights};
use crate::ops::{self, LayerNormMode};
use crate::range::{require, within};
use crate::words::words;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Width of an attention head of any Whisper.
const HEAD: usize = 64;
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
    /// Of each tap's block, what it computes within is pooled too, by statistics: the answers of its attention before their projection, and
    /// the activations between its linear layers. Earlier versions had none of it.
    #[serde(default)]
    pub within: bool,
    /// Random kernels that hear the frames beside the encoder, at four rates: what they say of pitch and loudness the encoder was taught to forget.
    /// Earlier versions had none.
    #[serde(default)]
    pub kernels: usize,
    /// What tells classes by the pooled vector.
    pub head: Head,
    /// Rate of dropout before the linear head.
    pub dropout: f64,
    /// Penalty of the ridge's weights for each value of the pooled vector: it grows with the vector as the values' influence does.
    pub penalty: f64,
    /// How alike the ridge's machines of two corpora are, where it is solved on several for clips of one: 0 for nothing in common, 1 for the same.
    #[serde(default = "half")]
    pub coupling: f64,
    /// Deviations from the mean beyond which values of the pooled vector are brought back before the ridge; 0 for none.
    #[serde(default)]
    pub reach: f64,
    /// What clips are centred by where the ridge is solved for clips of any other corpus.
    #[serde(default = "by_speaker")]
    pub centre: Centre,
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
            within: false,
            kernels: 0,
            head: Head::Linear,
            dropout: 0.3,
            penalty: 1.0,
            coupling: half(),
            reach: 6.0,
            centre: by_speaker(),
        };
        match size {
            "tiny" => Encoder { blocks: 2, taps: vec![1, 2], width: HEAD, mlp: 4 * HEAD, positions: 100, ..paper },
            "small" => Encoder { head: Head::Ridge, within: true, kernels: 2048, penalty: 0.3, ..paper },
            _ => paper,
        }
    }

    /// The blocks are fine-tuned in one stage, more slowly than their head; the tiny one, which no weights are published for, starts from nothing
    /// on clips of two seconds.
    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => include_str!("encoder/tiny.toml"),
            _ => include_str!("encoder.toml"),
        }
    }
}

/// What a file of an earlier version does not say, and no one asks it.
fn half() -> f64 {
    0.5
}

fn by_speaker() -> Centre {
    Centre::Speaker
}

/// What a transformer block computes.
struct Block {
    /// The answers of its attention, before their projection.
    attended: Var,
    /// What is between its linear layers.
    activated: Var,
    out: Var,
}

impl Encoder {
    /// The preset `paper` with the sizes of an encoder's weights by Hugging Face's names, and its first `blocks` blocks or as many as there are,
    /// the last three of which (or all) are pooled.
    ///
    /// # Errors
    /// [`Error::Config`] when they are no Whisper's, or one that takes another number of mel bands.
    pub fn fitting(weights: &Weights, blocks: usize) -> Result<Self> {
        let Sizes { blocks: have, width, mlp, positions } = Sizes::of(weights)?;
        let blocks = blocks.min(have);
        let taps = (blocks.saturating_sub(2)..=blocks).collect();
        Ok(Encoder { blocks, taps, width, mlp, positions, ..Self::preset("paper") })
    }

    /// What hears beside the encoder, where anything does.
    fn beside(&self) -> Option<Kernels> {
        (self.kernels > 0).then_some(Kernels { count: self.kernels, length: 9, rates: 4 })
    }

    fn sizes(&self) -> Sizes {
        Sizes { blocks: self.blocks, width: self.width, mlp: self.mlp, positions: self.positions }
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

    /// `x + out(attention(norm(x)))`, then `x + fc2(gelu(fc1(norm(x))))`; and what is within.
    fn block(&self, cx: &mut Context, x: Var) -> Result<Block> {
        let norm = |cx: &mut Context, name: &str, x: Var| cx.scoped(name, |cx| layer_norm(cx, x, LayerNormMode::Standard));
        let y = norm(cx, "self_attn_layer_norm", x)?;
        let (attended, y) = cx.scoped("self_attn", |cx| {
            let attended = self.attend(cx, y)?;
            Ok((attended, cx.scoped("out_proj", |cx| linear(cx, attended, self.width, true))?))
        })?;
        let x = ops::add(cx.g, x, y)?;
        let y = norm(cx, "final_layer_norm", x)?;
        let y = cx.scoped("fc1", |cx| linear(cx, y, self.mlp, true))?;
        let activated = ops::gelu(cx.g, y)?;
        let y = cx.scoped("fc2", |cx| linear(cx, activated, self.width, true))?;
        Ok(Block { attended, activated, out: ops::add(cx.g, x, y)? })
    }

    /// The answers of all heads, side by side.
    fn attend(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let heads = self.width / HEAD;
        let mut project = |name: &str, bias: bool| {
            let y = cx.scoped(name, |cx| linear(cx, x, self.width, bias))?;
            ops::split_heads(cx.g, y, heads)
        };
        let parts = [project("q_proj", true)?, project("k_proj", false)?, project("v_proj", true)?];
        let y = masked_attention(cx.g, parts, 1.0 / (HEAD as f32).sqrt(), cx.lengths, PER)?;
        ops::merge_heads(cx.g, y)
    }

    /// Valid frames of each row of `x` (B, T, D).
    fn lengths(cx: &mut Context, x: Var) -> Result<Var> {
        let (rows, positions) = (cx.g.shape(x)[0], cx.g.shape(x)[1]);
        cx.lengths.map_or_else(|| cx.g.constant([rows], &vec![f32::from_bits((PER * positions) as u32); rows]), Ok)
    }

    /// Means and deviations of hidden state `tap` over the valid positions: (B, T, D) -> (B, 2·D).
    fn pool(&self, cx: &mut Context, tap: usize, x: Var) -> Result<Var> {
        let (shape, lengths) = (cx.g.shape(x).clone(), Self::lengths(cx, x)?);
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
        self.beside().map_or(Ok(()), |kernels| kernels.check())?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        within("model.penalty", self.penalty, 1e-6, 1e6)?;
        within("model.coupling", self.coupling, 0.0, 1.0)?;
        within("model.reach", self.reach, 0.0, 1e3)?;
        let [frames, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"encoder\": takes frames of {BANDS} bands"))) };
        let rule = format!("be at least half the {frames} frames of frames.seconds");
        require(frames <= PER * self.positions, "model.positions", self.positions, rule)
    }

    /// (B, T, 80) -> (B, taps·2·D): the means and deviations of each tap; with `within`, behind each those of the answers of its block's
    /// attention, 2·D, and of the activations of its linear layers, 2·mlp; with `kernels`, behind all, their 2·kernels.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let (frames, mut pooled) = (x, Vec::new());
        let mut x = self.stem(cx, frames)?;
        for i in 0..=self.blocks {
            let mut inner = Vec::new();
            if let Some(block) = i.checked_sub(1) {
                let done = cx.scoped("layers", |cx| cx.block(&block.to_string(), |cx| self.block(cx, x)))?;
                (x, inner) = (done.out, vec![done.attended, done.activated]);
            }
            cx.mark(&format!("hidden.{i}"), x);
            if self.taps.contains(&i) {
                let y = self.pool(cx, i, x)?;
                cx.mark(&format!("pooled.{i}"), y);
                pooled.push(y);
                for (name, y) in ["attended", "activated"].iter().zip(inner).filter(|_| self.within) {
                    cx.mark(&format!("{name}.{i}"), y);
                    let lengths = Self::lengths(cx, y)?;
                    pooled.push(ops::time_pool(cx.g, y, None, lengths, PER)?);
                }
            }
        }
        if let Some(kernels) = self.beside() {
            let lengths = Self::lengths(cx, x)?;
            pooled.push(cx.scoped("kernels", |cx| kernels.hear(cx, frames, lengths))?);
        }
        if let [one] = pooled.as_slice() { Ok(*one) } else { ops::concat(cx.g, &pooled, 1) }
    }

    /// Layer norm, dropout, linear layer; or standardisation and the ridge's linear layer.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        if self.head == Head::Ridge {
            return ridge::head(cx, features, outputs, self.reach);
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
        Sizes::known(foreign)
    }

    fn import(&self, foreign: &Weights, _: &[usize]) -> Result<Weights> {
        self.sizes().read(foreign)
    }
}

impl Ridged for Encoder {
    fn terms(&self) -> Terms {
        Terms { penalty: self.penalty, coupling: self.coupling, reach: self.reach, centre: self.centre }
    }
}

#[cfg(test)]
mod tests;
