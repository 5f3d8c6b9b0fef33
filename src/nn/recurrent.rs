//! Layers over time, with PyTorch's parameter names: LSTM, and the decoder with additive attention.
//!
//! They start as Keras starts them, since the system that uses them was published with it: kernels uniform after Glorot & Bengio (2010),
//! recurrent weights orthogonal (Saxe et al. 2014), biases zero but for the forget gate's, which are one (Jozefowicz et al. 2015).

use super::{Context, Init};
use crate::Result;
use crate::graph::Var;
use crate::ops::{self, Affine, DecoderWeights, LstmWeights};

/// An LSTM layer of `hidden` units in one direction or both: (B, T, N) -> (B, T, H) or (B, T, 2H). One bias per direction, `bias_ih_l0`;
/// the other one of PyTorch's does not exist.
///
/// # Errors
/// Shape errors of the op.
pub fn lstm(cx: &mut Context, x: Var, hidden: usize, bidirectional: bool) -> Result<Var> {
    let n = cx.g.shape(x).last().copied().unwrap_or(0);
    let mut directions = Vec::new();
    for suffix in if bidirectional { &["", "_reverse"][..] } else { &[""] } {
        let input = cx.param(&format!("weight_ih_l0{suffix}"), [4 * hidden, n], Init::Xavier(n, 4 * hidden))?;
        let recurrent = cx.param(&format!("weight_hh_l0{suffix}"), [4 * hidden, hidden], Init::Orthogonal)?;
        let bias = cx.param(&format!("bias_ih_l0{suffix}"), [4 * hidden], Init::ForgetGate)?;
        directions.push(LstmWeights { input, hidden: recurrent, bias });
    }
    ops::lstm(cx.g, x, &directions)
}

/// A decoder of `units` units that emits distributions over `out`: (B, T, D) -> (B, T, out); see [`ops::attention_decoder`].
///
/// # Errors
/// Shape errors of the op.
pub fn attention_decoder(cx: &mut Context, x: Var, units: usize, out: usize, reverse: bool) -> Result<Var> {
    let d = cx.g.shape(x).last().copied().unwrap_or(0);
    let n = out + units + d;
    let weights = DecoderWeights {
        state: matrix(cx, "state", [units, d], Init::Xavier(d, units))?,
        query: matrix(cx, "query", [units, units], Init::Orthogonal)?,
        key: affine(cx, "key", units, d)?,
        score: matrix(cx, "score", [1, units], Init::Xavier(units, 1))?,
        reset: affine(cx, "reset", units, n)?,
        update: affine(cx, "update", units, n)?,
        candidate: affine(cx, "candidate", units, n)?,
        output: affine(cx, "output", out, n)?,
    };
    ops::attention_decoder(cx.g, x, &weights, reverse)
}

/// Attention pooling over time: `Σ_t softmax_t(score · tanh(key x[t])) x[t]`: (B, T, D) -> (B, D).
///
/// # Errors
/// Shape errors of the ops.
pub fn attention_pool(cx: &mut Context, x: Var, units: usize) -> Result<Var> {
    let shape = cx.g.shape(x).clone();
    let key = affine(cx, "key", units, shape[2])?;
    let h = ops::linear(cx.g, x, key.0, Some(key.1))?;
    let h = ops::tanh(cx.g, h)?;
    let score = matrix(cx, "score", [1, units], Init::Xavier(units, 1))?;
    let e = ops::linear(cx.g, h, score, None)?;
    let a = ops::softmax(cx.g, e, 1)?;
    let y = ops::matmul(cx.g, a, x, true, false)?;
    ops::reshape(cx.g, y, [shape[0], shape[2]])
}

fn matrix(cx: &mut Context, name: &str, shape: [usize; 2], init: Init) -> Result<Var> {
    cx.scoped(name, |cx| cx.param("weight", shape, init))
}

fn affine(cx: &mut Context, name: &str, out: usize, k: usize) -> Result<Affine> {
    let w = matrix(cx, name, [out, k], Init::Xavier(k, out))?;
    let b = cx.scoped(name, |cx| cx.param("bias", [out], Init::Fill(0.0)))?;
    Ok((w, b))
}
