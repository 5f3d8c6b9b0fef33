//! Random convolutions (Dempster et al. 2020, "ROCKET: exceptionally fast and accurate time series classification using random convolutional
//! kernels") over log-mel frames at several rates, and statistics pooling. Nothing of it is learnt.
//!
//! A kernel here is a profile over the bands times weights over frames ([`Init::Profiles`]): speech's neighbouring bands move together, and kernels
//! of independent weights would hear their mean. Where ROCKET spreads a kernel's frames, frames are averaged by twos as often.

use crate::graph::Var;
use crate::nn::{Context, Init};
use crate::ops::{self, PoolSpec};
use crate::range::{require, within};
use crate::{Error, Result};

/// Mel bands of a frame.
pub(super) const BANDS: usize = 80;
/// What log-mel bands of speech are about: mean and deviation over EmoDB and RAVDESS, all bands together.
const LEVEL: [f32; 2] = [-0.1, 0.48];

/// Random kernels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    /// How many, of which each rate has as many.
    pub count: usize,
    /// Frames of a kernel, an odd number.
    pub length: usize,
    /// Rates of frames, each half the one before.
    pub rates: usize,
}

impl Kernels {
    /// # Errors
    /// [`Error::Config`] naming the setting that is out of range.
    pub fn check(&self) -> Result<()> {
        within("model.rates", self.rates, 1, 5)?;
        within("model.kernels", self.count, self.rates, 65_536)?;
        require(
            self.count.is_multiple_of(self.rates),
            "model.kernels",
            self.count,
            format_args!("be a multiple of the {} of model.rates", self.rates),
        )?;
        within("model.length", self.length, 1, 63)?;
        require(!self.length.is_multiple_of(2), "model.length", self.length, "be odd")
    }

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
    fn at_rate(&self, cx: &mut Context, x: Var, lengths: Var, per: usize) -> Result<Var> {
        let n = self.count / self.rates;
        let weight = cx.param("weight", [n, self.length, BANDS], Init::Profiles)?;
        let bias = cx.param("bias", [n], Init::Uniform(1.0))?;
        let weight = ops::reshape(cx.g, weight, [n, self.length * BANDS])?;
        let x = self.windows(cx, x)?;
        let y = ops::linear(cx.g, x, weight, Some(bias))?;
        let y = ops::relu(cx.g, y)?;
        ops::time_pool(cx.g, y, None, lengths, per)
    }

    /// What they hear in frames of which `lengths` (B) are valid: (B, T, 80) -> (B, 2·count).
    ///
    /// # Errors
    /// Shape errors.
    pub fn hear(&self, cx: &mut Context, x: Var, lengths: Var) -> Result<Var> {
        let &[batch, frames, bands] = cx.g.shape(x).0.as_slice() else {
            return Err(Error::shape("kernels", "frames (B, T, F)", cx.g.shape(x).to_string()));
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
            heard.push(cx.scoped(&format!("rates.{rate}"), |cx| self.at_rate(cx, rows, lengths, 1 << rate))?);
        }
        ops::concat(cx.g, &heard, 1)
    }
}
