//! Launches of `squeeze_excite.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!("squeeze_excite", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Hidden values there is workgroup memory for.
pub const MOST_HIDDEN: usize = constant(SHADER.source, "HIDDEN") as usize;

/// Extents of a gate. Its launches come without operands; those to bind are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Hidden values, at most [`MOST_HIDDEN`].
    pub hidden: usize,
}

impl Gate {
    /// Two products of the batch with a weight.
    fn launch<B>(&self, entry: &'static str, wg: u32) -> Launch<B> {
        let (b, c, r) = (self.batch, self.channels, self.hidden);
        let launch = Launch::new(&SHADER, entry).set("b", b).set("c", c).set("r", r).tune("WG", wg);
        launch.cost(4 * (2 * r * c + 3 * b * (r + c)) as u64, 4 * (b * r * c) as u64)
    }

    /// m, w1, w2, h, s.
    pub fn forward<B>(&self, caps: &Capabilities) -> Launch<B> {
        self.launch("squeeze_excite_fwd", reduce_workgroup(caps, self.channels)).linear(self.batch as u64)
    }

    /// `dm`, and the gradient `dh` before the ReLU: s_saved, w1, w2, h_saved, ds, dh, dm.
    pub fn backward<B>(&self, caps: &Capabilities) -> Launch<B> {
        self.launch("squeeze_excite_bwd", reduce_workgroup(caps, self.channels)).linear(self.batch as u64)
    }

    /// s_saved, m_saved, dh_in, h_saved, ds, dw1, dw2.
    pub fn backward_weights<B>(&self, caps: &Capabilities) -> Launch<B> {
        let wg = if caps.software { 8 } else { 64 };
        self.launch("squeeze_excite_bwd_weights", wg).invocations(self.hidden * self.channels)
    }
}
