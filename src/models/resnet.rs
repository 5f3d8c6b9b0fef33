//! ResNet (He et al. 2016) of 18, 34 or 50 layers, with or without squeeze-excitation (Hu et al. 2018); torchvision's parameter names.

use super::network::{Input, Network, Settings};
use super::residual::{self, Trunk};
use crate::graph::Var;
use crate::nn::layers::linear;
use crate::nn::{Context, Weights};
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "resnet"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNet {
    /// Layers with weights: 18, 34 or 50.
    pub depth: usize,
    /// Channels after the stem (64 in the paper).
    pub width: usize,
    /// Squeeze-excitation in the residual blocks.
    pub se: bool,
    /// Its bottleneck: channels / reduction.
    pub reduction: usize,
}

impl Settings for ResNet {
    const NAME: &'static str = "resnet";

    fn preset(size: &str) -> Self {
        let paper = ResNet { depth: 18, width: 64, se: true, reduction: 16 };
        match size {
            "paper" => paper,
            "tiny" => ResNet { width: 8, reduction: 4, ..paper },
            _ => ResNet { width: 16, reduction: 8, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        super::network::single_stage(size)
    }
}

impl Network for ResNet {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        let side = shape.last().copied().unwrap_or(0);
        require(side >= 32, "image.size", side, "be at least 32, by which the network shrinks it")?;
        require([18, 34, 50].contains(&self.depth), "model.depth", self.depth, "be 18, 34 or 50")?;
        within("model.width", self.width, 4, 256)?;
        within("model.reduction", self.reduction, 1, 64)?;
        let rule = format!("be at most model.width = {}, or squeeze-excitation has no channels left", self.width);
        require(!self.se || self.reduction <= self.width, "model.reduction", self.reduction, rule)
    }

    /// (B, C, S, S) -> (B, 8·width, S/32, S/32), with 50 layers four times the channels.
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        self.trunk().build(cx, images)
    }

    /// A linear layer on the mean of each channel.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let means = ops::global_avg_pool(cx.g, features)?;
        cx.scoped("fc", |cx| linear(cx, means, outputs, true))
    }

    /// Trunk and emotion head at the root of names, as torchvision's.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        super::network::rooted(group)
    }

    /// A torchvision ResNet of the same depth for the trunk.
    fn import(&self, foreign: &Weights, shape: &[usize]) -> Result<Weights> {
        residual::import_torchvision(foreign, &self.trunk(), "", shape.first().copied().unwrap_or(0))
    }
}

impl ResNet {
    fn trunk(&self) -> Trunk {
        let blocks = if self.depth == 18 { [2; 4] } else { [3, 4, 6, 3] };
        Trunk { width: self.width, blocks, bottleneck: self.depth == 50, reduction: if self.se { self.reduction } else { 0 } }
    }
}
