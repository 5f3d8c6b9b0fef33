//! Launches of `copy.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("copy", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

/// `y = x` for `n` elements.
pub fn copy<B>(caps: &Capabilities, n: usize, x: B, y: B) -> Launch<B> {
    stream(caps, Launch::new(&SHADER, "copy").set("n", n), n).bind("x", x).bind("y", y).cost(8 * n as u64, 0)
}
