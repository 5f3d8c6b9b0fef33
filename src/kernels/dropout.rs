//! Launches of `dropout.wgsl`.

use super::{shader, stream, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!(
    "dropout",
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8), ("PER", 256), ("VEC", 2), ("RUN", 2)],
    [("WG", 8), ("PER", 16), ("VEC", 2), ("RUN", 2)]
);

/// The least of the numbers below 65536 that keeps its value, and the factor of what is kept, for a rate of dropping.
pub(super) fn least_and_scale(rate: f32) -> (u32, f32) {
    let least = ((f64::from(rate) * 65_536.0).round() as u32).min(65_535);
    (least, 65_536.0 / (65_536 - least) as f32)
}

/// Dropout of `n` values at a rate; the mask is a function of the generator's state, the stream and the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Values.
    pub n: usize,
    /// Stream of random numbers.
    pub stream: u32,
    /// Probability of being dropped, of which 16 bits count.
    pub rate: f32,
}

impl Dropout {
    /// A launch over groups of four values, or over accesses.
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, grouped: bool, passes: u64, flops: u64) -> Launch<B> {
        let (least, scale) = least_and_scale(self.rate);
        let vec = vector_width(caps, &[self.n]);
        let launch = Launch::new(&SHADER, entry).set("n", self.n / vec).set("stream", self.stream);
        let launch = launch.set("least", least).set("scale", scale).tune("VEC", vec as u32).tune("RUN", 4 / vec as u32);
        let n = self.n as u64;
        stream(caps, launch, if grouped { self.n.div_ceil(4) } else { self.n / vec }).cost(4 * passes * n, flops * n)
    }

    /// `y = k x`.
    pub fn forward<B>(&self, caps: &Capabilities, x: B, rng: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout", true, 2, 30).bind("x", x).bind("rng", rng).bind("y", y)
    }

    /// `y = k max(x, 0)`.
    pub fn relu<B>(&self, caps: &Capabilities, x: B, rng: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout_relu", true, 2, 31).bind("x", x).bind("rng", rng).bind("y", y)
    }

    /// `dx` of [`Dropout::relu`].
    pub fn relu_backward<B>(&self, caps: &Capabilities, y: B, dy: B, dx: B) -> Launch<B> {
        self.launch(caps, "dropout_relu_bwd", false, 3, 1).bind("y_saved", y).bind("dy", dy).bind("dx", dx)
    }

    /// `y = a + k x`.
    pub fn add<B>(&self, caps: &Capabilities, x: B, rng: B, a: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout_add", true, 3, 31).bind("x", x).bind("rng", rng).bind("a", a).bind("sum", y)
    }
}
