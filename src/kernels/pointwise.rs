//! Launches of `pointwise.wgsl`.

use super::{POINTWISE, shader};
use crate::gpu::Launch;

shader!("pointwise");

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    scale: f32,
    shift: f32,
    _pad: u32,
}

fn launch<B>(entry: &'static str, n: usize, scale: f32, shift: f32) -> Launch<B> {
    Launch::new(&SHADER, entry, &Params { n: n as u32, scale, shift, _pad: 0 }).linear((n as u64).div_ceil(u64::from(POINTWISE)))
}

/// `y = a + b`.
pub fn add<B>(n: usize, a: B, b: B, y: B) -> Launch<B> {
    launch("add", n, 0.0, 0.0).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = a · b`.
pub fn mul<B>(n: usize, a: B, b: B, y: B) -> Launch<B> {
    launch("mul", n, 0.0, 0.0).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = scale · a + shift`.
pub fn affine<B>(n: usize, scale: f32, shift: f32, a: B, y: B) -> Launch<B> {
    launch("affine", n, scale, shift).bind("a", a).bind("y", y).cost(8 * n as u64, 2 * n as u64)
}
