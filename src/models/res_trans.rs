//! Res-Trans (Yuan et al. 2021): ResNet-18 with squeeze-excitation, its maps read as a token sequence by a transformer, a linear head
//! for the emotion; a second linear head on the maps identifies the speaker.

use super::config::{Position, SpeakerHead, Token};
use super::resnet::ResNet18;
use crate::graph::Var;
use crate::nn::layers::{layer_norm, linear};
use crate::nn::transformer::EncoderLayer;
use crate::nn::{Context, Init};
use crate::ops;
use crate::{Error, Result};

/// The network's dimensions and choices.
#[derive(Debug, Clone, Copy)]
pub struct ResTrans {
    /// Emotion classes.
    pub classes: usize,
    /// Training speakers.
    pub speakers: usize,
    /// Image channels.
    pub channels: usize,
    /// Image side; a multiple of 32.
    pub size: usize,
    /// Stem channels; tokens are `8·width` wide.
    pub width: usize,
    /// Squeeze-excitation reduction; 0 leaves it out.
    pub reduction: usize,
    /// Token kind.
    pub token: Token,
    /// Positional encoding.
    pub position: Position,
    /// Encoder layers.
    pub depth: usize,
    /// The encoder layers.
    pub layer: EncoderLayer,
    /// Input of the speaker head.
    pub speaker_head: SpeakerHead,
}

impl ResTrans {
    /// The CNN's maps: (B, C, S, S) -> (B, 8·width, S/32, S/32).
    ///
    /// # Errors
    /// When the size is not a multiple of 32; shape errors of the ops.
    pub fn features(&self, cx: &mut Context, images: Var) -> Result<Var> {
        let want = [self.channels, self.size, self.size];
        let shape = cx.g.shape(images).clone();
        if shape.get(1..) != Some(&want[..]) || !self.size.is_multiple_of(32) || self.size == 0 {
            let expected = format!("images (B, {}, {2}, {2}) with a side that is a multiple of 32, here {}", want[0], self.size, want[1]);
            return Err(Error::shape("res_trans", expected, shape.to_string()));
        }
        let trunk = ResNet18 { width: self.width, reduction: self.reduction };
        cx.scoped("cnn", |cx| trunk.build(cx, images))
    }

    /// Emotion logits from the maps: (B, 8·width, h, w) -> (B, classes).
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn emotion(&self, cx: &mut Context, maps: Var) -> Result<Var> {
        let mut z = self.tokens(cx, maps)?;
        z = self.positions(cx, z)?;
        z = cx.scoped("encoder", |cx| {
            for i in 0..self.depth {
                z = cx.scoped("layers", |cx| cx.scoped(&i.to_string(), |cx| self.layer.build(cx, z)))?;
            }
            cx.scoped("norm", |cx| layer_norm(cx, z, self.layer.norm))
        })?;
        let shape = cx.g.shape(z).clone();
        let flat = ops::reshape(cx.g, z, [shape[0], shape[1] * shape[2]])?;
        cx.scoped("head", |cx| linear(cx, flat, self.classes, true))
    }

    /// Speaker logits from the maps: (B, 8·width, h, w) -> (B, speakers).
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn speaker(&self, cx: &mut Context, maps: Var) -> Result<Var> {
        let shape = cx.g.shape(maps).clone();
        let flat = match self.speaker_head {
            SpeakerHead::Flatten => ops::reshape(cx.g, maps, [shape[0], shape.elements() / shape[0]])?,
            SpeakerHead::Gap => ops::global_avg_pool(cx.g, maps)?,
        };
        cx.scoped("voiceprint", |cx| linear(cx, flat, self.speakers, true))
    }

    fn tokens(&self, cx: &mut Context, maps: Var) -> Result<Var> {
        let shape = cx.g.shape(maps).clone();
        let [b, c, h, w] = *shape.0.as_slice() else {
            return Err(Error::shape("tokens", "(B, C, H, W)", shape.to_string()));
        };
        match self.token {
            Token::Channel => ops::reshape(cx.g, maps, [b, h * w, c]),
            Token::Spatial => {
                let flat = ops::reshape(cx.g, maps, [b, c, h * w])?;
                ops::permute(cx.g, flat, &[0, 2, 1])
            }
            Token::Time => {
                let columns = ops::mean(cx.g, maps, 2)?;
                ops::permute(cx.g, columns, &[0, 2, 1])
            }
        }
    }

    fn positions(&self, cx: &mut Context, z: Var) -> Result<Var> {
        let shape = cx.g.shape(z).clone();
        let (b, t, d) = (shape[0], shape[1], shape[2]);
        let one = match self.position {
            Position::None => return Ok(z),
            Position::Learned => cx.param("position", [1, t * d], Init::Uniform(0.02))?,
            Position::Sin => cx.g.constant([1, t * d], &sinusoids(t, d))?,
        };
        // Broadcasting over the batch is a product with a column of ones, whose gradient is the sum over the batch.
        let ones = cx.g.constant([b, 1], &vec![1.0; b])?;
        let all = ops::matmul(cx.g, ones, one, false, false)?;
        let all = ops::reshape(cx.g, all, shape)?;
        ops::add(cx.g, z, all)
    }
}

/// `sin(t / 10000^(2i/D))` at even, `cos` at odd positions of the width.
fn sinusoids(t: usize, d: usize) -> Vec<f32> {
    (0..t * d)
        .map(|n| {
            let (t, i) = ((n / d) as f64, n % d);
            let angle = t / 10_000f64.powf((i / 2 * 2) as f64 / d as f64);
            (if i % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
        })
        .collect()
}
