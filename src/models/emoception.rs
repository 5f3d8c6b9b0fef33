//! The Inception-based system (after Emoception, Singh et al. 2019): three GoogLeNet modules on a wide image, their averages, a linear head for
//! the emotion and one for the speaker as a second task.

use super::inception::{Module, unit};
use super::network::{Input, Network, Settings, TRUNK};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{dropout, linear};
use crate::ops::PoolSpec;
use crate::range::{require, within};
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

/// The settings: `[model]` with `name = "emoception"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emoception {
    /// Channels of the stem; the modules have 2, 4 and 7.5 times as many.
    pub width: usize,
    /// Dropout probability before the heads.
    pub dropout: f64,
}

impl Settings for Emoception {
    const NAME: &'static str = "emoception";

    fn preset(size: &str) -> Self {
        let paper = Emoception { width: 64, dropout: 0.4 };
        match size {
            "paper" => paper,
            "tiny" => Emoception { width: 8, ..paper },
            _ => Emoception { width: 16, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => "[image]\nheight = 32\n[train]\nstages = [\"joint\"]\n",
            _ => "[image]\nheight = 64\n[train]\nstages = [\"joint\"]\n",
        }
    }
}

impl Network for Emoception {
    fn input(&self) -> Input {
        Input::Image
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.width", self.width, 8, 512)?;
        require(self.width.is_multiple_of(8), "model.width", self.width, "be a multiple of 8, for the narrowest branch")?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        let side = shape.iter().skip(1).min().copied().unwrap_or(0);
        require(side >= 16, "image.size", side, "be at least 16, by which the network shrinks it, and image.height too")
    }

    /// (B, C, H, W) -> (B, 7.5 width, H/16, W/16).
    fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let w = self.width;
        let modules = [
            Module { one: w / 2, three: [3 * w / 4, w], five: [w / 8, w / 4], pool: w / 4 },
            Module { one: w, three: [3 * w / 2, 2 * w], five: [w / 4, w / 2], pool: w / 2 },
            Module { one: 2 * w, three: [2 * w, 3 * w], five: [w / 2, 3 * w / 2], pool: w },
        ];
        let pool = PoolSpec::new([3, 3], [2, 2], [1, 1]);
        let mut x = cx.part("stem", |cx| {
            let x = unit(cx, "conv1", images, w, 7, 2)?;
            ops::max_pool2d(cx.g, x, pool)
        })?;
        for (i, module) in modules.iter().enumerate() {
            if i > 0 {
                x = ops::max_pool2d(cx.g, x, pool)?;
            }
            x = cx.block(&format!("inception{}", i + 1), |cx| module.build(cx, x))?;
        }
        Ok(x)
    }

    /// A linear layer on the average of each channel.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let f = ops::global_avg_pool(cx.g, features)?;
        let f = dropout(cx, f, self.dropout as f32)?;
        linear(cx, f, outputs, true)
    }

    fn auxiliary(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        self.head(cx, features, outputs)
    }

    /// The trunk at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "" } else { group }
    }
}
