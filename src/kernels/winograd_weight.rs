//! Launches of `winograd_weight.wgsl`.

use super::shader;
use super::winograd_tiling::Tiling;
use crate::gpu::Launch;

shader!("winograd_weight", [("FLIP", 1)], [("PACKED", 0), ("WG", 64)], [("PACKED", 0), ("WG", 64), ("FLIP", 1)]);

/// `u` (36, cout, cin) from `weight`, the taps reversed where asked.
pub fn forward<B>(t: &Tiling, flip: bool, weight: B, u: B) -> Launch<B> {
    launch(t, "winograd_weight").tune("FLIP", u32::from(flip)).bind("weight", weight).bind("u", u)
}

/// `dweight` from `du` (36, cout, cin).
pub fn backward<B>(t: &Tiling, du: B, dweight: B) -> Launch<B> {
    launch(t, "winograd_weight_bwd").bind("du", du).bind("dweight", dweight)
}

/// 9 transforms of 13 operations for each weight.
fn launch<B>(t: &Tiling, entry: &'static str) -> Launch<B> {
    let weights = t.cin * t.cout;
    t.launch(&SHADER, entry).invocations(weights / 2).cost(4 * (9 * weights + t.weights()) as u64, 117 * weights as u64)
}
