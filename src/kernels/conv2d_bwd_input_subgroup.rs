//! Launches of `conv2d_bwd_input_subgroup.wgsl`.

use super::conv2d_geometry::{Geometry, grid};
use super::{product::SUBGROUP, shader};
use crate::gpu::Launch;

shader!("conv2d_bwd_input_subgroup");

/// `dx` from `weight` and `dy`, 16 channels x 32 pixels of one stride phase per subgroup.
pub fn backward<B>(g: &Geometry, weight: B, dy: B, dx: B) -> Launch<B> {
    let phases = g.stride[0] * g.stride[1];
    let pixels = g.n * g.input[0].div_ceil(g.stride[0]) * g.input[1].div_ceil(g.stride[1]);
    let (rows, cols) = (g.cin.div_ceil(2 * SUBGROUP as usize), pixels.div_ceil(4 * SUBGROUP as usize));
    g.launch(&SHADER, "conv2d_bwd_input_subgroup").bind("weight", weight).bind("dy", dy).bind("dx", dx).grid(grid(
        cols,
        rows,
        g.groups * phases,
    ))
}
