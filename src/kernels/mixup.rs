//! Launches of `mixup.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("mixup", [("WG", 8)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Extents of the two batches.
#[derive(Debug, Clone, Copy)]
pub struct Extents {
    /// Rows of the first.
    pub batch: usize,
    /// Rows of the second.
    pub others: usize,
    /// Lines of a row.
    pub lines: usize,
    /// Columns of a line.
    pub cols: usize,
}

/// The operands both entry points have.
pub struct Operands<B> {
    /// The first batch.
    pub x1: B,
    /// The second.
    pub x2: B,
    /// Row of the second for each of the first.
    pub partner: B,
    /// Which rows are mixed.
    pub on: B,
    /// The result.
    pub y: B,
}

fn launch<B>(caps: &Capabilities, entry: &'static str, e: &Extents, o: Operands<B>) -> Launch<B> {
    let n = (e.batch * e.lines * e.cols) as u64;
    Launch::new(&SHADER, entry)
        .set("batch", e.batch)
        .set("lines", e.lines)
        .set("cols", e.cols)
        .set("others", e.others)
        .tune("WG", reduce_workgroup(caps, e.cols))
        .bind("x1", o.x1)
        .bind("x2", o.x2)
        .bind("partner", o.partner)
        .bind("on", o.on)
        .bind("y", o.y)
        .linear((e.batch * e.lines) as u64)
        .cost(12 * n, 3 * n)
}

/// One weight per row.
pub fn mixup<B>(caps: &Capabilities, e: &Extents, w: B, o: Operands<B>) -> Launch<B> {
    launch(caps, "mixup", e, o).bind("w", w)
}

/// Weights `c·(a + b·t/T)` along the columns, for the curve \[a, b, c\].
pub fn horizontal<B>(caps: &Capabilities, e: &Extents, [a, b, c]: [f32; 3], o: Operands<B>) -> Launch<B> {
    launch(caps, "horizontal_mixup", e, o).set("a", a).set("b", b).set("c", c)
}
