//! Launches of `masked_softmax.wgsl`.

use super::{shader, softmax};
use crate::gpu::{Capabilities, Launch};

shader!("masked_softmax", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents of a masked softmax.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Masked {
    /// Rows of all inputs.
    pub rows: usize,
    /// Values of a row, valid or not.
    pub cols: usize,
    /// Rows of an input.
    pub own: usize,
    /// What an input's length counts for each valid value.
    pub per: usize,
}

impl Masked {
    fn launch<B>(&self, caps: &Capabilities, entries: [&'static str; 2], passes: u64, flops: u64) -> Launch<B> {
        let n = (self.rows * self.cols) as u64;
        let launch = softmax::rows(caps, &SHADER, entries, self.rows, self.cols).set("own", self.own).set("per", self.per);
        launch.cost(4 * passes * n, flops * n)
    }

    /// `y`, the softmax of the first values of each row of `x`.
    pub fn forward<B>(&self, caps: &Capabilities, x: B, lengths: B, y: B) -> Launch<B> {
        let entries = ["masked_softmax_row_fwd", "masked_softmax_fwd"];
        self.launch(caps, entries, 2, 5).bind("x", x).bind("lengths", lengths).bind("y", y)
    }

    /// `dx = y · (dy − Σ y·dy)` over them.
    pub fn backward<B>(&self, caps: &Capabilities, y: B, lengths: B, dy: B, dx: B) -> Launch<B> {
        let entries = ["masked_softmax_row_bwd", "masked_softmax_bwd"];
        self.launch(caps, entries, 3, 4).bind("y_saved", y).bind("lengths", lengths).bind("dy", dy).bind("dx", dx)
    }
}
