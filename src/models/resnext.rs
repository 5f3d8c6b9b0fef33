//! ResNeXt (Xie et al. 2017) as for small images: a stem that keeps their size, three stages of bottlenecks with grouped convolutions;
//! torchvision's parameter names.

use super::network::{Input, Network, Settings, check_blocks};
use super::residual::{Bottleneck, bottleneck, layer, stages};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm, conv2d, flatten, linear};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "resnext"`; `paper` is ResNeXt-29, 2x64d.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNeXt {
    /// Channels of the stem.
    pub init: usize,
    /// Bottlenecks of each stage.
    pub blocks: Vec<usize>,
    /// Channels of a group in the first stage; each stage doubles them.
    pub width: usize,
    /// Groups of the 3x3 convolutions.
    pub groups: usize,
    /// Side of the head's average pool, in steps of itself.
    pub pool: usize,
    /// Stride of the stem. The published 1 keeps maps of the images' size, of which the first stage has 1.2 GB per image of 256 x 256; 4
    /// looks at every fourth pixel of every fourth row.
    pub stem_stride: usize,
}

impl Settings for ResNeXt {
    const NAME: &'static str = "resnext";

    fn preset(size: &str) -> Self {
        let paper = ResNeXt { init: 64, blocks: vec![3, 3, 3], width: 64, groups: 2, pool: 8, stem_stride: 1 };
        match size {
            "paper" => paper,
            "tiny" => ResNeXt { init: 8, blocks: vec![1, 1, 1], width: 8, pool: 4, stem_stride: 2, ..paper },
            _ => ResNeXt { init: 16, blocks: vec![2, 2, 2], width: 16, pool: 6, stem_stride: 2, ..paper },
        }
    }

    /// At full size a step of twelve images takes 21 GB beside weights; two at a time with recomputation take 1.2 GB, no value more than the
    /// 128 MiB that WebGPU's default limits bind.
    fn config(size: &str) -> &'static str {
        match size {
            "paper" => "[image]\nchannels = 3\n[train]\nstages = [\"single\"]\nmicro_batches = 6\nrecompute = true\n",
            _ => super::network::single_stage(size),
        }
    }
}

impl Network for ResNeXt {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        check_blocks(&self.blocks)?;
        within("model.init", self.init, 1, 512)?;
        within("model.width", self.width, 1, 512)?;
        within("model.groups", self.groups, 1, 64)?;
        within("model.stem_stride", self.stem_stride, 1, 8)?;
        within("model.pool", self.pool, 1, 64)?;
        let side = shape.last().copied().unwrap_or(0);
        let last = (1..self.blocks.len()).fold(side.div_ceil(self.stem_stride), |s, _| s.div_ceil(2));
        let rule = format!("be at most the side of the last maps, {last} of images of {side}");
        require(self.pool <= last, "model.pool", self.pool, rule)
    }

    /// (B, C, S, S) -> (B, channels, s, s), halved by each stage but the first.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let x = cx.scoped("conv1", |cx| conv2d(cx, images, Conv::new(self.init, 1).stride(self.stem_stride)))?;
        let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
        stages(cx, x, &self.blocks, layer, |cx, x, stage, stride| {
            let width = (self.groups * self.width) << stage;
            bottleneck(cx, x, Bottleneck { width, out: 2 * width, stride, groups: self.groups, reduction: 0 })
        })
    }

    /// Averages over squares, and a linear layer.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let pooled = ops::avg_pool2d(cx.g, features, PoolSpec::new([self.pool; 2], [self.pool; 2], [0, 0]))?;
        let flat = flatten(cx, pooled)?;
        cx.scoped("fc", |cx| linear(cx, flat, outputs, true))
    }

    /// Trunk and emotion head at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        super::network::rooted(group)
    }
}
