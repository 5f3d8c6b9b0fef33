//! The listener: residual blocks over time with squeeze-excitation (He et al. 2016, Hu et al. 2018) on frames, statistics pooling (Snyder et
//! al. 2018, "X-vectors"), a linear head. Every convolution sees all bands at once, so it is a few large products: small enough to be trained
//! from nothing on a few processor cores.

use super::network::{Input, Network, Settings, TRUNK};
use crate::graph::Var;
use crate::nn::Context;
use crate::nn::layers::{Conv, batch_norm, conv1d, dropout, excite, linear};
use crate::range::{require, within};
use crate::{Error, Result, ops};
use serde::{Deserialize, Serialize};

/// Mel bands of a frame.
const BANDS: usize = 80;

/// The settings: `[model]` with `name = "listener"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Channels of the first convolution, of five frames, which halves time.
    pub stem: usize,
    /// Channels of the residual blocks.
    pub blocks: Vec<usize>,
    /// The first so many of them halve time too.
    pub halvings: usize,
    /// Squeeze-excitation's bottleneck: channels / reduction.
    pub reduction: usize,
    /// Rate of dropout before the head.
    pub dropout: f64,
}

impl Settings for Listener {
    const NAME: &'static str = "listener";

    fn preset(size: &str) -> Self {
        let small = Listener { stem: 96, blocks: vec![192; 2], halvings: 1, reduction: 8, dropout: 0.4 };
        match size {
            "paper" => Listener { stem: 256, blocks: vec![512; 4], ..small },
            "tiny" => Listener { stem: 16, blocks: vec![32; 2], ..small },
            _ => small,
        }
    }

    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => concat!("[frames]\nseconds = 2.0\n", include_str!("listener.toml")),
            _ => concat!("[frames]\nseconds = 8.0\n[stage.single]\nepochs = 60\nlr = 2e-3\n", include_str!("listener.toml")),
        }
    }
}

/// Features (B, C, 1, T) of clips, and how many frames stand for a position of theirs.
#[derive(Clone, Copy)]
struct Heard {
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

/// Convolution over time to `out` channels, of an odd kernel, as long as its input but for its stride, and batch norm.
fn unit(cx: &mut Context, x: Var, out: usize, [kernel, stride]: [usize; 2], relu: bool) -> Result<Var> {
    let y = conv1d(cx, x, Conv::new(out, kernel).stride(stride).padding(kernel / 2))?;
    cx.scoped("norm", |cx| batch_norm(cx, y, relu))
}

impl Listener {
    /// `relu(se(bn(conv(relu(bn(conv(x)))))) + shortcut(x))`.
    fn block(&self, cx: &mut Context, Heard { x, per }: Heard, out: usize, stride: usize) -> Result<Heard> {
        let per = per * stride;
        let u = cx.scoped("conv1", |cx| unit(cx, x, out, [3, stride], true))?;
        let u = masked(cx, u, per)?;
        let u = cx.scoped("conv2", |cx| unit(cx, u, out, [3, 1], false))?;
        let valid = match lengths(cx) {
            Some(lengths) => ops::time_mask(cx.g, u, lengths, per, true)?,
            None => u,
        };
        let mean = ops::global_avg_pool(cx.g, valid)?;
        let u = cx.scoped("se", |cx| excite(cx, u, mean, self.reduction))?;
        let same = stride == 1 && cx.g.shape(x)[1] == out;
        let shortcut = if same { x } else { cx.scoped("shortcut", |cx| unit(cx, x, out, [1, stride], false))? };
        let sum = ops::add(cx.g, u, shortcut)?;
        let x = ops::relu(cx.g, sum)?;
        Ok(Heard { x: masked(cx, x, per)?, per })
    }

    /// Frames (B, T, 80), each band by its own mean and deviation, through the first convolution: (B, stem, 1, T/2).
    fn enter(&self, cx: &mut Context, x: Var) -> Result<Heard> {
        let &[batch, frames, bands] = cx.g.shape(x).0.as_slice() else {
            return Err(Error::shape("listener", "frames (B, T, F)", cx.g.shape(x).to_string()));
        };
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let x = ops::reshape(cx.g, x, [batch, bands, 1, frames])?;
        let x = cx.scoped("norm", |cx| batch_norm(cx, x, false))?;
        let x = masked(cx, x, 1)?;
        let x = cx.part("stem", |cx| {
            let x = cx.scoped("stem", |cx| unit(cx, x, self.stem, [5, 2], true))?;
            masked(cx, x, 2)
        })?;
        Ok(Heard { x, per: 2 })
    }
}

impl Network for Listener {
    fn input(&self) -> Input {
        Input::Frames
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.stem", self.stem, 1, 2048)?;
        let fine = (1..=32).contains(&self.blocks.len()) && self.blocks.iter().all(|c| (1..=4096).contains(c));
        require(fine, "model.blocks", format_args!("{:?}", self.blocks), "name 1 to 32 blocks, each of 1 to 4096 channels")?;
        within("model.halvings", self.halvings, 0, self.blocks.len().min(8))?;
        within("model.reduction", self.reduction, 1, 64)?;
        within("model.dropout", self.dropout, 0.0, 0.9)?;
        let [frames, BANDS] = *shape else { return Err(Error::Config(format!("model.name = \"listener\": takes frames of {BANDS} bands"))) };
        let least = 2 << self.halvings;
        let rule = format!("last at least {least} frames, for which there is a position with model.halvings = {}", self.halvings);
        require(frames >= least, "frames.seconds", format_args!("{frames} frames"), rule)
    }

    /// (B, T, 80) -> (B, 2·C): means and deviations of the last block's channels over time.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let mut heard = self.enter(cx, x)?;
        for (i, &out) in self.blocks.iter().enumerate() {
            let stride = if i < self.halvings { 2 } else { 1 };
            heard = cx.scoped("blocks", |cx| cx.block(&i.to_string(), |cx| self.block(cx, heard, out, stride)))?;
        }
        let &[batch, channels, _, positions] = cx.g.shape(heard.x).0.as_slice() else {
            return Err(Error::shape("listener", "features (B, C, 1, T)", cx.g.shape(heard.x).to_string()));
        };
        let x = ops::reshape(cx.g, heard.x, [batch, channels, positions])?;
        let x = ops::permute(cx.g, x, &[0, 2, 1])?;
        let lengths = match lengths(cx) {
            Some(lengths) => lengths,
            None => cx.g.constant([batch], &vec![f32::from_bits((heard.per * positions) as u32); batch])?,
        };
        ops::time_pool(cx.g, x, None, lengths, heard.per)
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
