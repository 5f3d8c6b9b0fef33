//! The transformer encoder (Vaswani et al. 2017) with PyTorch's parameter names.

use super::attention::attention;
use super::layers::{dropout_args, layer_norm, linear};
use super::{Context, Init};
use crate::graph::Var;
use crate::ops::{self, LayerNormMode};
use crate::{Error, Result};

/// Dimensions and choices of an encoder layer.
#[derive(Debug, Clone, Copy)]
pub struct EncoderLayer {
    /// Attention heads; divides the width.
    pub heads: usize,
    /// Hidden width of the feed-forward part.
    pub ff: usize,
    /// Dropout rate of attention weights, hidden values and both residual branches.
    pub dropout: f32,
    /// Normalise before each sublayer (the released code) or after each addition (the paper's figure).
    pub norm_first: bool,
    /// Flavour of layer norm.
    pub norm: LayerNormMode,
}

impl EncoderLayer {
    /// (B, T, D) -> (B, T, D).
    ///
    /// # Errors
    /// When the heads do not divide the width; shape errors of the ops.
    pub fn build(&self, cx: &mut Context, x: Var) -> Result<Var> {
        if self.norm_first {
            let n = cx.scoped("norm1", |cx| layer_norm(cx, x, self.norm))?;
            let a = self.self_attention(cx, n)?;
            let x = self.residual(cx, x, a)?;
            let n = cx.scoped("norm2", |cx| layer_norm(cx, x, self.norm))?;
            let f = self.feed_forward(cx, n)?;
            self.residual(cx, x, f)
        } else {
            let a = self.self_attention(cx, x)?;
            let x = self.residual(cx, x, a)?;
            let x = cx.scoped("norm1", |cx| layer_norm(cx, x, self.norm))?;
            let f = self.feed_forward(cx, x)?;
            let x = self.residual(cx, x, f)?;
            cx.scoped("norm2", |cx| layer_norm(cx, x, self.norm))
        }
    }

    /// `x + dropout(branch)`.
    fn residual(&self, cx: &mut Context, x: Var, branch: Var) -> Result<Var> {
        let drop = dropout_args(cx, self.dropout);
        ops::dropout_add(cx.g, branch, x, drop)
    }

    fn self_attention(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let shape = cx.g.shape(x).clone();
        let [_, _, d] = *shape.0.as_slice() else {
            return Err(Error::shape("encoder layer", "(B, T, D)", shape.to_string()));
        };
        let h = self.heads;
        if h == 0 || d % h != 0 {
            return Err(Error::shape("encoder layer", format!("a width divisible by {h} heads"), d.to_string()));
        }
        let heads = cx.scoped("self_attn", |cx| {
            let w = cx.param("in_proj_weight", [3 * d, d], Init::Xavier(d, 3 * d))?;
            let b = cx.param("in_proj_bias", [3 * d], Init::Fill(0.0))?;
            ops::linear(cx.g, x, w, Some(b))
        })?;
        let [q, k, v] = ops::split_qkv(cx.g, heads, h)?;
        let scale = 1.0 / ((d / h) as f32).sqrt();
        let drop = dropout_args(cx, self.dropout);
        let y = attention(cx.g, q, k, v, scale, drop)?;
        let y = ops::merge_heads(cx.g, y)?;
        cx.scoped("self_attn", |cx| {
            cx.scoped("out_proj", |cx| {
                let w = cx.param("weight", [d, d], Init::Xavier(d, d))?;
                let b = cx.param("bias", [d], Init::Fill(0.0))?;
                ops::linear(cx.g, y, w, Some(b))
            })
        })
    }

    fn feed_forward(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let d = cx.g.shape(x).last().copied().unwrap_or(0);
        let hidden = cx.scoped("linear1", |cx| linear(cx, x, self.ff, true))?;
        let drop = dropout_args(cx, self.dropout);
        let hidden = ops::relu_dropout(cx.g, hidden, drop)?;
        cx.scoped("linear2", |cx| linear(cx, hidden, d, true))
    }
}
