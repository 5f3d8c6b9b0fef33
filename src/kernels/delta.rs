//! Launches of `delta.wgsl`.

use super::{reduction, shader};
use crate::gpu::{Capabilities, Launch};

shader!("delta", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    bands: u32,
    frames: u32,
    hop: u32,
    scale: f32,
    _pad: [u32; 3],
}

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
        let (hop, scale) = (self.hop as u32, self.scale);
        let params = Params { batch: batch as u32, bands: bands as u32, frames: frames as u32, hop, scale, _pad: [0; 3] };
        let n = (batch * bands * frames) as u64;
        Launch::new(&SHADER, entry, &params).tune("WG", reduction(caps, frames)).linear((batch * bands) as u64).cost(4 * values * n, 13 * n)
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
