//! Launches of `moments.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("moments", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Means, then deviations, (batch, 2, rows), over the own frames of clips (batch, rows, frames): x, lengths, y.
pub fn moments<B>(caps: &Capabilities, (batch, rows, frames): (usize, usize, usize), hop: usize, x: B, lengths: B, y: B) -> Launch<B> {
    let n = (batch * rows * frames) as u64;
    Launch::new(&SHADER, "moments")
        .set("batch", batch)
        .set("rows", rows)
        .set("frames", frames)
        .set("hop", hop)
        .tune("WG", reduce_workgroup(caps, frames))
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("y", y)
        .linear((batch * rows) as u64)
        .cost(4 * n + 8 * (batch * rows) as u64, 4 * n)
}
