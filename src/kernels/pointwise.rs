//! Launches of `pointwise.wgsl`.

use super::{lanes, shader, stream_lanes};
use crate::gpu::{Capabilities, Launch};

shader!(
    "pointwise",
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8), ("PER", 256), ("LANES", 2)],
    [("WG", 8), ("PER", 16), ("LANES", 2)]
);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    scale: f32,
    shift: f32,
    _pad: u32,
}

fn launch<B>(caps: &Capabilities, entry: &'static str, n: usize, scale: f32, shift: f32) -> Launch<B> {
    let lanes = lanes(caps, &[n]);
    stream_lanes(caps, Launch::new(&SHADER, entry, &Params { n: (n / lanes) as u32, scale, shift, _pad: 0 }), n, lanes)
}

/// `y = a + b`, with `relu` its positive part.
pub fn add<B>(caps: &Capabilities, n: usize, relu: bool, a: B, b: B, y: B) -> Launch<B> {
    launch(caps, if relu { "add_relu" } else { "add" }, n, 0.0, 0.0).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = a · b`.
pub fn mul<B>(caps: &Capabilities, n: usize, a: B, b: B, y: B) -> Launch<B> {
    launch(caps, "mul", n, 0.0, 0.0).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = scale · a + shift`.
pub fn affine<B>(caps: &Capabilities, n: usize, scale: f32, shift: f32, a: B, y: B) -> Launch<B> {
    launch(caps, "affine", n, scale, shift).bind("a", a).bind("y", y).cost(8 * n as u64, 2 * n as u64)
}
