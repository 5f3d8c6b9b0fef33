//! ResNeSt (Zhang et al. 2020), radix 2, cardinality 1: bottlenecks whose 3x3 convolution makes two splits, weighed channel by channel; the
//! published parameter names.

use super::network::{Input, Network, Settings, check_blocks};
use super::residual::{layer, stages};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm, conv2d, linear, pointwise};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "resnest"`; `paper` is ResNeSt-50.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNeSt {
    /// Channels after the stem; each stage doubles them.
    pub width: usize,
    /// Bottlenecks of each stage.
    pub blocks: Vec<usize>,
}

/// Output channels of a bottleneck by its inner ones.
const EXPANSION: usize = 4;
/// Splits.
const RADIX: usize = 2;

impl Settings for ResNeSt {
    const NAME: &'static str = "resnest";

    fn preset(size: &str) -> Self {
        match size {
            "paper" => ResNeSt { width: 64, blocks: vec![3, 4, 6, 3] },
            "tiny" => ResNeSt { width: 16, blocks: vec![1, 2, 1, 1] },
            _ => ResNeSt { width: 16, blocks: vec![2, 2, 2, 2] },
        }
    }

    fn config(size: &str) -> &'static str {
        super::network::single_stage(size)
    }
}

impl Network for ResNeSt {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        check_blocks(&self.blocks)?;
        within("model.width", self.width, 2, 256)?;
        require(self.width.is_multiple_of(2), "model.width", self.width, "be even: the stem begins with half of it")?;
        let side = shape.last().copied().unwrap_or(0);
        let least = 2 << self.blocks.len();
        require(side >= least, "image.size", side, format_args!("be at least {least}, by which the network shrinks it"))
    }

    /// (B, C, S, S) -> (B, channels, s, s), halved by the stem twice and by each stage but the first.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let x = cx.scoped("conv1", |cx| self.stem(cx, images))?;
        let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
        let x = ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))?;
        stages(cx, x, &self.blocks, layer, |cx, x, stage, stride| bottleneck(cx, x, self.width << stage, stride))
    }

    /// A linear layer on the mean of each channel.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let means = ops::global_avg_pool(cx.g, features)?;
        cx.scoped("fc", |cx| linear(cx, means, outputs, true))
    }

    /// Trunk and emotion head at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        super::network::rooted(group)
    }
}

impl ResNeSt {
    /// Three 3x3 convolutions; numbers count the ReLUs between, as published.
    fn stem(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let half = self.width / 2;
        let x = cx.scoped("0", |cx| conv2d(cx, x, Conv::new(half, 3).stride(2).padding(1)))?;
        let x = cx.scoped("1", |cx| batch_norm(cx, x, true))?;
        let x = cx.scoped("3", |cx| conv2d(cx, x, Conv::new(half, 3).padding(1)))?;
        let x = cx.scoped("4", |cx| batch_norm(cx, x, true))?;
        cx.scoped("6", |cx| conv2d(cx, x, Conv::new(self.width, 3).padding(1)))
    }
}

/// `relu(bn(conv1x1(pool(splits(relu(bn(conv1x1(x))))))) + shortcut(x))`; where it strides, averages do.
fn bottleneck(cx: &mut Context, x: Var, c: usize, stride: usize) -> Result<Var> {
    let u = cx.scoped("conv1", |cx| conv2d(cx, x, Conv::new(c, 1)))?;
    let u = cx.scoped("bn1", |cx| batch_norm(cx, u, true))?;
    let mut u = cx.scoped("conv2", |cx| split_attention(cx, u, c))?;
    if stride > 1 {
        u = ops::avg_pool2d(cx.g, u, PoolSpec::new([3, 3], [stride; 2], [1, 1]))?;
    }
    let u = cx.scoped("conv3", |cx| conv2d(cx, u, Conv::new(EXPANSION * c, 1)))?;
    let u = cx.scoped("bn3", |cx| batch_norm(cx, u, false))?;
    let mut shortcut = x;
    if stride > 1 || cx.g.shape(x).get(1) != Some(&(EXPANSION * c)) {
        if stride > 1 {
            let whole = PoolSpec { ceil_mode: true, count_include_pad: false, ..PoolSpec::new([stride; 2], [stride; 2], [0, 0]) };
            shortcut = ops::avg_pool2d(cx.g, x, whole)?;
        }
        shortcut = cx.scoped("downsample", |cx| {
            let s = cx.scoped("1", |cx| conv2d(cx, shortcut, Conv::new(EXPANSION * c, 1)))?;
            cx.scoped("2", |cx| batch_norm(cx, s, false))
        })?;
    }
    let sum = ops::add(cx.g, u, shortcut)?;
    ops::relu(cx.g, sum)
}

/// Split attention: a 3x3 convolution into two splits of c channels, added with weights softmaxed across the splits, per channel. The weights
/// come from the mean of both splits, through a hidden layer with batch norm, which in training needs a batch of more than one.
fn split_attention(cx: &mut Context, x: Var, c: usize) -> Result<Var> {
    let u = cx.scoped("conv", |cx| conv2d(cx, x, Conv::new(RADIX * c, 3).padding(1).groups(RADIX)))?;
    let u = cx.scoped("bn0", |cx| batch_norm(cx, u, true))?;
    let shape = cx.g.shape(u).clone();
    let (b, h, w) = (shape[0], shape[2], shape[3]);
    let means = ops::global_avg_pool(cx.g, u)?;
    let means = ops::reshape(cx.g, means, [b, RADIX, c])?;
    let s = ops::sum(cx.g, means, 1)?;
    let s = cx.scoped("fc1", |cx| pointwise(cx, s, (c / 2).max(32)))?;
    let s = cx.scoped("bn1", |cx| batch_norm(cx, s, true))?;
    let s = cx.scoped("fc2", |cx| pointwise(cx, s, RADIX * c))?;
    let s = ops::reshape(cx.g, s, [b, RADIX, c])?;
    let s = ops::softmax(cx.g, s, 1)?;
    let s = ops::reshape(cx.g, s, [b, RADIX * c])?;
    let u = ops::channel_scale(cx.g, u, s)?;
    let u = ops::reshape(cx.g, u, [b, RADIX, c * h * w])?;
    let u = ops::sum(cx.g, u, 1)?;
    ops::reshape(cx.g, u, [b, c, h, w])
}
