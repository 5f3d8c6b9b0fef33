//! DRCNN (Niu et al. 2017): AlexNet (Krizhevsky et al. 2012) with grouped convolutions and optional local response normalisation;
//! torchvision's parameter names.

use super::network::{Input, Network, Settings, TRUNK};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, conv2d, dropout, dropout_args, flatten, linear};
use crate::ops::{Lrn, PoolSpec};
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "drcnn"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drcnn {
    /// Channels of the first convolution; the others have 8/3 and 4 times as many.
    pub width: usize,
    /// Width of the hidden linear layers.
    pub fc: usize,
    /// Local response normalisation after the first two convolutions.
    pub lrn: bool,
    /// Dropout probability before the hidden linear layers.
    pub dropout: f64,
}

/// AlexNet's constants; alpha is divided by the window, as in PyTorch.
const LRN: Lrn = Lrn { window: 5, alpha: 1e-4, beta: 0.75, k: 2.0 };

impl Settings for Drcnn {
    const NAME: &'static str = "drcnn";

    fn preset(size: &str) -> Self {
        let paper = Drcnn { width: 96, fc: 4096, lrn: false, dropout: 0.5 };
        match size {
            "paper" => paper,
            "tiny" => Drcnn { width: 24, fc: 64, dropout: 0.1, ..paper },
            _ => Drcnn { width: 36, fc: 256, dropout: 0.3, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        match size {
            "paper" => {
                "[image]\nsize = 227\nchannels = 3\n[train]\nstages = [\"single\"]\noptimiser = \"sgd\"\nmomentum = 0.9\nweight_decay = 5e-4\n\
                 [stage]\nsingle = { lr = 0.01 }\njoint = { lr = 0.01 }\nvoiceprint = { lr = 0.01 }\nemotion = { lr = 0.01 }\n\
                 finetune = { lr = 0.001 }\n"
            }
            "tiny" => "[image]\nsize = 99\n[train]\nstages = [\"single\"]\n",
            _ => "[image]\nsize = 131\n[train]\nstages = [\"single\"]\n",
        }
    }
}

impl Network for Drcnn {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.width", self.width, 6, 768)?;
        require(self.width.is_multiple_of(6), "model.width", self.width, "be a multiple of 6, for two groups of 8/3 as many channels")?;
        within("model.fc", self.fc, 1, 16_384)?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        let side = shape.iter().skip(1).min().copied().unwrap_or(0);
        require(side >= 67, "image.size", side, "be at least 67, or pooling leaves nothing")
    }

    /// (B, C, H, W) -> (B, 8/3 width, h, w).
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let (a, b) = (8 * self.width / 3, 4 * self.width);
        let pool = PoolSpec::new([3, 3], [2, 2], [0, 0]);
        let convolution = |cx: &mut Context, x: Var, place: &str, conv: Conv| {
            let y = cx.scoped(place, |cx| conv2d(cx, x, conv.bias()))?;
            ops::relu(cx.g, y)
        };
        let normalised = |cx: &mut Context, x: Var| if self.lrn { ops::lrn(cx.g, x, LRN) } else { Ok(x) };
        let x = cx.part("1", |cx| {
            let x = convolution(cx, images, "0", Conv::new(self.width, 11).stride(4))?;
            let x = normalised(cx, x)?;
            ops::max_pool2d(cx.g, x, pool)
        })?;
        let x = cx.part("2", |cx| {
            let x = convolution(cx, x, "3", Conv::new(a, 5).padding(2).groups(2))?;
            let x = normalised(cx, x)?;
            ops::max_pool2d(cx.g, x, pool)
        })?;
        cx.part("3", |cx| {
            let x = convolution(cx, x, "6", Conv::new(b, 3).padding(1))?;
            let x = convolution(cx, x, "8", Conv::new(b, 3).padding(1).groups(2))?;
            let x = convolution(cx, x, "10", Conv::new(a, 3).padding(1).groups(2))?;
            ops::max_pool2d(cx.g, x, pool)
        })
    }

    /// Two hidden linear layers with dropout before them, and a linear one.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let x = flatten(cx, features)?;
        let x = dropout(cx, x, self.dropout as f32)?;
        let x = cx.scoped("1", |cx| linear(cx, x, self.fc, true))?;
        let drop = dropout_args(cx, self.dropout as f32);
        let x = ops::relu_dropout(cx.g, x, drop)?;
        let x = cx.scoped("4", |cx| linear(cx, x, self.fc, true))?;
        let x = ops::relu(cx.g, x)?;
        cx.scoped("6", |cx| linear(cx, x, outputs, true))
    }

    /// torchvision's names of trunk and classifier.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        match group {
            TRUNK => "features",
            "emotion" => "classifier",
            other => other,
        }
    }
}
