//! ResNet-Incep: an Inception-A module on the maps of a residual network. The paper's is a ResNet-18 with squeeze-excitation that stays as the
//! voiceprint stage left it; the released code trains a truncated ResNet of two blocks, whose convolutions have a bias, with the module.

use super::inception::inception_a;
use super::network::{Input, Network, Settings, TRUNK};
use super::residual::{Basic, Trunk, basic_block};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm, conv2d, dropout, flatten, linear};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::words::words;
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

words! {
    /// Which of the two networks.
    Variant {
        /// The released code's: a truncated ResNet, trained with the rest.
        Code = "code",
        /// The paper's: the trunk of Res-Trans, for the stages `voiceprint` and `emotion`.
        Paper = "paper",
    }
}

/// The settings: `[model]` with `name = "resnet_incep"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetIncep {
    /// Channels of the stem and of the Inception module's narrower branches.
    pub width: usize,
    /// Bottleneck of squeeze-excitation, channels / reduction; 0 leaves it out. The truncated ResNet has none.
    pub reduction: usize,
    /// Which of the two networks.
    pub variant: Variant,
    /// Dropout probability before the linear layer.
    pub dropout: f64,
}

impl Settings for ResNetIncep {
    const NAME: &'static str = "resnet_incep";

    fn preset(size: &str) -> Self {
        let paper = ResNetIncep { width: 64, reduction: 16, variant: Variant::Code, dropout: 0.4 };
        match size {
            "paper" => paper,
            "tiny" => ResNetIncep { width: 8, reduction: 4, ..paper },
            _ => ResNetIncep { width: 16, reduction: 8, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        super::network::single_stage(size)
    }
}

impl Network for ResNetIncep {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.width", self.width, 4, 256)?;
        require(self.width.is_multiple_of(4), "model.width", self.width, "be a multiple of 4, for the narrowest branch")?;
        within("model.reduction", self.reduction, 0, self.width)?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        let side = shape.iter().skip(1).min().copied().unwrap_or(0);
        require(side >= 32, "image.size", side, "be at least 32, by which the network shrinks it")
    }

    /// (B, C, H, W) -> maps a thirty-second as large, of 2 width (`code`) or 8 width (`paper`) channels.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        if self.variant == Variant::Paper {
            return Trunk { width: self.width, blocks: [2; 4], bottleneck: false, reduction: self.reduction }.build(cx, images);
        }
        let x = cx.part("stem", |cx| {
            let x = cx.scoped("conv1", |cx| conv2d(cx, images, Conv::new(self.width, 7).stride(2).padding(3).bias()))?;
            let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
            ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))
        })?;
        let block = |cx: &mut Context, layer: &str, x: Var, channels: usize, stride: usize| {
            let basic = Basic { channels, stride, reduction: 0, bias: true };
            cx.scoped(layer, |cx| cx.block("0", |cx| basic_block(cx, x, basic)))
        };
        let x = block(cx, "layer1", x, self.width, 1)?;
        let x = block(cx, "layer2", x, 2 * self.width, 2)?;
        ops::avg_pool2d(cx.g, x, PoolSpec::new([4, 4], [4, 4], [0, 0]))
    }

    /// The Inception module, whose maps are marked `inception`, and a linear layer on all of them.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let maps = cx.block("incep", |cx| inception_a(cx, features, self.width))?;
        cx.mark("inception", maps);
        let x = flatten(cx, maps)?;
        let x = dropout(cx, x, self.dropout as f32)?;
        cx.scoped("fc", |cx| linear(cx, x, outputs, true))
    }

    /// The stem of the truncated network takes more than its two blocks give back: a tenth or less is saved, by adapter.
    fn recomputable(&self) -> bool {
        self.variant == Variant::Paper
    }

    fn scope<'a>(&self, group: &'a str) -> &'a str {
        match group {
            TRUNK => "cnn",
            "emotion" => "",
            other => other,
        }
    }
}
