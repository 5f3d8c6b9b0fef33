//! Launches of `permute.wgsl`.

use super::{POINTWISE, shader};
use crate::gpu::Launch;

shader!("permute");

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    shape: [u32; 4],
    stride: [u32; 4],
}

/// `y` of the given shape, gathered from `x` by the given strides.
pub fn permute<B>(shape: [usize; 4], stride: [usize; 4], x: B, y: B) -> Launch<B> {
    let n = shape.iter().product::<usize>() as u64;
    Launch::new(&SHADER, "permute", &Params { shape: shape.map(|v| v as u32), stride: stride.map(|v| v as u32) })
        .bind("x", x)
        .bind("y", y)
        .linear(n.div_ceil(u64::from(POINTWISE)))
        .cost(8 * n, 0)
}
