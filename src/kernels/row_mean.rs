//! Launches of `row_mean.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("row_mean", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    _pad: [u32; 3],
}

fn launch<B>(caps: &Capabilities, entry: &'static str, rows: usize) -> (u32, Launch<B>) {
    let wg = reduction(caps, rows);
    (wg, Launch::new(&SHADER, entry, &Params { rows: rows as u32, _pad: [0; 3] }).tune("WG", wg))
}

/// `y = Σ w·l / W`, `total = W = Σ w` over `rows`.
pub fn forward<B>(caps: &Capabilities, rows: usize, l: B, w: B, y: B, total: B) -> Launch<B> {
    let (_, launch) = launch(caps, "row_mean_fwd", rows);
    launch.bind("l", l).bind("w", w).bind("y", y).bind("total", total).cost(8 * rows as u64 + 8, 3 * rows as u64)
}

/// `dl = dy · w / W`.
pub fn backward<B>(caps: &Capabilities, rows: usize, w: B, total: B, dy: B, dl: B) -> Launch<B> {
    let (wg, launch) = launch(caps, "row_mean_bwd", rows);
    launch
        .bind("weight", w)
        .bind("total_saved", total)
        .bind("dy", dy)
        .bind("dl", dl)
        .linear((rows as u64).div_ceil(u64::from(wg)))
        .cost(8 * rows as u64 + 8, 2 * rows as u64)
}
