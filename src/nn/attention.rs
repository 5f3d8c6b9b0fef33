//! Scaled dot-product attention (Vaswani et al. 2017), composed of matrix products and softmax.

use crate::graph::{Graph, Var};
use crate::{Error, Result, ops};

/// `softmax(scale · q kᵀ) v` for q (B, H, T, D) and k, v (B, H, S, D), without a mask; `dropout` is `(rng, rate, stream)` for the weights.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn attention(g: &mut Graph, q: Var, k: Var, v: Var, scale: f32, dropout: Option<(Var, f32, u32)>) -> Result<Var> {
    let (sq, sk, sv) = (g.shape(q).clone(), g.shape(k).clone(), g.shape(v).clone());
    let fits = sq.rank() == 4 && sk.rank() == 4 && sk == sv && sq[..2] == sk[..2] && sq[3] == sk[3];
    if !fits {
        return Err(Error::shape("attention", "q (B, H, T, D), k and v (B, H, S, D)", format!("{sq}, {sk}, {sv}")));
    }
    let heads = sq[0] * sq[1];
    let q = ops::reshape(g, q, [heads, sq[2], sq[3]])?;
    let k = ops::reshape(g, k, [heads, sk[2], sk[3]])?;
    let v = ops::reshape(g, v, [heads, sk[2], sk[3]])?;
    let scores = ops::matmul_scaled(g, q, k, false, true, scale)?;
    let weights = ops::softmax_dropout(g, scores, dropout)?;
    let y = ops::matmul(g, weights, v, false, false)?;
    ops::reshape(g, y, sq)
}
