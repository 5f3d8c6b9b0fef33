//! Launches of `winograd_input.wgsl`.

use super::shader;
use super::winograd_tiling::Tiling;
use crate::gpu::Launch;

shader!("winograd_input", [("PACKED", 0), ("WG", 64)]);

/// `v` (36, cin, tiles) from `x`.
pub fn forward<B>(t: &Tiling, x: B, v: B) -> Launch<B> {
    let strips = t.cin * t.strips;
    t.launch(&SHADER, "winograd_input")
        .bind("x", x)
        .bind("v", v)
        .invocations(strips)
        // 16 transforms of 13 operations for each of two tiles.
        .cost(4 * (t.pixels(t.cin) + t.transformed(t.cin)) as u64, 416 * strips as u64)
}
