//! Launches of `winograd_output.wgsl`.

use super::conv2d::{Finish, PLAIN};
use super::shader;
use super::winograd::Tiling;
use super::winograd_input::LANES;
use crate::gpu::Launch;

shader!("winograd_output");

/// `y = finish(.)` from `m`: (36, cout, tiles), or (36, tiles, cout) where there are `Tiling::few`.
pub fn forward<B: Copy>(t: &Tiling, finish: Finish<B>, m: B, y: B) -> Launch<B> {
    let launch = match t.few() {
        true => launch(t, "winograd_output_few", finish.params()).bind("mt", m),
        false => launch(t, "winograd_output", finish.params()).bind("m", m),
    };
    finish.bind(launch.bind("y", y), m)
}

/// `dm` (36, cout, tiles) from `dy`.
pub fn backward<B>(t: &Tiling, dy: B, dm: B) -> Launch<B> {
    launch(t, "winograd_output_bwd", PLAIN).bind("dy", dy).bind("dm", dm)
}

/// 10 transforms of 12 operations for each of two tiles.
fn launch<B>(t: &Tiling, entry: &'static str, finish: (u32, f32)) -> Launch<B> {
    let lanes = t.cout * t.strips;
    Launch::new(&SHADER, entry, &t.params(finish))
        .linear(lanes.div_ceil(LANES) as u64)
        .cost(4 * (t.pixels(t.cout) + t.transformed(t.cout)) as u64, 240 * lanes as u64)
}
