//! Launches of `squeeze_excite.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("squeeze_excite", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Hidden values there is workgroup memory for.
pub const MOST_HIDDEN: usize = 256;

/// Extents of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Hidden values, at most [`MOST_HIDDEN`].
    pub hidden: usize,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    b: u32,
    c: u32,
    r: u32,
    _pad: u32,
}

impl Gate {
    fn launch<B>(&self, entry: &'static str, wg: u32, groups: usize, products: u64) -> Launch<B> {
        let [b, c, r] = [self.batch, self.channels, self.hidden].map(|v| v as u64);
        let params = Params { b: b as u32, c: c as u32, r: r as u32, _pad: 0 };
        let launch = Launch::new(&SHADER, entry, &params).tune("WG", wg).linear(groups as u64);
        launch.cost(4 * (2 * r * c + 3 * b * (r + c)), 2 * products * b * r * c)
    }

    /// `s`, and the hidden values `h`.
    pub fn forward<B>(&self, caps: &Capabilities, m: B, w1: B, w2: B, h: B, s: B) -> Launch<B> {
        let launch = self.launch("squeeze_excite_fwd", reduction(caps, self.channels), self.batch, 2);
        launch.bind("m", m).bind("w1", w1).bind("w2", w2).bind("h", h).bind("s", s)
    }

    /// `dm`, and the gradient `dh` before the ReLU.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward<B>(&self, caps: &Capabilities, s: B, w1: B, w2: B, h: B, ds: B, dh: B, dm: B) -> Launch<B> {
        let launch = self.launch("squeeze_excite_bwd", reduction(caps, self.channels), self.batch, 2);
        launch.bind("s_saved", s).bind("w1", w1).bind("w2", w2).bind("h_saved", h).bind("ds", ds).bind("dh", dh).bind("dm", dm)
    }

    /// `dw1`, `dw2`.
    #[expect(clippy::too_many_arguments, reason = "operands of one launch")]
    pub fn backward_weights<B>(&self, caps: &Capabilities, s: B, m: B, dh: B, h: B, ds: B, dw1: B, dw2: B) -> Launch<B> {
        let wg = if caps.software { 8 } else { 64 };
        let launch = self.launch("squeeze_excite_bwd_weights", wg, (self.hidden * self.channels).div_ceil(wg as usize), 2);
        let launch = launch.bind("s_saved", s).bind("m_saved", m).bind("dh_in", dh).bind("h_saved", h);
        launch.bind("ds", ds).bind("dw1", dw1).bind("dw2", dw2)
    }
}
