//! Launches of `conv2d_bwd_weight_subgroup.wgsl`.

use super::conv2d::{Geometry, Params};
use super::{matmul::SUBGROUP, shader};
use crate::gpu::Launch;

shader!("conv2d_bwd_weight_subgroup");

/// `dw` from `x` and `dy`, 16 channels x 32 columns per subgroup.
pub fn backward<B>(g: &Geometry, x: B, dy: B, dw: B) -> Launch<B> {
    let columns = g.cin * g.kernel[0] * g.kernel[1];
    let (rows, cols) = (g.cout.div_ceil(2 * SUBGROUP as usize), columns.div_ceil(4 * SUBGROUP as usize));
    Launch::new(&SHADER, "conv2d_bwd_weight_subgroup", &Params::new(g, false, 1))
        .bind("x", x)
        .bind("dy", dy)
        .bind("dw", dw)
        .grid([cols as u32, rows as u32, g.groups as u32])
        .cost(g.bytes(), g.flops())
}
