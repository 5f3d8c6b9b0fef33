//! Launches of `pointwise.wgsl`.

use super::{shader, stream_vec, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!(
    "pointwise",
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8), ("PER", 256), ("VEC", 2)],
    [("WG", 8), ("PER", 16), ("VEC", 2)]
);

fn launch<B>(caps: &Capabilities, entry: &'static str, n: usize) -> Launch<B> {
    let vec = vector_width(caps, &[n]);
    stream_vec(caps, Launch::new(&SHADER, entry).set("n", n / vec), n, vec)
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
    let vec = if inner == 1 { vector_width(caps, &[n]) } else { 1 };
    let entry = match what {
        Arithmetic::Add => "add_broadcast",
        Arithmetic::Mul => "mul_broadcast",
    };
    let launch = Launch::new(&SHADER, entry).set("n", elements / vec).set("inner", inner).set("period", n / vec);
    let launch = stream_vec(caps, launch, elements, vec);
    launch.bind("a", a).bind("b", b).bind("y", y).cost(4 * (2 * elements + n) as u64, elements as u64)
}

/// `y = a + b`, with `relu` its positive part.
pub fn add<B>(caps: &Capabilities, n: usize, relu: bool, a: B, b: B, y: B) -> Launch<B> {
    launch(caps, if relu { "add_relu" } else { "add" }, n).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = a · b`.
pub fn mul<B>(caps: &Capabilities, n: usize, a: B, b: B, y: B) -> Launch<B> {
    launch(caps, "mul", n).bind("a", a).bind("b", b).bind("y", y).cost(12 * n as u64, n as u64)
}

/// `y = scale · a + shift`.
pub fn affine<B>(caps: &Capabilities, n: usize, scale: f32, shift: f32, a: B, y: B) -> Launch<B> {
    launch(caps, "affine", n).set("scale", scale).set("shift", shift).bind("a", a).bind("y", y).cost(8 * n as u64, 2 * n as u64)
}
