//! Launches of `time_pool.wgsl`.

use super::{reduce_workgroup, shader, softmax};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!("time_pool", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 128)], [("WG", 256)]);

/// Positions an invocation of the backward pass takes.
const CHUNK: usize = constant(SHADER.source, "CHUNK") as usize;

/// Extents of sequences and what counts of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// Sequences.
    pub batch: usize,
    /// Positions there is room for.
    pub frames: usize,
    /// Values of a position.
    pub width: usize,
    /// What a sequence's length counts for each position.
    pub per: usize,
    /// Positions have weights.
    pub weighted: bool,
}

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub struct Saved<B> {
    /// The sequences.
    pub x: B,
    /// Their lengths.
    pub lengths: B,
    /// Weights of positions, or anything where there are none.
    pub weight: B,
    /// Means and deviations.
    pub y: B,
    /// The gradient of those.
    pub dy: B,
}

impl Pooled {
    fn launch<B>(&self, entry: &'static str) -> Launch<B> {
        Launch::new(&SHADER, entry).set("batch", self.batch).set("frames", self.frames).set("width", self.width).set("per", self.per)
    }

    fn values(&self) -> u64 {
        (self.batch * self.frames * self.width) as u64
    }

    /// Means, then deviations, (batch, 2, width).
    pub fn forward<B>(&self, caps: &Capabilities, x: B, lengths: B, weight: B, y: B) -> Launch<B> {
        let n = self.values();
        self.launch("time_pool_fwd")
            .set("weighted", self.weighted)
            .tune("WG", if caps.software { 8 } else { 64 })
            .bind("x", x)
            .bind("lengths", lengths)
            .bind_any("weight", self.weighted.then_some(weight))
            .bind("y", y)
            .invocations(self.batch * self.width)
            .cost(4 * n, 6 * n)
    }

    /// The gradient of the sequences.
    pub fn backward<B>(&self, caps: &Capabilities, from: Saved<B>, dx: B) -> Launch<B> {
        let n = self.values();
        self.launch("time_pool_bwd")
            .set("weighted", self.weighted)
            .tune("WG", if caps.software { 8 } else { 128 })
            .bind("x", from.x)
            .bind("lengths", from.lengths)
            .bind_any("weight", self.weighted.then_some(from.weight))
            .bind("y_saved", from.y)
            .bind("dy", from.dy)
            .bind("dx", dx)
            .invocations(self.batch * self.width * self.frames.div_ceil(CHUNK))
            .cost(8 * n, 4 * n)
    }

    /// The gradient of the weights.
    pub fn backward_weight<B>(&self, caps: &Capabilities, from: Saved<B>, da: B) -> Launch<B> {
        let (n, rows) = (self.values(), self.batch * self.frames);
        let launch = match softmax::by_invocation(caps, rows, self.width) {
            true => self.launch("time_pool_row_bwd_weight").tune("WG", 8).invocations(rows),
            false => self.launch("time_pool_bwd_weight").tune("WG", reduce_workgroup(caps, self.width)).linear(rows as u64),
        };
        launch
            .bind("x", from.x)
            .bind("lengths", from.lengths)
            .bind("y_saved", from.y)
            .bind("dy", from.dy)
            .bind("da", da)
            .cost(4 * n + 4 * rows as u64, 7 * n)
    }
}
