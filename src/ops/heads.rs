//! Attention heads out of and into the width of a sequence.

use super::{arity, same};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::heads::Heads as Extents;
use crate::{Error, Result};

/// `parts` is 3 (queries, keys and values) or 1. Splitting has one input (B, T, parts·H·D) and `parts` outputs (B, H, T, D), merging
/// the reverse; each is the other's VJP.
#[derive(Clone, Copy)]
struct Heads {
    heads: usize,
    parts: usize,
    split: bool,
}

impl Heads {
    fn extents(&self, split: &Shape) -> Extents {
        Extents { batch: split[0], heads: split[1], tokens: split[2], width: split[3] }
    }
}

impl Op for Heads {
    fn name(&self) -> &'static str {
        if self.split { "split_heads" } else { "merge_heads" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, if self.split { 1 } else { self.parts })?;
        same(self.name(), inputs)?;
        let (x, columns) = (&inputs[0], self.parts * self.heads);
        match (self.split, x.0.as_slice()) {
            (true, &[b, t, w]) if columns > 0 && w % columns == 0 && w > 0 => Ok(vec![[b, self.heads, t, w / columns].into(); self.parts]),
            (true, _) => Err(Error::shape(self.name(), format!("(B, T, W) with W a multiple of {columns}"), x.to_string())),
            (false, &[b, h, t, d]) => Ok(vec![[b, t, self.parts * h * d].into()]),
            (false, _) => Err(Error::shape(self.name(), "(B, H, T, D)", x.to_string())),
        }
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let mut upstream = Vec::with_capacity(dy.len());
        for (o, d) in dy.iter().enumerate() {
            upstream.push(match d {
                Some(d) => *d,
                None => {
                    let shape = g.shape(g.output_of(node, o)).clone();
                    let zeros = vec![0.0; shape.elements()];
                    g.constant(shape, &zeros)?
                }
            });
        }
        let back = g.apply(Heads { split: !self.split, ..*self }, &upstream)?;
        Ok(back.into_iter().map(Some).collect())
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let e = self.extents(if self.split { cx.output_shape(0) } else { cx.input_shape(0) });
        let launch = match (self.split, self.parts) {
            (true, 3) => e.split_qkv(cx.target(), cx.input(0), [0, 1, 2].map(|o| cx.output(o))),
            (false, 3) => e.merge_qkv(cx.target(), [0, 1, 2].map(|i| cx.input(i)), cx.output(0)),
            (true, _) => e.split(cx.target(), cx.input(0), cx.output(0)),
            (false, _) => e.merge(cx.target(), cx.input(0), cx.output(0)),
        };
        cx.launch(launch);
        Ok(())
    }
}

/// Queries, keys and values (B, H, T, D) out of (B, T, 3·H·D), in that order along the width.
///
/// # Errors
/// When the width is not a multiple of `3·heads`.
pub fn split_qkv(g: &mut Graph, x: Var, heads: usize) -> Result<[Var; 3]> {
    let out = g.apply(Heads { heads, parts: 3, split: true }, &[x])?;
    Ok([out[0], out[1], out[2]])
}

/// (B, T, H·D) -> (B, H, T, D).
///
/// # Errors
/// When the width is not a multiple of `heads`.
pub fn split_heads(g: &mut Graph, x: Var, heads: usize) -> Result<Var> {
    g.apply1(Heads { heads, parts: 1, split: true }, &[x])
}

/// (B, H, T, D) -> (B, T, H·D).
///
/// # Errors
/// When `x` is not of four dimensions.
pub fn merge_heads(g: &mut Graph, x: Var) -> Result<Var> {
    let heads = g.shape(x).get(1).copied().unwrap_or(0);
    g.apply1(Heads { heads, parts: 1, split: false }, &[x])
}
