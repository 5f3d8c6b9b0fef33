//! A capsule network (Sabour et al. 2017) as in Res-Trans's released code: two convolutions of 9 x 9 with pooling, primary capsules of eight
//! values, and an output capsule per class by routing, whose length is the logit.

use super::network::{Input, Network, Settings};
use crate::graph::Var;
use crate::nn::layers::{Conv, batch_norm, conv2d};
use crate::nn::{Context, Init};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::words::words;
use crate::{Error, Result, ops};
use serde::{Deserialize, Serialize};

words! {
    /// What the eight values of a primary capsule are.
    CapsView {
        /// Eight neighbours in the memory of the feature maps, as in the released code: pixels of one map, across rows.
        Raw = "raw",
        /// Eight channels at one position, as published by Sabour et al.
        Grouped = "grouped",
    }
}

/// The settings: `[model]` with `name = "capsule"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// Channels of the first convolution and of the primary capsules; the second convolution has half as many.
    pub width: usize,
    /// Iterations of the routing.
    pub iterations: usize,
    /// What a primary capsule is.
    pub caps_view: CapsView,
}

/// Values of a primary capsule.
const PRIMARY: usize = 8;
/// Values of an output capsule.
const OUTPUT: usize = 16;
/// Side of all convolution kernels.
const KERNEL: usize = 9;

impl Settings for Capsule {
    const NAME: &'static str = "capsule";

    fn preset(size: &str) -> Self {
        let paper = Capsule { width: 256, iterations: 3, caps_view: CapsView::Raw };
        match size {
            "paper" => paper,
            "tiny" => Capsule { width: 16, ..paper },
            _ => Capsule { width: 32, ..paper },
        }
    }

    /// Lengths below 1 are poor logits: a softmax of four gives no class more than 0.475, whose cross-entropy says little. So the margin loss
    /// where nothing published asks for another. Images of 64 leave maps of one position.
    fn config(size: &str) -> &'static str {
        match size {
            "paper" => super::network::single_stage(size),
            "tiny" => "[image]\nsize = 80\n[train]\nstages = [\"single\"]\n[task.emotion]\nloss = \"margin\"\n",
            _ => "[train]\nstages = [\"single\"]\n[task.emotion]\nloss = \"margin\"\n",
        }
    }
}

impl Network for Capsule {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.width", self.width, 8, 1024)?;
        require(self.width.is_multiple_of(PRIMARY), "model.width", self.width, "be a multiple of 8, the values of a primary capsule")?;
        within("model.iterations", self.iterations, 1, 20)?;
        let side = shape.iter().skip(1).min().copied().unwrap_or(0);
        // Two convolutions and pools, and the primary capsules, of which a position must be left.
        let least = 2 * (2 * KERNEL + KERNEL - 1) + KERNEL - 1;
        require(side >= least, "image.size", side, format!("be at least {least}, or no primary capsule is left"))
    }

    /// (B, C, H, W) -> maps of the primary capsules (B, width, h, w).
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let mut x = images;
        for (layer, width) in [("1", self.width), ("2", self.width / 2)] {
            x = cx.scoped(&format!("conv{layer}"), |cx| conv2d(cx, x, Conv::new(width, KERNEL).bias().xavier()))?;
            x = ops::relu(cx.g, x)?;
            x = cx.scoped(&format!("bn{layer}"), |cx| batch_norm(cx, x, false))?;
            x = ops::max_pool2d(cx.g, x, PoolSpec::new([2, 2], [2, 2], [0, 0]))?;
        }
        cx.scoped("primary", |cx| conv2d(cx, x, Conv::new(self.width, KERNEL).stride(2).bias().xavier()))
    }

    /// (B, width, h, w) -> lengths of the output capsules (B, outputs). Marks `primary`, the squashed capsules (B, N, 8), and `capsules`
    /// (B, outputs, 16).
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let u = self.primary(cx, features)?;
        let capsules = cx.g.shape(u)[1];
        let start = Init::KaimingFanOut(capsules);
        let weight = cx.scoped("digits", |cx| cx.param("weight", [outputs, capsules, OUTPUT, PRIMARY], start))?;
        let v = ops::capsule_routing(cx.g, u, weight, self.iterations)?;
        cx.mark("primary", u);
        cx.mark("capsules", v);
        ops::length(cx.g, v)
    }

    /// Trunk and emotion head at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        super::network::rooted(group)
    }

    /// The maps of the first convolution are ten times those of the second, and all of them are there in its own backward pass.
    fn recomputable(&self) -> bool {
        false
    }

    fn derivable(&self) -> &'static [&'static str] {
        &["model.iterations=1"]
    }
}

impl Capsule {
    /// The capsules in maps (B, C, h, w): (B, C·h·w/8, 8), squashed.
    fn primary(&self, cx: &mut Context, maps: Var) -> Result<Var> {
        let shape = cx.g.shape(maps).clone();
        let [b, c, h, w] = *shape.0.as_slice() else {
            return Err(Error::shape("capsule", "maps (B, C, H, W)", shape.to_string()));
        };
        let mut x = maps;
        if self.caps_view == CapsView::Grouped {
            let groups = ops::reshape(cx.g, x, [b, c / PRIMARY, PRIMARY, h * w])?;
            x = ops::permute(cx.g, groups, &[0, 1, 3, 2])?;
        }
        let capsules = ops::reshape(cx.g, x, [b, c * h * w / PRIMARY, PRIMARY])?;
        ops::squash(cx.g, capsules)
    }
}
