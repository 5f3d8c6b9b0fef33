//! Launches of `dropout.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("dropout", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    stream: u32,
    rate: f32,
    scale: f32,
}

/// `y = x / (1 − rate)` where kept, else 0; the mask is a function of `rng`, `id` (the stream) and the index.
pub fn dropout<B>(caps: &Capabilities, n: usize, id: u32, rate: f32, x: B, rng: B, y: B) -> Launch<B> {
    let params = Params { n: n as u32, stream: id, rate, scale: 1.0 / (1.0 - rate) };
    let launch = Launch::new(&SHADER, "dropout", &params).bind("x", x).bind("rng", rng).bind("y", y);
    stream(caps, launch, n.div_ceil(2)).cost(8 * n as u64, 60 * n as u64)
}
