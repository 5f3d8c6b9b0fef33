//! Launches of `conv2d_stem.wgsl`.

use super::conv2d_geometry::{Epilogue, Geometry, grid};
use super::{product::SUBGROUP, shader};
use crate::gpu::{Capabilities, Launch};

shader!("conv2d_stem");

/// Whether the convolution is one the shader knows: rows of seven taps, stride 2, padding 3, few channels, an even width.
pub fn fits(caps: &Capabilities, g: &Geometry) -> bool {
    let row = g.kernel[1] == 7 && g.stride[1] == 2 && g.padding[1] == 3 && g.dilation == [1, 1] && g.input[1].is_multiple_of(2);
    row && g.groups == 1 && g.cin < 4 && caps.int64
}

/// `y = epilogue(x * weight)`, 16 channels x 32 pixels per subgroup. Only where [`fits`].
pub fn forward<B: Copy>(g: &Geometry, epilogue: Epilogue<B>, x: B, weight: B, y: B) -> Launch<B> {
    let pixels = g.n * g.output[0] * g.output[1];
    let (rows, cols) = (g.cout.div_ceil(2 * SUBGROUP as usize), pixels.div_ceil(4 * SUBGROUP as usize));
    let launch = g.launch(&SHADER, "conv2d_stem").bind("x", x).bind("weight", weight).bind("y", y).grid(grid(cols, rows, 1));
    epilogue.apply(launch)
}
