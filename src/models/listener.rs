//! The listener: residual blocks with squeeze-excitation (He et al. 2016, Hu et al. 2018) on frames that keep their time, statistics pooling
//! (Snyder et al. 2018, "X-vectors"), a linear head. Small enough to be trained from nothing on a few processor cores.

use super::network::{Input, Network, Settings, TRUNK};
use crate::graph::Var;
use crate::nn::layers::{batch_norm, dropout, excite, linear};
use crate::nn::{Context, Init};
use crate::ops::{self, Conv2d};
use crate::range::{require, within};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Mel bands of a frame.
const BANDS: usize = 80;

/// The settings: `[model]` with `name = "listener"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Channels of the first convolution, of 5 x 5, which halves bands and time.
    pub stem: usize,
    /// Channels of the residual blocks, each of which halves the bands.
    pub blocks: Vec<usize>,
    /// The first so many of them halve time too.
    pub halvings: usize,
    /// Channels of residual blocks over time behind them, which see all bands at once; they may be none.
    pub over_time: Vec<usize>,
    /// Squeeze-excitation's bottleneck: channels / reduction.
    pub reduction: usize,
    /// Rate of dropout before the head.
    pub dropout: f64,
}

impl Settings for Listener {
    const NAME: &'static str = "listener";

    fn preset(size: &str) -> Self {
        let small = Listener { stem: 24, blocks: vec![48, 96, 192], halvings: 2, over_time: vec![], reduction: 8, dropout: 0.4 };
        match size {
            "paper" => Listener { stem: 32, blocks: vec![64, 128, 256], over_time: vec![256], ..small },
            "tiny" => Listener { stem: 4, blocks: vec![8, 16], halvings: 1, over_time: vec![16], ..small },
            _ => small,
        }
    }

    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => concat!("[frames]\nseconds = 2.0\n", include_str!("listener.toml")),
            _ => concat!("[frames]\nseconds = 8.0\n", include_str!("listener.toml")),
        }
    }
}

/// Feature maps (B, C, bands, T) of clips, and how many frames stand for a position of theirs.
#[derive(Clone, Copy)]
struct Maps {
    x: Var,
    per: usize,
}

/// How many frames of each input are valid, where some may not be. In training on batch statistics all are: inputs are repeated to the end of
/// their room.
fn lengths(cx: &Context) -> Option<Var> {
    cx.lengths.filter(|_| !cx.batch_statistics())
}

/// Zeros behind each clip, as convolutions see behind the end of a clip alone.
fn masked(cx: &mut Context, x: Var, per: usize) -> Result<Var> {
    match lengths(cx) {
        Some(lengths) => ops::time_mask(cx.g, x, lengths, per, false),
        None => Ok(x),
    }
}

/// Convolution of odd `kernel` over bands and time, as large as its input but for its stride, and batch norm.
fn unit(cx: &mut Context, x: Var, out: usize, kernel: [usize; 2], stride: [usize; 2], relu: bool) -> Result<Var> {
    let cin = cx.g.shape(x).get(1).copied().unwrap_or(0);
    let w = cx.param("weight", [out, cin, kernel[0], kernel[1]], Init::KaimingFanOut(out * kernel[0] * kernel[1]))?;
    let spec = Conv2d { stride, padding: kernel.map(|k| k / 2), ..Conv2d::default() };
    let y = ops::conv2d(cx.g, x, w, None, spec)?;
    cx.scoped("norm", |cx| batch_norm(cx, y, relu))
}

impl Listener {
    /// `relu(se(bn(conv(relu(bn(conv(x)))))) + shortcut(x))`, with kernels of 3 over time and of `high` over bands.
    fn block(&self, cx: &mut Context, maps: Maps, out: usize, high: usize, stride: [usize; 2]) -> Result<Maps> {
        let (x, kernel) = (maps.x, [high, 3]);
        let per = maps.per * stride[1];
        let u = cx.scoped("conv1", |cx| unit(cx, x, out, kernel, stride, true))?;
        let u = masked(cx, u, per)?;
        let u = cx.scoped("conv2", |cx| unit(cx, u, out, kernel, [1, 1], false))?;
        let heard = match lengths(cx) {
            Some(lengths) => ops::time_mask(cx.g, u, lengths, per, true)?,
            None => u,
        };
        let mean = ops::global_avg_pool(cx.g, heard)?;
        let u = cx.scoped("se", |cx| excite(cx, u, mean, self.reduction))?;
        let same = stride == [1, 1] && cx.g.shape(x)[1] == out;
        let shortcut = if same { x } else { cx.scoped("shortcut", |cx| unit(cx, x, out, [1, 1], stride, false))? };
        let sum = ops::add(cx.g, u, shortcut)?;
        let x = ops::relu(cx.g, sum)?;
        Ok(Maps { x: masked(cx, x, per)?, per })
    }

    /// Frames (B, T, 80), each band by its own mean and deviation, through the first convolution: (B, stem, 40, T/2).
    fn enter(&self, cx: &mut Context, x: Var) -> Result<Maps> {
        let &[batch, frames, bands] = cx.g.shape(x).0.as_slice() else {
            return Err(Error::shape("listener", "frames (B, T, F)", cx.g.shape(x).to_string()));
        };
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let x = ops::reshape(cx.g, x, [batch, bands, 1, frames])?;
        let x = cx.scoped("norm", |cx| batch_norm(cx, x, false))?;
        let x = masked(cx, x, 1)?;
        let x = ops::reshape(cx.g, x, [batch, 1, bands, frames])?;
        let x = cx.part("stem", |cx| {
            let x = cx.scoped("stem", |cx| unit(cx, x, self.stem, [5, 5], [2, 2], true))?;
            masked(cx, x, 2)
        })?;
        Ok(Maps { x, per: 2 })
    }
}

impl Network for Listener {
    fn input(&self) -> Input {
        Input::Frames
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.stem", self.stem, 1, 512)?;
        let rule = "name 1 to 5 blocks, each of 1 to 2048 channels";
        let (few, channels) = ((1..=5).contains(&self.blocks.len()), self.blocks.iter().chain(&self.over_time).all(|c| (1..=2048).contains(c)));
        require(few && channels && self.over_time.len() <= 16, "model.blocks", format_args!("{:?} and {:?}", self.blocks, self.over_time), rule)?;
        within("model.halvings", self.halvings, 0, self.blocks.len())?;
        within("model.reduction", self.reduction, 1, 64)?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        let [frames, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"listener\": takes frames of {BANDS} bands"))) };
        let most = 4 << self.halvings;
        require(frames >= most, "frames.seconds", format_args!("{frames} frames"), format_args!("make at least {most} frames, of which there is a position"))
    }

    /// (B, T, 80) -> (B, 2·D): means and deviations over time of each channel, and of each band that is left.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let mut maps = self.enter(cx, x)?;
        for (i, &out) in self.blocks.iter().enumerate() {
            let stride = [2, if i < self.halvings { 2 } else { 1 }];
            maps = cx.scoped("blocks", |cx| cx.block(&i.to_string(), |cx| self.block(cx, maps, out, 3, stride)))?;
        }
        let &[batch, channels, bands, positions] = cx.g.shape(maps.x).0.as_slice() else {
            return Err(Error::shape("listener", "maps (B, C, F, T)", cx.g.shape(maps.x).to_string()));
        };
        maps.x = ops::reshape(cx.g, maps.x, [batch, channels * bands, 1, positions])?;
        for (i, &out) in self.over_time.iter().enumerate() {
            maps = cx.scoped("over_time", |cx| cx.block(&i.to_string(), |cx| self.block(cx, maps, out, 1, [1, 1])))?;
        }
        let width = cx.g.shape(maps.x)[1];
        let x = ops::reshape(cx.g, maps.x, [batch, width, positions])?;
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let all = (maps.per * positions) as u32;
        let lengths = match lengths(cx) {
            Some(lengths) => lengths,
            None => cx.g.constant([batch], &vec![f32::from_bits(all); batch])?,
        };
        ops::time_pool(cx.g, x, None, lengths, maps.per)
    }

    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let x = dropout(cx, features, self.dropout as f32)?;
        cx.scoped("fc", |cx| linear(cx, x, outputs, true))
    }

    /// Batch statistics count speech alone.
    fn repeats(&self) -> bool {
        true
    }

    /// The trunk at the root of names.
    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK { "" } else { group }
    }
}
