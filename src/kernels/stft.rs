//! Launches of `stft.wgsl`.

use super::shader;
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!(
    "stft",
    [("WG", 8), ("POINTS", 8), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 16), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 32), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 64), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 128), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 256), ("FRAMES", 8)],
    [("WG", 8), ("POINTS", 512), ("FRAMES", 4)],
    [("WG", 8), ("POINTS", 1024), ("FRAMES", 2)],
    [("WG", 8), ("POINTS", 2048), ("FRAMES", 1)],
    [("WG", 32), ("POINTS", 8), ("FRAMES", 8)],
    [("WG", 32), ("POINTS", 16), ("FRAMES", 8)],
    [("WG", 32), ("POINTS", 32), ("FRAMES", 8)],
    [("WG", 64), ("POINTS", 64), ("FRAMES", 8)],
    [("WG", 128), ("POINTS", 128), ("FRAMES", 8)],
    [("WG", 256), ("POINTS", 256), ("FRAMES", 8)],
    [("WG", 256), ("POINTS", 512), ("FRAMES", 4)],
    [("WG", 256), ("POINTS", 1024), ("FRAMES", 2)],
    [("WG", 256), ("POINTS", 2048), ("FRAMES", 1)],
);

/// Complex points that fill 16 KiB of workgroup memory.
const POINTS_AT_ONCE: usize = 2048;

/// Samples an invocation of `stft_pad` makes.
const CHUNK: usize = constant(SHADER.source, "CHUNK") as usize;

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
    /// Points of the transform, here a power of two.
    pub n_fft: usize,
    /// Reflect at the clip's ends, else zeros.
    pub reflect: bool,
    /// Coefficient of pre-emphasis.
    pub emphasis: f32,
}

impl Geometry {
    /// Samples of a clip with those around it that its first and last frames reach.
    pub fn padded(&self) -> usize {
        (self.frames - 1) * self.hop + self.n_fft
    }

    fn launch<B>(&self, caps: &Capabilities, entry: &'static str) -> Launch<B> {
        let before = (self.n_fft - self.win) / 2;
        Launch::new(&SHADER, entry)
            .set("batch", self.batch)
            .set("samples", self.samples)
            .set("frames", self.frames)
            .set("padded", self.padded())
            .set("hop", self.hop)
            .set("first", before)
            .set("last", before + self.win - 1)
            .tune("WG", self.workgroup(caps))
            .tune("POINTS", self.points() as u32)
            .tune("FRAMES", self.together() as u32)
    }

    /// Complex points of a transform; where its length is no power of two, another file transforms, and what is said here is of no account.
    fn points(&self) -> usize {
        if self.n_fft.is_power_of_two() { self.n_fft / 2 } else { 256 }
    }

    /// Frames of a workgroup.
    fn together(&self) -> usize {
        (POINTS_AT_ONCE / self.points()).clamp(1, 8)
    }

    /// Invocations of a workgroup: on GPUs one per butterfly of radix 8.
    fn workgroup(&self, caps: &Capabilities) -> u32 {
        if caps.software { 8 } else { (self.together() * self.points() / 8).max(32) as u32 }
    }

    fn transform<B>(&self, caps: &Capabilities, entry: &'static str, parts: usize) -> Launch<B> {
        let points = self.n_fft / 2;
        let frames = self.batch * self.frames;
        let flops = 5 * points * points.ilog2() as usize + 12 * points + 2 * self.win;
        self.launch(caps, entry)
            .linear((self.batch * self.frames.div_ceil(self.together())) as u64)
            .cost(4 * (self.batch * self.padded() + parts * frames * (points + 1)) as u64, (frames * flops) as u64)
    }
}

/// Emphasised clips with n_fft/2 samples on either side, (batch, padded).
pub fn pad<B>(caps: &Capabilities, s: &Geometry, x: B, lengths: B, v: B) -> Launch<B> {
    let n = (s.batch * s.padded()) as u64;
    s.launch(caps, "stft_pad")
        .set("reflect", s.reflect)
        .set("emphasis", s.emphasis)
        .set("centre", s.n_fft / 2)
        .bind("x", x)
        .bind("lengths", lengths)
        .bind("v", v)
        .linear((s.batch * s.padded().div_ceil(CHUNK * s.workgroup(caps) as usize)) as u64)
        .cost(4 * (s.batch * s.samples) as u64 + 4 * n, 2 * n)
}

/// What every transform reads.
pub struct Operands<B> {
    /// What [`pad`] wrote.
    pub framed: B,
    /// Samples of each clip.
    pub lengths: B,
    /// The window in the middle of n_fft, zeros around it.
    pub window: B,
    /// cos and −sin of 2π·k/n_fft, k = 0..n_fft/2.
    pub turns: B,
}

impl<B> Operands<B> {
    fn bind(self, launch: Launch<B>) -> Launch<B> {
        launch.bind("framed", self.framed).bind("lengths", self.lengths).bind("window", self.window).bind("turns", self.turns)
    }
}

/// Real and imaginary parts of the transform, (B, K, T) each.
pub fn complex<B>(caps: &Capabilities, s: &Geometry, from: Operands<B>, re: B, im: B) -> Launch<B> {
    from.bind(s.transform(caps, "stft_complex", 2)).bind("re", re).bind("im", im)
}

/// Power or magnitude of the transform, (B, K, T).
pub fn power<B>(caps: &Capabilities, s: &Geometry, magnitude: bool, from: Operands<B>, y: B) -> Launch<B> {
    from.bind(s.transform(caps, "stft_power", 1).set("magnitude", magnitude)).bind("y", y)
}
