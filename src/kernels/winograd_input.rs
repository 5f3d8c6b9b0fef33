//! Launches of `winograd_input.wgsl`.

use super::conv2d::PLAIN;
use super::shader;
use super::winograd::Tiling;
use crate::gpu::Launch;

shader!("winograd_input");

/// Lanes of a workgroup; the shader's default.
pub(super) const LANES: usize = 8;

/// `v` (36, cin, tiles) from `x`.
pub fn forward<B>(t: &Tiling, x: B, v: B) -> Launch<B> {
    let lanes = t.cin * t.strips;
    Launch::new(&SHADER, "winograd_input", &t.params(PLAIN))
        .bind("x", x)
        .bind("v", v)
        .linear(lanes.div_ceil(LANES) as u64)
        // 16 transforms of 13 operations for each of two tiles.
        .cost(4 * (t.pixels(t.cin) + t.transformed(t.cin)) as u64, 416 * lanes as u64)
}
