//! Launches of `pre_emphasis.wgsl`.

use super::{POINTWISE, shader};
use crate::gpu::Launch;

shader!("pre_emphasis");

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    samples: u32,
    coefficient: f32,
    _pad: u32,
}

/// `y[n] = x[n] − coefficient · x[n−1]` within each clip of (batch, samples).
pub fn pre_emphasis<B>((batch, samples): (usize, usize), coefficient: f32, x: B, lengths: B, y: B) -> Launch<B> {
    let n = (batch * samples) as u64;
    Launch::new(&SHADER, "pre_emphasis", &Params { batch: batch as u32, samples: samples as u32, coefficient, _pad: 0 })
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("y", y)
        .linear(n.div_ceil(u64::from(POINTWISE)))
        .cost(8 * n, 2 * n)
}
