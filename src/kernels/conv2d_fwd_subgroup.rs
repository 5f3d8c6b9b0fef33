//! Launches of `conv2d_fwd_subgroup.wgsl`.

use super::conv2d::{Geometry, Params, grid};
use super::{matmul::SUBGROUP, shader};
use crate::gpu::Launch;

shader!("conv2d_fwd_subgroup");

/// `y = x * weight (+ bias)`, 16 channels x 32 pixels per subgroup.
pub fn forward<B>(g: &Geometry, has_bias: bool, x: B, weight: B, bias: B, y: B) -> Launch<B> {
    let pixels = g.n * g.output[0] * g.output[1];
    let (rows, cols) = (g.cout.div_ceil(2 * SUBGROUP as usize), pixels.div_ceil(4 * SUBGROUP as usize));
    Launch::new(&SHADER, "conv2d_fwd_subgroup", &Params::new(g, has_bias, 1))
        .bind("x", x)
        .bind("weight", weight)
        .bind("bias", bias)
        .bind("y", y)
        .grid(grid(cols, rows, g.groups))
        .cost(g.bytes(), g.flops())
}
