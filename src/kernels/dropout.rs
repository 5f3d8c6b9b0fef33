//! Launches of `dropout.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("dropout", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    stream: u32,
    least: u32,
    scale: f32,
}

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
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, per: usize, passes: u64, flops: u64) -> Launch<B> {
        let (least, scale) = least_and_scale(self.rate);
        let params = Params { n: self.n as u32, stream: self.stream, least, scale };
        let n = self.n as u64;
        stream(caps, Launch::new(&SHADER, entry, &params), self.n.div_ceil(per)).cost(4 * passes * n, flops * n)
    }

    /// `y = k x`.
    pub fn forward<B>(&self, caps: &Capabilities, x: B, rng: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout", 4, 2, 30).bind("x", x).bind("rng", rng).bind("y", y)
    }

    /// `y = k max(x, 0)`.
    pub fn relu<B>(&self, caps: &Capabilities, x: B, rng: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout_relu", 4, 2, 31).bind("x", x).bind("rng", rng).bind("y", y)
    }

    /// `dx` of [`Dropout::relu`].
    pub fn relu_backward<B>(&self, caps: &Capabilities, y: B, dy: B, dx: B) -> Launch<B> {
        self.launch(caps, "dropout_relu_bwd", 1, 3, 1).bind("y_saved", y).bind("dy", dy).bind("dx", dx)
    }

    /// `y = a + k x`.
    pub fn add<B>(&self, caps: &Capabilities, x: B, rng: B, a: B, y: B) -> Launch<B> {
        self.launch(caps, "dropout_add", 4, 3, 31).bind("x", x).bind("rng", rng).bind("a", a).bind("sum", y)
    }
}
