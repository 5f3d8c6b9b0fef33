//! Scaled dot-product attention (Vaswani et al. 2017), composed of matrix products and softmax.

use crate::graph::{Graph, Var};
use crate::{Error, Result, ops};

/// `softmax(scale · q kᵀ) v` for q (B, H, T, D) and k, v (B, H, S, D), without a mask; `dropout` is `(rng, rate, stream)` for the weights.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn attention(g: &mut Graph, q: Var, k: Var, v: Var, scale: f32, dropout: Option<(Var, f32, u32)>) -> Result<Var> {
    weighted(g, [q, k, v], scale, |g, scores| ops::softmax_dropout(g, scores, dropout))
}

/// Scores of as many queries at a time as fit 64 MiB: half of what every adapter lets a kernel see of one tensor.
const AT_ONCE: usize = 1 << 24;

/// [`attention`] over the first `lengths/per` keys of each input, `lengths` (B) as unsigned integers; over all where there are none. Queries of
/// long inputs are weighed some at a time.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn masked_attention(g: &mut Graph, qkv: [Var; 3], scale: f32, lengths: Option<Var>, per: usize) -> Result<Var> {
    masked(g, qkv, scale, lengths.map(|lengths| (lengths, per)), AT_ONCE)
}

fn masked(g: &mut Graph, [q, k, v]: [Var; 3], scale: f32, lengths: Option<(Var, usize)>, most: usize) -> Result<Var> {
    let weigh = |g: &mut Graph, scores: Var| match lengths {
        Some((lengths, per)) => ops::masked_softmax(g, scores, lengths, per),
        None => ops::softmax(g, scores, 2),
    };
    let (sq, keys) = (g.shape(q).clone(), g.shape(k).get(2).copied().unwrap_or(0));
    let [batch, heads, queries, _] = sq.0[..] else { return weighted(g, [q, k, v], scale, weigh) };
    let at_once = (most / (batch * heads * keys).max(1)).max(1);
    if at_once >= queries {
        return weighted(g, [q, k, v], scale, weigh);
    }
    let mut parts = Vec::new();
    for start in (0..queries).step_by(at_once) {
        let some = ops::slice(g, q, 2, start, (start + at_once).min(queries))?;
        parts.push(weighted(g, [some, k, v], scale, weigh)?);
    }
    ops::concat(g, &parts, 2)
}

/// Attention with weights that `weigh` makes of scores (B·H, T, S).
fn weighted(g: &mut Graph, [q, k, v]: [Var; 3], scale: f32, weigh: impl FnOnce(&mut Graph, Var) -> Result<Var>) -> Result<Var> {
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
    let weights = weigh(g, scores)?;
    let y = ops::matmul(g, weights, v, false, false)?;
    ops::reshape(g, y, sq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Options, Program, States};
    use crate::reference::noise;

    #[test]
    fn queries_weighed_some_at_a_time_get_the_same_answers() {
        let Some(device) = crate::check::device() else { return };
        let mut g = Graph::new();
        let [q, k, v] = ["q", "k", "v"].map(|name| g.input(name, [2, 3, 10, 8]));
        let lengths = g.input("lengths", [2]);
        for (name, most) in [("whole", AT_ONCE), ("parts", 4 * 60)] {
            let y = masked(&mut g, [q, k, v], 0.5, Some((lengths, 2)), most).unwrap();
            g.output(name, y);
        }
        let program = Program::new(&g, &States::new(&device), Options::default()).unwrap();
        for (i, name) in ["q", "k", "v"].into_iter().enumerate() {
            program.write(name, &noise(i as u64, 480).iter().map(|&v| v as f32).collect::<Vec<_>>()).unwrap();
        }
        program.write_u32("lengths", &[20, 9]).unwrap();
        program.run().unwrap();
        let (whole, parts) = (program.read("whole").unwrap(), program.read("parts").unwrap());
        let apart = whole.iter().zip(&parts).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(apart < 1e-5 && whole.iter().any(|v| v.abs() > 0.1), "apart by {apart}");
    }
}
