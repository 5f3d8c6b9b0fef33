//! Which network, and its dimensions: the `[model]` section of a configuration.

use super::res_trans::ResTrans;
use crate::nn::transformer::EncoderLayer;
use crate::ops::LayerNormMode;
use crate::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// Networks.
    ModelName {
        /// ResNet-18 with channel attention, then a transformer over its feature maps.
        ResTrans = "res_trans",
    }
    /// What a token of the transformer is.
    Token {
        /// A group of channel maps, as in the released code.
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
    Position {
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
        /// (x - mean) / (std + eps), unbiased deviation, as in the released code.
        UnbiasedStd = "unbiased_std",
    }
    /// Head of the speaker task.
    SpeakerHead {
        /// A linear layer on the flattened feature maps.
        Flatten = "flatten",
        /// A linear layer on the maps' averages.
        Gap = "gap",
    }
}

/// `[model]`: the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Which network.
    pub name: ModelName,
    /// Channels after the stem; the feature maps have eight times as many, which is the transformer's width.
    pub width: usize,
    /// Channel attention in the residual blocks.
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
    pub position: Position,
    /// Layer normalisation.
    pub ln: LayerNormKind,
    /// Head of the speaker task.
    pub speaker_head: SpeakerHead,
}

impl Model {
    /// Width of the transformer: the channels of the last feature maps.
    pub fn features(&self) -> usize {
        8 * self.width
    }

    /// Hidden width of the feed-forward part.
    pub fn feed_forward(&self) -> usize {
        if self.ff == 0 { 4 * self.features() } else { self.ff }
    }

    /// The network for that many classes and speakers, on images of `channels` x `size` x `size`.
    pub fn res_trans(&self, classes: usize, speakers: usize, channels: usize, size: usize) -> ResTrans {
        let norm = match self.ln {
            LayerNormKind::Standard => LayerNormMode::Standard,
            LayerNormKind::UnbiasedStd => LayerNormMode::UnbiasedStd,
        };
        ResTrans {
            classes,
            speakers,
            channels,
            size,
            width: self.width,
            reduction: if self.se { self.reduction } else { 0 },
            token: self.token,
            position: self.position,
            depth: self.depth,
            layer: EncoderLayer {
                heads: self.heads,
                ff: self.feed_forward(),
                dropout: self.dropout as f32,
                norm_first: self.norm == NormPlace::Pre,
                norm,
            },
            speaker_head: self.speaker_head,
        }
    }
}
