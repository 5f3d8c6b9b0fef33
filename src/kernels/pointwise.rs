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
    inner: u32,
    period: u32,
    _pad: [u32; 3],
}

fn launch<B>(caps: &Capabilities, entry: &'static str, n: usize, scale: f32, shift: f32) -> Launch<B> {
    let lanes = lanes(caps, &[n]);
    let params = Params { n: (n / lanes) as u32, scale, shift, inner: 1, period: 1, _pad: [0; 3] };
    stream_lanes(caps, Launch::new(&SHADER, entry, &params), n, lanes)
}

/// What is made of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`.
    Add,
    /// `a · b`.
    Mul,
}

/// `y[o,j,i] = a[o,j,i] + b[j]` or their product.
pub fn broadcast<B>(caps: &Capabilities, what: Arithmetic, (outer, n, inner): (usize, usize, usize), a: B, b: B, y: B) -> Launch<B> {
    let elements = outer * n * inner;
    // An access of several floats takes as many neighbours of b.
    let lanes = if inner == 1 { lanes(caps, &[n]) } else { 1 };
    let entry = match what {
        Arithmetic::Add => "add_broadcast",
        Arithmetic::Mul => "mul_broadcast",
    };
    let [total, period] = [elements, n].map(|v| (v / lanes) as u32);
    let params = Params { n: total, scale: 0.0, shift: 0.0, inner: inner as u32, period, _pad: [0; 3] };
    let launch = stream_lanes(caps, Launch::new(&SHADER, entry, &params), elements, lanes);
    launch.bind("a", a).bind("b", b).bind("y", y).cost(4 * (2 * elements + n) as u64, elements as u64)
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
