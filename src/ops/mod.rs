//! The ops: one file each with its shape rule, its vector-Jacobian product as graph nodes, and its lowering to launches.

mod activation;
mod attention_decoder;
mod augment;
mod batch_norm;
mod batch_norm_pieces;
mod bce_with_logits;
mod capsule_routing;
mod channel_scale;
mod clip;
mod conv2d;
mod cross_entropy;
mod decibel;
mod delta;
mod dft;
mod dropout;
mod focal_bce;
pub(crate) mod fusion;
mod grad;
mod heads;
mod in_place;
mod kl_distillation;
mod layer_norm;
mod lens;
mod lrn;
mod lstm;
mod margin;
mod masked_softmax;
mod matmul;
mod mel;
mod mixup;
mod moments;
mod optimiser;
mod permute;
mod pointwise;
mod pool2d;
mod pre_emphasis;
mod rbf;
mod reduce;
mod reshape;
mod resize;
mod row_mean;
mod short_term;
mod slice;
mod softmax;
mod softmax_dropout;
mod squared_hinge;
mod squash;
mod squeeze_excite;
mod stft;
mod stop_gradient;
mod time_mask;
mod time_pool;
mod votes;

pub use activation::{gelu, ln, relu, sigmoid, tanh};
pub use attention_decoder::{Affine, DecoderWeights, attention_decoder};
pub use augment::{Change, MOST, augment};
pub use batch_norm::{batch_norm_eval, batch_norm_running, batch_norm_train};
pub use batch_norm_pieces::{NormedPieces, batch_norm_pieces_eval, batch_norm_pieces_train};
pub use bce_with_logits::{bce_with_logits, bce_with_logits_rows};
pub use capsule_routing::capsule_routing;
pub use channel_scale::channel_scale;
pub use clip::{clip, clip_scaled};
pub use conv2d::{Conv2d, conv1d, conv2d, conv2d_with};
pub use cross_entropy::{cross_entropy, cross_entropy_rows};
pub use decibel::{Scale as DecibelScale, decibel};
pub use delta::delta;
pub use dft::{dft, dft_takes};
pub use dropout::{dropout, dropout_add, relu_dropout};
pub use focal_bce::{focal_bce, focal_bce_rows};
pub use grad::{grad, grad_from};
pub use heads::{merge_heads, split_heads, split_qkv};
pub use in_place::{accumulate, ema, fill};
pub use kl_distillation::{kl_distillation, kl_distillation_rows};
pub use layer_norm::{LayerNormMode, layer_norm};
pub use lens::lens;
pub use lrn::{Lrn, lrn};
pub use lstm::{LstmWeights, lstm};
pub use margin::{Margin, margin, margin_rows};
pub use masked_softmax::masked_softmax;
pub use matmul::{linear, matmul, matmul_scaled, matmul_with};
pub use mel::{Bands, mel};
pub use mixup::{Curve, horizontal_mixup, horizontal_mixup_rows, mixup, mixup_rows};
pub use moments::moments;
pub use optimiser::{OPTIMISER_SCALARS, adamw, adamw_scalars, rmsprop, rmsprop_scalars, sgd, sgd_scalars};
pub use permute::permute;
pub use pointwise::{add, affine, mul, scale};
pub use pool2d::{PoolSpec, avg_pool2d, global_avg_pool, max_pool2d};
pub use pre_emphasis::{pre_emphasis, whole};
pub use rbf::rbf;
pub use reduce::{mean, sum};
pub use reshape::reshape;
pub use resize::{Resize, resize, resize_clips};
pub use row_mean::row_mean;
pub use short_term::{SHORT_TERM_FEATURES, dct_rows, short_term};
pub use slice::{append, concat, reserve, slice, split};
pub use softmax::softmax;
pub use softmax_dropout::softmax_dropout;
pub use squared_hinge::squared_hinge;
pub use squash::{length, squash};
pub use squeeze_excite::squeeze_excite;
pub use stft::{Framing, N_FFT, Padding, Window, spectrogram, stft};
pub use stop_gradient::stop_gradient;
pub use time_mask::time_mask;
pub use time_pool::time_pool;
pub use votes::votes;

use crate::graph::Shape;
use crate::{Error, Result};

/// Checks the number of inputs of an op.
fn arity(op: &str, inputs: &[Shape], n: usize) -> Result<()> {
    if inputs.len() == n { Ok(()) } else { Err(Error::shape(op, format!("{n} inputs"), inputs.len().to_string())) }
}

/// Checks that all inputs have one shape.
fn same(op: &str, inputs: &[Shape]) -> Result<()> {
    match inputs.windows(2).find(|w| w[0] != w[1]) {
        None => Ok(()),
        Some(w) => Err(Error::shape(op, w[0].to_string(), w[1].to_string())),
    }
}

/// Checks an input's rank.
fn rank(op: &str, input: &Shape, n: usize) -> Result<()> {
    if input.rank() == n { Ok(()) } else { Err(Error::shape(op, format!("{n} dimensions"), input.to_string())) }
}

/// Checks that `dim` is a dimension of the input.
fn axis(op: &str, input: &Shape, dim: usize) -> Result<()> {
    if dim < input.rank() { Ok(()) } else { Err(Error::shape(op, format!("more than {dim} dimensions"), input.to_string())) }
}
