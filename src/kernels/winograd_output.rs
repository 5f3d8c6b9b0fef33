//! Launches of `winograd_output.wgsl`.

use super::shader;
use super::winograd::Tiling;
use super::winograd_input::LANES;
use crate::gpu::Launch;

shader!("winograd_output");

/// `y` (+ bias) from `m` (36, cout, tiles).
pub fn forward<B>(t: &Tiling, has_bias: bool, m: B, bias: B, y: B) -> Launch<B> {
    launch(t, "winograd_output", has_bias).bind("m", m).bind("bias", bias).bind("y", y)
}

/// `dm` (36, cout, tiles) from `dy`.
pub fn backward<B>(t: &Tiling, dy: B, dm: B) -> Launch<B> {
    launch(t, "winograd_output_bwd", false).bind("dy", dy).bind("dm", dm)
}

/// 10 transforms of 12 operations for each of two tiles.
fn launch<B>(t: &Tiling, entry: &'static str, has_bias: bool) -> Launch<B> {
    let lanes = t.cout * t.strips;
    Launch::new(&SHADER, entry, &t.params(has_bias))
        .linear(lanes.div_ceil(LANES) as u64)
        .cost(4 * (t.pixels(t.cout) + t.transformed(t.cout)) as u64, 240 * lanes as u64)
}
