//! Launches of `conv2d_tile.wgsl`.

use super::conv2d_geometry::{Epilogue, Geometry, grid};
use super::cooperative::{Fragments, TILE};
use super::shader;
use crate::gpu::Launch;

// Without cooperative matrices, and with those of 8 x 8 and of 16 x 16.
shader!("conv2d_tile", [("COOP", 8), ("PARTS", 16)], [("COOP", 16), ("PARTS", 4)]);

fn tuned<B>(fragments: Option<Fragments>, launch: Launch<B>) -> Launch<B> {
    match fragments {
        Some(f) => f.tune_tile(launch),
        None => launch,
    }
}

/// `y = epilogue(x * weight)`.
pub fn forward<B: Copy>(g: &Geometry, fragments: Option<Fragments>, epilogue: Epilogue<B>, x: B, weight: B, y: B) -> Launch<B> {
    let pixels = g.n * g.output[0] * g.output[1];
    let launch = g.launch(&SHADER, "conv2d_fwd_tile").bind("x", x).bind("weight", weight).bind("y", y).grid(grid(
        pixels.div_ceil(TILE),
        g.cout.div_ceil(TILE),
        g.groups,
    ));
    tuned(fragments, epilogue.apply(launch))
}

/// `dx` from `weight` and `dy`.
pub fn backward_input<B>(g: &Geometry, fragments: Option<Fragments>, weight: B, dy: B, dx: B) -> Launch<B> {
    let pixels = g.n * g.input[0] * g.input[1];
    let launch = g.launch(&SHADER, "conv2d_bwd_input_tile").bind("weight_in", weight).bind("dy_out", dy).bind("dx", dx).grid(grid(
        pixels.div_ceil(TILE),
        g.cin.div_ceil(TILE),
        g.groups,
    ));
    tuned(fragments, launch)
}

/// Partial `dw` of each of `slices` slices of the pixels.
pub fn backward_weight<B>(g: &Geometry, fragments: Option<Fragments>, slices: usize, x: B, dy: B, dw: B) -> Launch<B> {
    let columns = g.cin * g.kernel[0] * g.kernel[1];
    let launch = g.launch(&SHADER, "conv2d_bwd_weight_tile").set("slices", slices).bind("x", x).bind("dy", dy).bind("dw", dw).grid([
        columns.div_ceil(TILE) as u32,
        g.cout.div_ceil(TILE) as u32,
        (g.groups * slices) as u32,
    ]);
    tuned(fragments, launch)
}
