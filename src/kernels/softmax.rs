//! Launches of `softmax.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("softmax", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    inner: u32,
    _pad: u32,
}

fn launch<B>(caps: &Capabilities, entry: &'static str, (outer, cols, inner): (usize, usize, usize)) -> Launch<B> {
    let rows = outer * inner;
    Launch::new(&SHADER, entry, &Params { rows: rows as u32, cols: cols as u32, inner: inner as u32, _pad: 0 })
        .tune("WG", reduction(caps, cols))
        .linear(rows as u64)
}

/// `y = softmax(x)` along the middle of (outer, cols, inner).
pub fn forward<B>(caps: &Capabilities, around: (usize, usize, usize), x: B, y: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, "softmax_fwd", around).bind("x", x).bind("y", y).cost(8 * n, 5 * n)
}

/// `dx = y · (dy − Σ y·dy)`.
pub fn backward<B>(caps: &Capabilities, around: (usize, usize, usize), y: B, dy: B, dx: B) -> Launch<B> {
    let n = (around.0 * around.1 * around.2) as u64;
    launch(caps, "softmax_bwd", around).bind("y_saved", y).bind("dy", dy).bind("dx", dx).cost(12 * n, 4 * n)
}
