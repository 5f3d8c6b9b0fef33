//! Res-Trans (Yuan et al. 2021): ResNet-18 with squeeze-excitation, its feature maps read as a token sequence by a transformer, a linear
//! head for the emotion; a second linear head on the feature maps identifies the speaker.

use super::network::{Input, Network, Settings, TRUNK};
use super::residual::{self, Trunk};
use crate::words::words;
use crate::graph::Var;
use crate::nn::layers::{flatten, layer_norm, linear};
use crate::nn::transformer::EncoderLayer;
use crate::nn::{Context, Init, Weights};
use crate::ops::{self, LayerNormMode};
use crate::range::{require, within};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

words! {
    /// What a token of the transformer is.
    Token {
        /// A group of channels, as in the released code.
        Channel = "channel",
        /// A position of the feature map.
        Spatial = "spatial",
        /// A column of the feature map: a moment.
        Time = "time",
    }
    /// Where a transformer block normalises.
    NormPlace {
        /// Before attention and feed-forward, as in the released code.
        Pre = "pre",
        /// After the residual additions, as drawn in the paper.
        Post = "post",
    }
    /// Position encoding of the tokens.
    PositionEncoding {
        /// None, as in the released code.
        None = "none",
        /// Fixed sines.
        Sin = "sin",
        /// A trained vector per position.
        Learned = "learned",
    }
    /// Layer normalisation.
    LayerNormKind {
        /// (x - mean) / sqrt(var + eps), biased variance.
        Standard = "standard",
        /// (x - mean) / (std + eps), unbiased standard deviation, as in the released code.
        UnbiasedStd = "unbiased_std",
    }
    /// Input of the speaker head.
    SpeakerHead {
        /// The flattened feature maps.
        Flatten = "flatten",
        /// The feature maps' averages.
        Gap = "gap",
    }
}

/// The settings: `[model]` with `name = "res_trans"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResTrans {
    /// Channels after the stem; the feature maps have eight times as many, which is the transformer's width.
    pub width: usize,
    /// Squeeze-excitation in the residual blocks.
    pub se: bool,
    /// Its bottleneck: channels / reduction.
    pub reduction: usize,
    /// What a token is.
    pub token: Token,
    /// Transformer blocks.
    pub depth: usize,
    /// Attention heads; they divide the transformer's width.
    pub heads: usize,
    /// Hidden width of the feed-forward part; 0 for four times the transformer's width.
    pub ff: usize,
    /// Dropout probability in the transformer.
    pub dropout: f64,
    /// Where blocks normalise.
    pub norm: NormPlace,
    /// Position encoding.
    pub position: PositionEncoding,
    /// Layer normalisation.
    pub ln: LayerNormKind,
    /// Input of the speaker head.
    pub speaker_head: SpeakerHead,
}

/// The network shrinks images by this on both sides.
const SHRINK: usize = 32;

impl Settings for ResTrans {
    const NAME: &'static str = "res_trans";

    fn preset(size: &str) -> Self {
        // As published and as in the released code.
        let paper = ResTrans {
            width: 64,
            se: true,
            reduction: 16,
            token: Token::Channel,
            depth: 6,
            heads: 8,
            ff: 0,
            dropout: 0.1,
            norm: NormPlace::Pre,
            position: PositionEncoding::None,
            ln: LayerNormKind::UnbiasedStd,
            speaker_head: SpeakerHead::Flatten,
        };
        let (token, position, ln) = (Token::Time, PositionEncoding::Sin, LayerNormKind::Standard);
        match size {
            "paper" => paper,
            "tiny" => ResTrans { width: 8, reduction: 4, depth: 1, heads: 4, token, position, ln, ..paper },
            _ => ResTrans { width: 16, reduction: 8, depth: 2, token, position, ln, ..paper },
        }
    }
}

impl Network for ResTrans {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        let odd = shape.iter().skip(1).find(|side| **side == 0 || !side.is_multiple_of(SHRINK));
        let side = odd.or(shape.last()).copied().unwrap_or(0);
        require(odd.is_none() && side > 0, "image.size", side, "be a multiple of 32, by which the network shrinks it")?;
        within("model.width", self.width, 4, 256)?;
        within("model.reduction", self.reduction, 1, 64)?;
        let rule = format!("be at most model.width = {}, or squeeze-excitation has no channels left", self.width);
        require(!self.se || self.reduction <= self.width, "model.reduction", self.reduction, rule)?;
        within("model.depth", self.depth, 1, 24)?;
        within("model.heads", self.heads, 1, 64)?;
        let rule = format!("divide the transformer's width 8 x model.width = {}", 8 * self.width);
        require((8 * self.width).is_multiple_of(self.heads), "model.heads", self.heads, rule)?;
        within("model.ff", self.ff, 0, 16_384)?;
        within("model.dropout", self.dropout, 0.0, 0.9)
    }

    /// (B, C, S, S) -> (B, 8·width, S/32, S/32).
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let shape = cx.g.shape(images).clone();
        if shape.rank() != 4 || !shape[2..].iter().all(|&side| side > 0 && side.is_multiple_of(SHRINK)) {
            return Err(Error::shape("res_trans", "images (B, C, S, S) with sides that are multiples of 32", shape.to_string()));
        }
        self.trunk().build(cx, images)
    }

    /// (B, 8·width, h, w) -> (B, outputs), by tokens, transformer and a linear layer on all of its outputs.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let mut z = self.tokens(cx, features)?;
        z = self.positions(cx, z)?;
        let layer = self.layer();
        z = cx.scoped("encoder", |cx| {
            for i in 0..self.depth {
                z = cx.scoped("layers", |cx| cx.block(&i.to_string(), |cx| layer.build(cx, z)))?;
            }
            cx.scoped("norm", |cx| layer_norm(cx, z, layer.norm))
        })?;
        let flat = flatten(cx, z)?;
        cx.scoped("head", |cx| linear(cx, flat, outputs, true))
    }

    fn auxiliary(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let flat = match self.speaker_head {
            SpeakerHead::Flatten => flatten(cx, features)?,
            SpeakerHead::Gap => ops::global_avg_pool(cx.g, features)?,
        };
        linear(cx, flat, outputs, true)
    }

    /// Names as in the released code, whose weights travel both ways.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        match group {
            TRUNK => "cnn",
            "emotion" => "",
            "speaker" => "voiceprint",
            other => other,
        }
    }

    /// A torchvision ResNet-18 for the trunk.
    fn import(&self, foreign: &Weights, shape: &[usize]) -> Result<Weights> {
        residual::import_torchvision(foreign, &self.trunk(), self.scope(TRUNK), shape.first().copied().unwrap_or(0))
    }
}

impl ResTrans {
    fn trunk(&self) -> Trunk {
        Trunk { width: self.width, blocks: [2; 4], bottleneck: false, reduction: if self.se { self.reduction } else { 0 } }
    }

    fn layer(&self) -> EncoderLayer {
        EncoderLayer {
            heads: self.heads,
            ff: if self.ff == 0 { 4 * 8 * self.width } else { self.ff },
            dropout: self.dropout as f32,
            norm_first: self.norm == NormPlace::Pre,
            norm: match self.ln {
                LayerNormKind::Standard => LayerNormMode::Standard,
                LayerNormKind::UnbiasedStd => LayerNormMode::UnbiasedStd,
            },
        }
    }

    fn tokens(&self, cx: &mut Context, features: Var) -> Result<Var> {
        let shape = cx.g.shape(features).clone();
        let [b, c, h, w] = *shape.0.as_slice() else {
            return Err(Error::shape("tokens", "(B, C, H, W)", shape.to_string()));
        };
        match self.token {
            Token::Channel => ops::reshape(cx.g, features, [b, h * w, c]),
            Token::Spatial => {
                let flat = ops::reshape(cx.g, features, [b, c, h * w])?;
                ops::permute(cx.g, flat, &[0, 2, 1])
            }
            Token::Time => {
                let columns = ops::mean(cx.g, features, 2)?;
                ops::permute(cx.g, columns, &[0, 2, 1])
            }
        }
    }

    fn positions(&self, cx: &mut Context, z: Var) -> Result<Var> {
        let shape = cx.g.shape(z).clone();
        let (t, d) = (shape[1], shape[2]);
        let positions = match self.position {
            PositionEncoding::None => return Ok(z),
            PositionEncoding::Learned => cx.param("position", [1, t * d], Init::Uniform(0.02))?,
            PositionEncoding::Sin => cx.g.constant([1, t * d], &sinusoids(t, d))?,
        };
        let positions = ops::reshape(cx.g, positions, [1, t, d])?;
        ops::add(cx.g, z, positions)
    }
}

/// `sin(t / 10000^(2i/D))` at even, `cos` at odd positions of the width.
fn sinusoids(t: usize, d: usize) -> Vec<f32> {
    (0..t * d)
        .map(|n| {
            let (t, i) = ((n / d) as f64, n % d);
            let angle = t / 10_000f64.powf((i / 2 * 2) as f64 / d as f64);
            (if i % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
        })
        .collect()
}
