//! DenseNet (Huang et al. 2017): every layer reads the feature maps of all before it in its block; torchvision's parameter names.

use super::network::{Input, Network, Settings, TRUNK, check_blocks};
use crate::graph::Var;
use crate::nn::{Context, Maps};
use crate::nn::layers::{Conv, batch_norm, conv2d, flatten, linear};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// Batch norm's `eps`.
const EPS: f32 = 1e-5;

/// The settings: `[model]` with `name = "densenet"`. `paper` is DenseNet-121; 161, which the authors' released code builds, has
/// `growth = 48`, `init = 96`, `blocks = [6, 12, 36, 24]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseNet {
    /// Channels that a layer adds.
    pub growth: usize,
    /// Channels of the stem.
    pub init: usize,
    /// Layers of each dense block.
    pub blocks: Vec<usize>,
    /// Channels inside a layer, in units of `growth`.
    pub bottleneck: usize,
    /// Side of the head's average pool, which moves by one.
    pub pool: usize,
}

impl Settings for DenseNet {
    const NAME: &'static str = "densenet";

    fn preset(size: &str) -> Self {
        let paper = DenseNet { growth: 32, init: 64, blocks: vec![6, 12, 24, 16], bottleneck: 4, pool: 7 };
        match size {
            "paper" => paper,
            "tiny" => DenseNet { growth: 8, init: 16, blocks: vec![2, 3, 2, 2], pool: 2, ..paper },
            _ => DenseNet { growth: 12, init: 24, blocks: vec![3, 4, 6, 4], pool: 3, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        super::network::single_stage(size)
    }
}

impl Network for DenseNet {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        let side = shape.last().copied().unwrap_or(0);
        check_blocks(&self.blocks)?;
        within("model.growth", self.growth, 1, 256)?;
        within("model.init", self.init, 1, 512)?;
        within("model.bottleneck", self.bottleneck, 1, 16)?;
        let last = side >> (self.blocks.len() + 1);
        within("model.pool", self.pool, 1, 64)?;
        let rule = format!("be at most the side of the last maps, {last} of images of {side}");
        require(self.pool <= last, "model.pool", self.pool, rule)
    }

    /// (B, C, S, S) -> (B, channels, s, s), halved by the stem twice and by each transition.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let x = cx.scoped("conv0", |cx| conv2d(cx, images, Conv::new(self.init, 7).stride(2).padding(3)))?;
        let x = cx.scoped("norm0", |cx| batch_norm(cx, x, true))?;
        let mut x = ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))?;
        for (k, layers) in self.blocks.iter().enumerate() {
            let channels = cx.g.shape(x).get(1).copied().unwrap_or(0);
            let mut maps = Maps::growing(cx, x, channels + layers * self.growth)?;
            cx.scoped(&format!("denseblock{}", k + 1), |cx| (1..=*layers).try_for_each(|i| self.layer(cx, &mut maps, i)))?;
            x = match k + 1 == self.blocks.len() {
                true => cx.scoped("norm5", |cx| maps.batch_norm(cx, true, EPS))?,
                false => cx.block(&format!("transition{}", k + 1), |cx| transition(cx, maps))?,
            };
        }
        Ok(x)
    }

    /// An average pool that keeps some places, and a linear layer.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let pooled = ops::avg_pool2d(cx.g, features, PoolSpec::new([self.pool; 2], [1, 1], [0, 0]))?;
        let flat = flatten(cx, pooled)?;
        cx.scoped("classifier", |cx| linear(cx, flat, outputs, true))
    }

    /// The trunk in `features`, the emotion head at the root, as torchvision's.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "features" } else { super::network::rooted(group) }
    }
}

impl DenseNet {
    /// Layer `i` of a dense block: `x -> concat(x, conv3x3(relu(norm2(conv1x1(relu(norm1(x)))))))`.
    fn layer(&self, cx: &mut Context, maps: &mut Maps, i: usize) -> Result<()> {
        cx.block(&format!("denselayer{i}"), |cx| {
            let u = cx.scoped("norm1", |cx| maps.batch_norm(cx, true, EPS))?;
            let u = cx.scoped("conv1", |cx| conv2d(cx, u, Conv::new(self.bottleneck * self.growth, 1)))?;
            let u = cx.scoped("norm2", |cx| batch_norm(cx, u, true))?;
            let u = cx.scoped("conv2", |cx| conv2d(cx, u, Conv::new(self.growth, 3).padding(1)))?;
            maps.append(cx, u)
        })
    }
}

/// Half the channels and half the sides.
fn transition(cx: &mut Context, mut maps: Maps) -> Result<Var> {
    let half = maps.channels() / 2;
    let u = cx.scoped("norm", |cx| maps.batch_norm(cx, true, EPS))?;
    let u = cx.scoped("conv", |cx| conv2d(cx, u, Conv::new(half, 1)))?;
    ops::avg_pool2d(cx.g, u, PoolSpec::new([2, 2], [2, 2], [0, 0]))
}
