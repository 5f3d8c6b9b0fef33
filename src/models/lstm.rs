//! Sequences of hand-made features through LSTMs (Atmaja & Akagi 2019): with a bidirectional attention decoder, plain, or with attention
//! pooling.

use super::network::{Input, Network, Settings, rooted};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{flatten, linear};
use crate::nn::recurrent::{attention_decoder, attention_pool, lstm};
use crate::range::{require, within};
use crate::words::words;
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

words! {
    /// What stands between the sequence and the dense layers.
    Variant {
        /// A bidirectional LSTM and a decoder with additive attention in each direction, all of whose outputs are read.
        Attention = "attention",
        /// Two LSTMs, of which the last output is read.
        Plain = "plain",
        /// A bidirectional LSTM pooled by attention: ours, cheaper than the decoders.
        Pool = "pool",
    }
}

/// The settings: `[model]` with `name = "lstm"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// What reads the sequence.
    pub variant: Variant,
    /// Units of an LSTM in each direction; of the second one where `plain`, whose first has twice as many.
    pub hidden: usize,
    /// Units and outputs of a decoder; width of the pooling's keys.
    pub units: usize,
    /// Units of the dense layer.
    pub dense: usize,
}

/// The common file, what else there is in `[train]`, and stages of so many epochs.
macro_rules! config {
    ($train:literal, $epochs:literal, $lr:literal, $finetune:literal) => {
        concat!(
            include_str!("lstm.toml"), $train,
            "[stage.voiceprint]\nepochs = ", $epochs, "\nlr = ", $lr, "\naugment = false\n",
            "[stage.emotion]\nepochs = ", $epochs, "\nlr = ", $lr, "\naugment = false\n",
            "[stage.finetune]\nepochs = ", $epochs, "\nlr = ", $finetune, "\naugment = false\n",
            "[stage.single]\nepochs = ", $epochs, "\nlr = ", $lr, "\naugment = false\n",
            "[stage.joint]\nepochs = ", $epochs, "\nlr = ", $lr, "\naugment = false\n",
        )
    };
}

impl Settings for Lstm {
    const NAME: &'static str = "lstm";

    fn preset(size: &str) -> Self {
        let paper = Lstm { variant: Variant::Attention, hidden: 256, units: 128, dense: 512 };
        match size {
            "paper" => paper,
            "tiny" => Lstm { hidden: 16, units: 16, dense: 32, ..paper },
            _ => Lstm { hidden: 64, units: 32, dense: 128, ..paper },
        }
    }

    /// As published: cross-entropy, RMSprop at 1e-3 with a decay of 0.9, batches of 32, 50 epochs from scratch, no augmentation. The tiny
    /// one has few steps to learn in and clips of two seconds: five times the rate, falling to nothing, smoothed labels, averaged weights. The
    /// small one has clips of some seconds: behind long padding the decoders' distributions, all near uniform at first, take long to part.
    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => config!("label_smoothing = 0.1\nschedule = \"cosine\"\nema = 0.95\nbatch = 32\n[sequence]\nframes = 20\n", 12, "5e-3", "5e-4"),
            "paper" => config!("label_smoothing = 0.0\nschedule = \"constant\"\nema = 0.0\nbatch = 32\n", 50, "1e-3", "1e-4"),
            _ => config!("label_smoothing = 0.0\nschedule = \"cosine\"\nema = 0.95\nbatch = 16\n[sequence]\nframes = 50\n", 50, "2e-3", "2e-4"),
        }
    }
}

impl Network for Lstm {
    fn input(&self) -> Input {
        Input::Sequence
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        let frames = shape.first().copied().unwrap_or(0);
        require(shape.len() == 2 && frames > 0, "sequence.frames", frames, "be at least 1")?;
        within("model.hidden", self.hidden, 1, 2048)?;
        within("model.units", self.units, 1, 1024)?;
        within("model.dense", self.dense, 1, 8192)
    }

    /// (B, T, F) -> (B, T, 2·units) of the decoders, (B, hidden) where plain, (B, 2·hidden) where pooled.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let layer = |cx: &mut Context, name: &str, x: Var, hidden: usize, both: bool| cx.block(name, |cx| lstm(cx, x, hidden, both));
        if self.variant == Variant::Plain {
            let h = layer(cx, "lstm1", x, 2 * self.hidden, false)?;
            let h = layer(cx, "lstm2", h, self.hidden, false)?;
            let shape = cx.g.shape(h).clone();
            let last = ops::slice(cx.g, h, 1, shape[1] - 1, shape[1])?;
            return ops::reshape(cx.g, last, [shape[0], shape[2]]);
        }
        let h = layer(cx, "lstm", x, self.hidden, true)?;
        if self.variant == Variant::Pool {
            return attention_pool(cx, h, self.units);
        }
        let decode = |cx: &mut Context, name: &str, reverse: bool| {
            cx.block(name, |cx| attention_decoder(cx, h, self.units, self.units, reverse))
        };
        let both = cx.scoped("decoder", |cx| Ok([decode(cx, "0", false)?, decode(cx, "1", true)?]))?;
        ops::concat(cx.g, &both, 2)
    }

    /// Dense layer, ReLU, linear layer, on all features.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let flat = flatten(cx, features)?;
        let h = cx.scoped("fc1", |cx| linear(cx, flat, self.dense, true))?;
        let h = ops::relu(cx.g, h)?;
        cx.scoped("fc2", |cx| linear(cx, h, outputs, true))
    }

    /// What the decoders emit, averaged over time; features as they are where the variant has none.
    fn embedding(&self, cx: &mut Context, features: Var) -> Result<Var> {
        if cx.g.shape(features).rank() == 3 { ops::mean(cx.g, features, 1) } else { Ok(features) }
    }

    /// Trunk and emotion head share the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        rooted(group)
    }
}
