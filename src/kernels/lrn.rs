//! Launches of `lrn.wgsl`.

use super::{by_row, shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("lrn", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents and constants of a local response normalisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Images, channels, pixels of a channel.
    pub extents: [usize; 3],
    /// Channels of a window.
    pub window: usize,
    /// Weight of the window's mean square.
    pub alpha: f32,
    /// Exponent.
    pub beta: f32,
    /// Added to the weighted mean square.
    pub k: f32,
}

impl Lrn {
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, passes: u64) -> Launch<B> {
        let [n, c, inner] = self.extents;
        let vec = vector_width(caps, &[inner]);
        let (before, after) = (self.window / 2, (self.window - 1) / 2);
        let launch = Launch::new(&SHADER, entry).set("n", n).set("c", c).set("inner", inner / vec).tune("VEC", vec as u32);
        let launch = launch.set("before", before).set("after", after).set("alpha", self.alpha / self.window as f32);
        let elements = (n * c * inner) as u64;
        let launch = launch.set("beta", self.beta).set("k", self.k).cost(4 * passes * elements, 3 * elements * (self.window as u64 + 3));
        by_row(caps, launch, n * c, inner / vec)
    }

    /// `y`, and the sums `d` that backward needs.
    pub fn forward<B>(&self, caps: &Capabilities, x: B, y: B, d: B) -> Launch<B> {
        self.launch(caps, "lrn_fwd", 3).bind("x", x).bind("y", y).bind("d", d)
    }

    /// Gradient of `x`.
    pub fn backward<B>(&self, caps: &Capabilities, [x, y, d, dy]: [B; 4], dx: B) -> Launch<B> {
        self.launch(caps, "lrn_bwd", 5).bind("x", x).bind("y_saved", y).bind("d_saved", d).bind("dy", dy).bind("dx", dx)
    }
}
