//! Launches of `activation.wgsl`.

use super::{shader, stream_vec, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!(
    "activation",
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8), ("PER", 256), ("VEC", 2)],
    [("WG", 8), ("PER", 16), ("VEC", 2)]
);

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `max(x, 0)`.
    Relu,
    /// `1 / (1 + e^−x)`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
    /// `x Φ(x)`.
    Gelu,
    /// `ln max(x, 1e−12)`.
    Ln,
}

impl Kind {
    /// Its backward pass reads the input rather than the output.
    pub fn keeps_input(self) -> bool {
        matches!(self, Kind::Gelu | Kind::Ln)
    }
}

fn launch<B>(caps: &Capabilities, entry: &'static str, n: usize) -> Launch<B> {
    let vec = vector_width(caps, &[n]);
    stream_vec(caps, Launch::new(&SHADER, entry).set("n", n / vec), n, vec)
}

/// `y = f(x)`.
pub fn forward<B>(caps: &Capabilities, kind: Kind, n: usize, x: B, y: B) -> Launch<B> {
    let (entry, flops) = match kind {
        Kind::Relu => ("relu_fwd", 1),
        Kind::Sigmoid => ("sigmoid_fwd", 4),
        Kind::Tanh => ("tanh_fwd", 8),
        Kind::Gelu => ("gelu_fwd", 30),
        Kind::Ln => ("ln_fwd", 5),
    };
    launch(caps, entry, n).bind("x", x).bind("y", y).cost(8 * n as u64, flops * n as u64)
}

/// `dx = f'(x) · dy` from the saved output (input for gelu and ln).
pub fn backward<B>(caps: &Capabilities, kind: Kind, n: usize, saved: B, dy: B, dx: B) -> Launch<B> {
    let (entry, flops) = match kind {
        Kind::Relu => ("relu_bwd", 1),
        Kind::Sigmoid => ("sigmoid_bwd", 3),
        Kind::Tanh => ("tanh_bwd", 3),
        Kind::Gelu => ("gelu_bwd", 40),
        Kind::Ln => ("ln_bwd", 2),
    };
    launch(caps, entry, n).bind("saved", saved).bind("dy", dy).bind("dx", dx).cost(12 * n as u64, flops * n as u64)
}
