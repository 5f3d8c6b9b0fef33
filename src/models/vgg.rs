//! VGG-like convolutions (Simonyan & Zisserman 2015) with batch norm: blocks of two 3 x 3 convolutions and a pooling, then a linear head.

use super::network::{Input, Network, Settings};
use crate::Result;
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm, conv2d, linear};
use crate::ops::{self, PoolSpec};
use crate::range::within;
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "vgg"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vgg {
    /// Channels of the first block; each block doubles them.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
}

impl Settings for Vgg {
    const NAME: &'static str = "vgg";

    fn preset(size: &str) -> Self {
        match size {
            "tiny" => Vgg { width: 4, depth: 4 },
            "small" => Vgg { width: 16, depth: 4 },
            _ => Vgg { width: 64, depth: 5 },
        }
    }
}

impl Network for Vgg {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, _shape: &[usize]) -> Result<()> {
        within("model.width", self.width, 1, 512)?;
        within("model.depth", self.depth, 1, 8)
    }

    fn features(&self, cx: &mut Context, mut x: Var) -> Result<Var> {
        for block in 0..self.depth {
            x = cx.block(&format!("block{block}"), |cx| {
                for layer in ["0", "1"] {
                    x = cx.scoped("conv", |cx| cx.scoped(layer, |cx| conv2d(cx, x, Conv::new(self.width << block, 3).padding(1))))?;
                    x = cx.scoped("norm", |cx| cx.scoped(layer, |cx| batch_norm(cx, x, true)))?;
                }
                ops::max_pool2d(cx.g, x, PoolSpec::new([2, 2], [2, 2], [0, 0]))
            })?;
        }
        Ok(x)
    }

    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let flat = self.embedding(cx, features)?;
        linear(cx, flat, outputs, true)
    }
}
