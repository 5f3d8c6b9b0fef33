//! Launches of `conv2d_bwd_weight_subgroup.wgsl`.

use super::conv2d_geometry::Geometry;
use super::{product::SUBGROUP, shader};
use crate::gpu::Launch;

shader!("conv2d_bwd_weight_subgroup");

/// Workgroups of one slice.
pub fn tiles(g: &Geometry) -> usize {
    let columns = g.cin * g.kernel[0] * g.kernel[1];
    g.groups * g.cout.div_ceil(2 * SUBGROUP as usize) * columns.div_ceil(4 * SUBGROUP as usize)
}

/// Partial `dw` of each of `slices` slices of the images, 16 channels x 32 columns per subgroup.
pub fn backward<B>(g: &Geometry, slices: usize, x: B, dy: B, dw: B) -> Launch<B> {
    let columns = g.cin * g.kernel[0] * g.kernel[1];
    let (rows, cols) = (g.cout.div_ceil(2 * SUBGROUP as usize), columns.div_ceil(4 * SUBGROUP as usize));
    g.launch(&SHADER, "conv2d_bwd_weight_subgroup").set("slices", slices).bind("x", x).bind("dy", dy).bind("dw", dw).grid([
        cols as u32,
        rows as u32,
        (g.groups * slices) as u32,
    ])
}
