//! Launches of `winograd_output.wgsl`.

use super::conv2d_geometry::Epilogue;
use super::shader;
use super::winograd_tiling::Tiling;
use crate::gpu::Launch;

shader!("winograd_output", [("PACKED", 0), ("WG", 64)]);

/// `y = epilogue(.)` from `m`: (36, cout, tiles), or (36, tiles, cout) where there are `Tiling::few`.
pub fn forward<B: Copy>(t: &Tiling, epilogue: Epilogue<B>, m: B, y: B) -> Launch<B> {
    let launch = match t.few() {
        true => launch(t, "winograd_output_few").bind("mt", m),
        false => launch(t, "winograd_output").bind("m", m),
    };
    epilogue.apply(launch.bind("y", y))
}

/// `dm` (36, cout, tiles) from `dy`.
pub fn backward<B>(t: &Tiling, dy: B, dm: B) -> Launch<B> {
    launch(t, "winograd_output_bwd").bind("dy", dy).bind("dm", dm)
}

/// 10 transforms of 12 operations for each of two tiles.
fn launch<B>(t: &Tiling, entry: &'static str) -> Launch<B> {
    let strips = t.cout * t.strips;
    t.launch(&SHADER, entry).invocations(strips).cost(4 * (t.pixels(t.cout) + t.transformed(t.cout)) as u64, 240 * strips as u64)
}
