//! Random convolutions (Dempster et al. 2020, "ROCKET: exceptionally fast and accurate time series classification using random convolutional
//! kernels") over log-mel frames at several rates, statistics pooling, and a ridge regression. Nothing of it is trained by steps: a model is made
//! in the time it takes to hear the recordings, and starts from no one else's weights.
//!
//! A kernel here is a profile over the bands times weights over frames ([`Init::Profiles`]): speech's neighbouring bands move together, and kernels
//! of independent weights would hear their mean. Where ROCKET spreads a kernel's frames, frames are averaged by twos as often.

use super::network::{Input, Network, Settings, Solver, TRUNK};
use super::ridge::{self, Centre, Ridged, Terms};
use crate::graph::Var;
use crate::nn::{Context, Init};
use crate::ops::{self, PoolSpec};
use crate::range::{require, within};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Mel bands of a frame.
const BANDS: usize = 80;
/// What log-mel bands of speech are about: mean and deviation over EmoDB and RAVDESS, all bands together.
const LEVEL: [f32; 2] = [-0.1, 0.48];

/// The settings: `[model]` with `name = "rocket"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rocket {
    /// Random kernels, as many at each rate.
    pub kernels: usize,
    /// Frames of a kernel, an odd number.
    pub length: usize,
    /// Rates of frames, each half the one before.
    pub rates: usize,
    /// Penalty of the ridge's weights for each value of the pooled vector.
    pub penalty: f64,
    /// How alike the ridge's machines of two corpora are, where it is solved on several for clips of one: 0 for nothing in common, 1 for the same.
    pub coupling: f64,
    /// Deviations from the mean beyond which values of the pooled vector are brought back before the ridge; 0 for none.
    pub reach: f64,
    /// What clips are centred by where the ridge is solved for clips of any other corpus.
    pub centre: Centre,
}

impl Settings for Rocket {
    const NAME: &'static str = "rocket";

    fn preset(size: &str) -> Self {
        let small = Rocket { kernels: 2048, length: 9, rates: 4, penalty: 0.1, coupling: 0.5, reach: 2.5, centre: Centre::Speaker };
        match size {
            "paper" => Rocket { kernels: 10_000, ..small },
            "tiny" => Rocket { kernels: 64, rates: 2, ..small },
            _ => small,
        }
    }

    fn config(_: &str) -> &'static str {
        include_str!("rocket.toml")
    }
}

impl Rocket {
    /// Each position's frames and those around it, zeros beyond the ends: (B, T, 80) -> (B, T, length·80). What a convolution over time sums is a
    /// product of these with its kernels, and products are the faster of the two.
    fn windows(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let (shape, margin) = (cx.g.shape(x).clone(), self.length / 2);
        if margin == 0 {
            return Ok(x);
        }
        let zeros = cx.g.constant([shape[0], margin, BANDS], &vec![0.0; shape[0] * margin * BANDS])?;
        let padded = ops::concat(cx.g, &[zeros, x, zeros], 1)?;
        let shifted = (0..self.length).map(|first| ops::slice(cx.g, padded, 1, first, first + shape[1])).collect::<Result<Vec<_>>>()?;
        ops::concat(cx.g, &shifted, 2)
    }

    /// Means and deviations over the valid positions of what each of a rate's kernels gives where it is positive: (B, T, 80) -> (B, 2·n), a
    /// position for `per` frames.
    fn hear(&self, cx: &mut Context, x: Var, lengths: Var, per: usize) -> Result<Var> {
        let n = self.kernels / self.rates;
        let weight = cx.param("weight", [n, self.length, BANDS], Init::Profiles)?;
        let bias = cx.param("bias", [n], Init::Uniform(1.0))?;
        let weight = ops::reshape(cx.g, weight, [n, self.length * BANDS])?;
        let x = self.windows(cx, x)?;
        let y = ops::linear(cx.g, x, weight, Some(bias))?;
        let y = ops::relu(cx.g, y)?;
        ops::time_pool(cx.g, y, None, lengths, per)
    }
}

impl Network for Rocket {
    fn input(&self) -> Input {
        Input::Frames
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.rates", self.rates, 1, 5)?;
        within("model.kernels", self.kernels, self.rates, 65_536)?;
        require(self.kernels.is_multiple_of(self.rates), "model.kernels", self.kernels, format_args!("be a multiple of the {} of model.rates", self.rates))?;
        within("model.length", self.length, 1, 63)?;
        require(!self.length.is_multiple_of(2), "model.length", self.length, "be odd")?;
        within("model.penalty", self.penalty, 1e-6, 1e6)?;
        within("model.coupling", self.coupling, 0.0, 1.0)?;
        within("model.reach", self.reach, 0.0, 1e3)?;
        let [_, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"rocket\": takes frames of {BANDS} bands"))) };
        Ok(())
    }

    /// (B, T, 80) -> (B, 2·kernels).
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let &[batch, frames, bands] = cx.g.shape(x).0.as_slice() else {
            return Err(Error::shape("rocket", "frames (B, T, F)", cx.g.shape(x).to_string()));
        };
        let lengths = match cx.lengths {
            Some(lengths) => lengths,
            None => cx.g.constant([batch], &vec![f32::from_bits(frames as u32); batch])?,
        };
        let x = ops::affine(cx.g, x, 1.0 / LEVEL[1], -LEVEL[0] / LEVEL[1])?;
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let mut x = ops::time_mask(cx.g, x, lengths, 1, false)?;
        // Whole positions at the lowest rate: a clip has the same ones in any room.
        let whole = frames.next_multiple_of(1 << (self.rates - 1));
        if whole > frames {
            let zeros = cx.g.constant([batch, bands, whole - frames], &vec![0.0; batch * bands * (whole - frames)])?;
            x = ops::concat(cx.g, &[x, zeros], 2)?;
        }
        let mut heard = Vec::new();
        for rate in 0..self.rates {
            if rate > 0 {
                let all = ops::reshape(cx.g, x, [batch, bands, 1, whole >> (rate - 1)])?;
                let all = ops::avg_pool2d(cx.g, all, PoolSpec::new([1, 2], [1, 2], [0, 0]))?;
                x = ops::reshape(cx.g, all, [batch, bands, whole >> rate])?;
            }
            let rows = ops::permute(cx.g, x, &[0, 2, 1])?;
            heard.push(cx.scoped(&format!("rates.{rate}"), |cx| self.hear(cx, rows, lengths, 1 << rate))?);
        }
        ops::concat(cx.g, &heard, 1)
    }

    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        ridge::head(cx, features, outputs, self.reach)
    }

    /// The trunk at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "" } else { group }
    }

    fn solver(&self) -> Option<&dyn Solver> {
        Some(self)
    }
}

impl Ridged for Rocket {
    fn terms(&self) -> Terms {
        Terms { penalty: self.penalty, coupling: self.coupling, reach: self.reach, centre: self.centre }
    }
}
