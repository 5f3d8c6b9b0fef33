//! Launches of `softmax_dropout.wgsl`.

use super::dropout::least_and_scale;
use super::{shader, softmax};
use crate::gpu::{Capabilities, Launch};

shader!("softmax_dropout", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropped {
    /// Rows.
    pub rows: usize,
    /// Values per row.
    pub cols: usize,
    /// Probability of being dropped, of which 16 bits count.
    pub rate: f32,
    /// Stream of random numbers.
    pub stream: u32,
}

impl Dropped {
    fn launch<B>(&self, caps: &Capabilities, entries: [&'static str; 2], passes: u64, flops: u64) -> Launch<B> {
        let (least, scale) = least_and_scale(self.rate);
        let n = (self.rows * self.cols) as u64;
        let launch = softmax::rows(caps, &SHADER, entries, self.rows, self.cols).cost(4 * passes * n, flops * n);
        launch.set("stream", self.stream).set("least", least).set("scale", scale)
    }

    /// `y = softmax(x)` and `kept`, which is `y` after dropout.
    pub fn forward<B>(&self, caps: &Capabilities, x: B, rng: B, y: B, kept: B) -> Launch<B> {
        let entries = ["softmax_dropout_row_fwd", "softmax_dropout_fwd"];
        self.launch(caps, entries, 3, 65).bind("x", x).bind("rng", rng).bind("y", y).bind("kept", kept)
    }

    /// `dx` from the gradient `d` of `kept`.
    pub fn backward<B>(&self, caps: &Capabilities, y: B, kept: B, d: B, dx: B) -> Launch<B> {
        let entries = ["softmax_dropout_row_bwd", "softmax_dropout_bwd"];
        self.launch(caps, entries, 4, 5).bind("y_saved", y).bind("kept_saved", kept).bind("d", d).bind("dx", dx)
    }
}
