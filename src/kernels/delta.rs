//! Launches of `delta.wgsl`.

use super::{reduce_workgroup, shader};
use crate::gpu::{Capabilities, Launch};

shader!("delta", [("WG", 8)], [("WG", 32)], [("WG", 128)], [("WG", 256)]);

/// Extents (batch, bands, frames), the hop of the frames and the factor of each slope.
#[derive(Debug, Clone, Copy)]
pub struct Slopes {
    /// Batch, bands, frames.
    pub extents: (usize, usize, usize),
    /// Samples between frames.
    pub hop: usize,
    /// Factor of the slopes.
    pub scale: f32,
}

impl Slopes {
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, values: u64) -> Launch<B> {
        let (batch, bands, frames) = self.extents;
        let n = (batch * bands * frames) as u64;
        let launch = Launch::new(&SHADER, entry).set("batch", batch).set("bands", bands).set("frames", frames);
        let launch = launch.set("hop", self.hop).set("scale", self.scale).tune("WG", reduce_workgroup(caps, frames));
        launch.linear((batch * bands) as u64).cost(4 * values * n, 13 * n)
    }
}

/// Slopes over time.
pub fn slope<B>(caps: &Capabilities, s: &Slopes, x: B, lengths: B, d: B) -> Launch<B> {
    s.launch(caps, "delta_slope", 2).bind("x", x).bind("lengths", lengths).bind("d", d)
}

/// Values, their slopes and the slopes of those.
pub fn stack<B>(caps: &Capabilities, s: &Slopes, x: B, lengths: B, slopes: B, y: B) -> Launch<B> {
    s.launch(caps, "delta_stack", 5).bind("x", x).bind("lengths", lengths).bind("slopes", slopes).bind("y", y)
}
