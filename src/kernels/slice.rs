//! Launches of `slice.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("slice", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

/// A part of `m` from `start` along the middle of (outer, n, inner).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The whole as (outer, n, inner).
    pub around: (usize, usize, usize),
    /// First index of the part.
    pub start: usize,
    /// Extent of the part.
    pub m: usize,
}

impl Part {
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, elements: usize) -> Launch<B> {
        let (outer, n, inner) = self.around;
        let launch = Launch::new(&SHADER, entry).set("outer", outer).set("n", n).set("inner", inner);
        let launch = launch.set("start", self.start).set("m", self.m);
        stream(caps, launch, elements).cost(8 * elements as u64, 0)
    }

    fn elements(&self) -> usize {
        self.around.0 * self.m * self.around.2
    }

    /// The part out of the whole.
    pub fn take<B>(&self, caps: &Capabilities, whole: B, part: B) -> Launch<B> {
        self.launch(caps, "slice_fwd", self.elements()).bind("whole", whole).bind("part", part)
    }

    /// The whole with the part in its place and zeros elsewhere.
    pub fn pad<B>(&self, caps: &Capabilities, part: B, whole: B) -> Launch<B> {
        let (outer, n, inner) = self.around;
        self.launch(caps, "slice_bwd", outer * n * inner).bind("part_in", part).bind("whole_out", whole)
    }

    /// The part into its place, the rest of the whole untouched.
    pub fn put<B>(&self, caps: &Capabilities, part: B, whole: B) -> Launch<B> {
        self.launch(caps, "concat_part", self.elements()).bind("part_in", part).bind("whole_out", whole)
    }
}
