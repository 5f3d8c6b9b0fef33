//! Launches of `copy.wgsl`.

use super::{POINTWISE, shader};
use crate::gpu::{Capabilities, Launch};

shader!("copy");

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    _pad: [u32; 3],
}

/// `y = x` for `n` elements.
pub fn copy<B>(_caps: &Capabilities, n: usize, x: B, y: B) -> Launch<B> {
    Launch::new(&SHADER, "copy", &Params { n: n as u32, _pad: [0; 3] })
        .bind("x", x)
        .bind("y", y)
        .linear((n as u64).div_ceil(u64::from(POINTWISE)))
        .cost(8 * n as u64, 0)
}
