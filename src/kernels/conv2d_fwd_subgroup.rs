//! Launches of `conv2d_fwd_subgroup.wgsl`.

use super::conv2d_geometry::{Epilogue, Geometry, grid};
use super::{product::SUBGROUP, shader};
use crate::gpu::Launch;

shader!("conv2d_fwd_subgroup");

/// `y = epilogue(x * weight)`, 16 channels x 32 pixels per subgroup.
pub fn forward<B: Copy>(g: &Geometry, epilogue: Epilogue<B>, x: B, weight: B, y: B) -> Launch<B> {
    let pixels = g.n * g.output[0] * g.output[1];
    let (rows, cols) = (g.cout.div_ceil(2 * SUBGROUP as usize), pixels.div_ceil(4 * SUBGROUP as usize));
    let launch = g.launch(&SHADER, "conv2d_fwd_subgroup").bind("x", x).bind("weight", weight).bind("y", y).grid(grid(cols, rows, g.groups));
    epilogue.apply(launch)
}
