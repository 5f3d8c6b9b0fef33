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

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    stream: u32,
    least: u32,
    scale: f32,
    _pad: [u32; 3],
}

impl Dropped {
    fn launch<B>(&self, caps: &Capabilities, entries: [&'static str; 2], passes: u64, flops: u64) -> Launch<B> {
        let (rows, cols) = (self.rows as u32, self.cols as u32);
        let (least, scale) = least_and_scale(self.rate);
        let params = Params { rows, cols, stream: self.stream, least, scale, _pad: [0; 3] };
        let n = (self.rows * self.cols) as u64;
        softmax::rows(caps, &SHADER, entries, &params, self.rows, self.cols).cost(4 * passes * n, flops * n)
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
