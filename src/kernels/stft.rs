//! Launches of `stft.wgsl`.

use super::shader;
use crate::gpu::{Capabilities, Launch};

shader!(
    "stft",
    [("WG", 8), ("POINTS", 128), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 256), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 512), ("FRAMES", 4)],
    [("WG", 8), ("POINTS", 1024), ("FRAMES", 2)],
    [("WG", 8), ("POINTS", 2048), ("FRAMES", 1)],
    [("WG", 256), ("POINTS", 128), ("FRAMES", 8)],
    [("WG", 256), ("POINTS", 256), ("FRAMES", 8)],
    [("WG", 256), ("POINTS", 512), ("FRAMES", 4)],
    [("WG", 256), ("POINTS", 1024), ("FRAMES", 2)],
    [("WG", 256), ("POINTS", 2048), ("FRAMES", 1)],
);

/// Complex points that fill 16 KiB of workgroup memory.
const POINTS_AT_ONCE: usize = 2048;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    batch: u32,
    samples: u32,
    frames: u32,
    hop: u32,
    win: u32,
    reflect: u32,
    magnitude: u32,
    _pad: u32,
}

/// Extents and choices of a transform.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Clips.
    pub batch: usize,
    /// Samples a clip has room for.
    pub samples: usize,
    /// Frames a clip has room for.
    pub frames: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Samples of the window.
    pub win: usize,
    /// Points of the transform.
    pub n_fft: usize,
    /// Reflect at the clip's ends, else zeros.
    pub reflect: bool,
}

fn launch<B>(caps: &Capabilities, entry: &'static str, s: &Geometry, magnitude: bool) -> Launch<B> {
    let params = Params {
        batch: s.batch as u32,
        samples: s.samples as u32,
        frames: s.frames as u32,
        hop: s.hop as u32,
        win: s.win as u32,
        reflect: s.reflect.into(),
        magnitude: magnitude.into(),
        _pad: 0,
    };
    let points = s.n_fft / 2;
    let together = (POINTS_AT_ONCE / points).clamp(1, 8);
    let wg = if caps.software { 8 } else { 256.min(caps.max_workgroup_invocations) };
    let frames = (s.batch * s.frames) as u64;
    let flops = 5 * points as u64 * u64::from(points.ilog2()) + 12 * points as u64 + 2 * s.win as u64;
    Launch::new(&SHADER, entry, &params)
        .tune("WG", wg)
        .tune("POINTS", points as u32)
        .tune("FRAMES", together as u32)
        .linear((s.batch * s.frames.div_ceil(together)) as u64)
        .cost(4 * (s.batch * s.samples) as u64, frames * flops)
}

/// Real and imaginary parts of the transform, (B, K, T) each.
#[allow(clippy::too_many_arguments, reason = "one operand per binding")]
pub fn complex<B>(caps: &Capabilities, s: &Geometry, x: B, lengths: B, window: B, turns: B, re: B, im: B) -> Launch<B> {
    let mut launch = launch(caps, "stft_complex", s, false);
    launch.bytes += 8 * (s.batch * (s.n_fft / 2 + 1) * s.frames) as u64;
    launch.bind("x", x).bind("lengths", lengths).bind("window", window).bind("turns", turns).bind("re", re).bind("im", im)
}

/// Power or magnitude of the transform, (B, K, T).
#[allow(clippy::too_many_arguments, reason = "one operand per binding")]
pub fn power<B>(caps: &Capabilities, s: &Geometry, magnitude: bool, x: B, lengths: B, window: B, turns: B, y: B) -> Launch<B> {
    let mut launch = launch(caps, "stft_power", s, magnitude);
    launch.bytes += 4 * (s.batch * (s.n_fft / 2 + 1) * s.frames) as u64;
    launch.bind("x", x).bind("lengths", lengths).bind("window", window).bind("turns", turns).bind("y", y)
}
