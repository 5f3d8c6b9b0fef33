//! Launches of `permute.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("permute", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    shape: [u32; 4],
    stride: [u32; 4],
}

/// `y` of the given shape, gathered from `x` by the given strides.
pub fn permute<B>(caps: &Capabilities, shape: [usize; 4], stride: [usize; 4], x: B, y: B) -> Launch<B> {
    let n = shape.iter().product::<usize>();
    let launch = Launch::new(&SHADER, "permute", &Params { shape: shape.map(|v| v as u32), stride: stride.map(|v| v as u32) });
    stream(caps, launch, n).bind("x", x).bind("y", y).cost(8 * n as u64, 0)
}
