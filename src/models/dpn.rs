//! Dual path network (Chen et al. 2017): a residual path of fixed width, and a dense path that every block makes wider.

use super::network::{Input, Network, Settings, check_blocks};
use crate::graph::Var;
use crate::nn::{Context, Maps};
use crate::nn::layers::{Conv, batch_norm_eps, conv2d, pointwise};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// Batch norm's `eps` throughout.
const EPS: f32 = 1e-3;

/// The settings: `[model]` with `name = "dpn"`; `paper` is DPN-98. `bw` and `r` double with each stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dpn {
    /// Channels of the stem.
    pub init: usize,
    /// Blocks of each stage.
    pub blocks: Vec<usize>,
    /// Channels of the residual path in the first stage.
    pub bw: usize,
    /// Channels that a block adds to the dense path, by stage.
    pub inc: Vec<usize>,
    /// Channels inside a block of the first stage.
    pub r: usize,
    /// Groups of the 3x3 convolutions.
    pub groups: usize,
}

impl Settings for Dpn {
    const NAME: &'static str = "dpn";

    fn preset(size: &str) -> Self {
        let paper = Dpn { init: 96, blocks: vec![3, 6, 20, 3], bw: 256, inc: vec![16, 32, 32, 128], r: 160, groups: 40 };
        match size {
            "paper" => paper,
            "tiny" => Dpn { init: 12, blocks: vec![1, 2, 2, 1], bw: 16, inc: vec![4, 4, 8, 8], r: 20, groups: 5 },
            _ => Dpn { init: 24, blocks: vec![2, 3, 4, 2], bw: 32, inc: vec![8, 8, 16, 16], r: 40, groups: 10 },
        }
    }

    fn config(size: &str) -> &'static str {
        super::network::single_stage(size)
    }
}

impl Network for Dpn {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        check_blocks(&self.blocks)?;
        let (stages, given) = (self.blocks.len(), self.inc.len());
        require(stages == given, "model.inc (their number)", given, format_args!("be that of model.blocks, {stages}"))?;
        let least = 2 << stages;
        let side = shape.last().copied().unwrap_or(0);
        require(side >= least, "image.size", side, format_args!("be at least {least}, by which the network shrinks it"))?;
        self.inc.iter().try_for_each(|n| within("model.inc", *n, 1, 512))?;
        within("model.init", self.init, 1, 512)?;
        within("model.bw", self.bw, 1, 1024)?;
        within("model.r", self.r, 1, 1024)?;
        within("model.groups", self.groups, 1, self.r)?;
        require(self.r.is_multiple_of(self.groups), "model.groups", self.groups, format_args!("divide model.r = {}", self.r))
    }

    /// (B, C, S, S) -> (B, residual and dense channels, s, s), halved by the stem twice and by each stage but the first.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let x = cx.scoped("stem", |cx| {
            let x = cx.scoped("0", |cx| conv2d(cx, images, Conv::new(self.init, 7).stride(2).padding(3)))?;
            let x = cx.scoped("1", |cx| batch_norm_eps(cx, x, true, EPS))?;
            ops::max_pool2d(cx.g, x, PoolSpec::new([3, 3], [2, 2], [1, 1]))
        })?;
        let mut maps = Maps::of(cx, x);
        for (stage, (blocks, inc)) in self.blocks.iter().zip(&self.inc).enumerate() {
            let stride = if stage > 0 { 2 } else { 1 };
            let width = Width { residual: self.bw << stage, inc: *inc, inner: self.r << stage, groups: self.groups, blocks: *blocks };
            for block in 0..*blocks {
                let first = (block == 0).then_some(stride);
                cx.scoped("stages", |cx| {
                    cx.scoped(&stage.to_string(), |cx| cx.block(&block.to_string(), |cx| width.block(cx, &mut maps, first)))
                })?;
            }
        }
        cx.scoped("bn", |cx| maps.batch_norm(cx, true, EPS))
    }

    /// A linear layer, as a 1x1 convolution's weight, on the mean of each channel.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let means = ops::global_avg_pool(cx.g, features)?;
        cx.scoped("classifier", |cx| pointwise(cx, means, outputs))
    }

    /// Trunk and emotion head at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        super::network::rooted(group)
    }
}

/// A stage: its blocks, and their channels.
struct Width {
    residual: usize,
    inc: usize,
    inner: usize,
    groups: usize,
    blocks: usize,
}

impl Width {
    /// The residual path R and the dense path D to `R' + y[..residual]` and `concat(D', y[residual..])`, where y is made of both by three
    /// convolutions, and R', D' are R and D, or in a stage's first block, which has a stride, parts of a projection of both.
    fn block(&self, cx: &mut Context, maps: &mut Maps, first: Option<usize>) -> Result<()> {
        let projected = match first {
            Some(stride) => {
                let conv = Conv::new(self.residual + 2 * self.inc, 1).stride(stride);
                Some(cx.scoped("proj", |cx| bn_relu_conv(cx, maps, conv))?)
            }
            None => None,
        };
        let y = cx.scoped("reduce", |cx| bn_relu_conv(cx, maps, Conv::new(self.inner, 1)))?;
        let grouped = Conv::new(self.inner, 3).stride(first.unwrap_or(1)).padding(1).groups(self.groups);
        let y = cx.scoped("conv", |cx| bn_relu_conv(cx, &mut Maps::of(cx, y), grouped))?;
        let y = cx.scoped("expand", |cx| bn_relu_conv(cx, &mut Maps::of(cx, y), Conv::new(self.residual + self.inc, 1)))?;
        if let Some(projected) = projected {
            let paths = ops::split(cx.g, projected, 1, &[self.residual, 2 * self.inc])?;
            let dense = Maps::growing(cx, paths[1], (2 + self.blocks) * self.inc)?;
            *maps = Maps::of(cx, paths[0]).then(dense);
        }
        let parts = ops::split(cx.g, y, 1, &[self.residual, self.inc])?;
        maps.add_to_first(cx, parts[0])?;
        maps.append(cx, parts[1])
    }
}

/// `conv(relu(bn(x)))`.
fn bn_relu_conv(cx: &mut Context, maps: &mut Maps, conv: Conv) -> Result<Var> {
    let x = cx.scoped("bn", |cx| maps.batch_norm(cx, true, EPS))?;
    cx.scoped("conv", |cx| conv2d(cx, x, conv))
}
