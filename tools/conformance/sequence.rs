//! Ops over time.

use crate::file::File;
use crate::ops::{Inputs, Op};
use anyhow::Result;
use emotone::graph::{Graph, Var};
use emotone::ops::{self, DecoderWeights, LstmWeights};

/// The op of that name.
pub fn find(name: &str) -> Option<Op> {
    Some(match name {
        "attention_decoder" => attention_decoder,
        "lstm" => lstm,
        "masked_softmax" => |f, g, x| {
            let lengths = lengths(f, g)?;
            Ok(vec![ops::masked_softmax(g, x.get("x")?, lengths, f.count("per")?)?])
        },
        "time_mask" => |f, g, x| {
            let lengths = lengths(f, g)?;
            Ok(vec![ops::time_mask(g, x.get("x")?, lengths, f.count("per")?, f.flag("spread")?)?])
        },
        "time_pool" => time_pool,
        _ => return None,
    })
}

/// How long each of three inputs is.
fn lengths(f: &File, g: &mut Graph) -> Result<Var> {
    let lengths: [usize; 3] = f.counts("lengths")?;
    Ok(g.constant([3], &lengths.map(|n| f32::from_bits(n as u32)))?)
}

/// x (3, T, D), and scores (3, T) where positions are weighed.
fn time_pool(f: &File, g: &mut Graph, x: &Inputs) -> Result<Vec<Var>> {
    let (lengths, per) = (lengths(f, g)?, f.count("per")?);
    let weights = match x.maybe("scores") {
        Some(scores) => Some(ops::masked_softmax(g, scores, lengths, per)?),
        None => None,
    };
    Ok(vec![ops::time_pool(g, x.get("x")?, weights, lengths, per)?])
}

/// x (T, B, N) and PyTorch's parameters, of which the two biases of a direction only count as their sum.
fn lstm(f: &File, g: &mut Graph, x: &Inputs) -> Result<Vec<Var>> {
    let suffixes: &[&str] = if f.flag("bidirectional")? { &["", "_reverse"] } else { &[""] };
    let mut directions = Vec::new();
    for suffix in suffixes {
        let get = |name: &str| x.get(&format!("{name}{suffix}"));
        let bias = ops::add(g, get("bias_ih_l0")?, get("bias_hh_l0")?)?;
        directions.push(LstmWeights { input: get("weight_ih_l0")?, hidden: get("weight_hh_l0")?, bias });
    }
    let by_clip = ops::permute(g, x.get("x")?, &[1, 0, 2])?;
    let y = ops::lstm(g, by_clip, &directions)?;
    Ok(vec![ops::permute(g, y, &[1, 0, 2])?])
}

/// x (B, T, D) and the decoder's parameters by their names.
fn attention_decoder(f: &File, g: &mut Graph, x: &Inputs) -> Result<Vec<Var>> {
    let weight = |name: &str| x.get(&format!("{name}.weight"));
    let both = |name: &str| Ok::<_, anyhow::Error>((weight(name)?, x.get(&format!("{name}.bias"))?));
    let weights = DecoderWeights {
        state: weight("state")?,
        query: weight("query")?,
        key: both("key")?,
        score: weight("score")?,
        reset: both("reset")?,
        update: both("update")?,
        candidate: both("candidate")?,
        output: both("output")?,
    };
    Ok(vec![ops::attention_decoder(g, x.get("x")?, &weights, f.flag("reverse")?)?])
}
