//! Launches of `heads.wgsl`.

use super::{reduce_workgroup, shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("heads", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Extents of a sequence of heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Sequences.
    pub batch: usize,
    /// Tokens per sequence.
    pub tokens: usize,
    /// Heads.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
}

impl Heads {
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, parts: usize) -> Launch<B> {
        // A workgroup costs more than a token on software adapters; on GPUs short ones fill the device.
        let per = if caps.software { self.heads } else { 1 };
        let vec = vector_width(caps, &[self.width]);
        let all = self.batch * self.tokens;
        let launch = Launch::new(&SHADER, entry).set("tokens", all).set("t", self.tokens).set("heads", self.heads);
        let launch = launch.set("d", self.width / vec).set("per", per).tune("WG", reduce_workgroup(caps, self.width / vec));
        let launch = launch.tune("VEC", vec as u32);
        let groups = (all * self.heads.div_ceil(per)) as u64;
        launch.linear(groups).cost(8 * (parts * all * self.heads * self.width) as u64, 0)
    }

    /// Queries, keys and values out of (B, T, 3·H·D).
    pub fn split_qkv<B>(&self, caps: &Capabilities, x: B, [q, k, v]: [B; 3]) -> Launch<B> {
        self.launch(caps, "qkv_split", 3).bind("x", x).bind("q", q).bind("k", k).bind("v", v)
    }

    /// Queries, keys and values into (B, T, 3·H·D).
    pub fn merge_qkv<B>(&self, caps: &Capabilities, [q, k, v]: [B; 3], x: B) -> Launch<B> {
        self.launch(caps, "qkv_merge", 3).bind("q_in", q).bind("k_in", k).bind("v_in", v).bind("x_out", x)
    }

    /// (B, T, H·D) -> (B, H, T, D).
    pub fn split<B>(&self, caps: &Capabilities, x: B, y: B) -> Launch<B> {
        self.launch(caps, "heads_split", 1).bind("x", x).bind("y", y)
    }

    /// (B, H, T, D) -> (B, T, H·D).
    pub fn merge<B>(&self, caps: &Capabilities, x: B, y: B) -> Launch<B> {
        self.launch(caps, "heads_merge", 1).bind("x", x).bind("y", y)
    }
}
