//! Launches of `dropout.wgsl`.

use super::{POINTWISE, shader};
use crate::gpu::Launch;

shader!("dropout");

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    stream: u32,
    rate: f32,
    _pad: u32,
}

/// `y = x / (1 − rate)` where kept, else 0; the mask is a function of `rng`, `stream` and the index.
pub fn dropout<B>(n: usize, stream: u32, rate: f32, x: B, rng: B, y: B) -> Launch<B> {
    Launch::new(&SHADER, "dropout", &Params { n: n as u32, stream, rate, _pad: 0 })
        .bind("x", x)
        .bind("rng", rng)
        .bind("y", y)
        .linear((n as u64).div_ceil(u64::from(POINTWISE)))
        .cost(8 * n as u64, 100 * n as u64)
}
