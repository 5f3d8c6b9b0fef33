//! Launches of `row_mean.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("row_mean", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

fn launch<B>(caps: &Capabilities, entry: &'static str, rows: usize) -> Launch<B> {
    Launch::new(&SHADER, entry).set("rows", rows).tune("WG", reduce_workgroup(caps, rows))
}

/// `y = Σ w·loss / W`, `total = W = Σ w` over `rows`.
pub fn forward<B>(caps: &Capabilities, rows: usize, loss: B, w: B, y: B, total: B) -> Launch<B> {
    let launch = launch(caps, "row_mean_fwd", rows);
    launch.bind("loss", loss).bind("w", w).bind("y", y).bind("total", total).cost(8 * rows as u64 + 8, 3 * rows as u64)
}

/// `dloss = dy · w / W`.
pub fn backward<B>(caps: &Capabilities, rows: usize, w: B, total: B, dy: B, dloss: B) -> Launch<B> {
    launch(caps, "row_mean_bwd", rows)
        .bind("weight", w)
        .bind("total_saved", total)
        .bind("dy", dy)
        .bind("dloss", dloss)
        .invocations(rows)
        .cost(8 * rows as u64 + 8, 2 * rows as u64)
}
