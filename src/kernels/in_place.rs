//! Launches of `in_place.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("in_place", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)], [("WG", 128), ("PER", 4)]);

fn launch<B>(caps: &Capabilities, entry: &'static str, n: usize, s: f32, y: B) -> Launch<B> {
    stream(caps, Launch::new(&SHADER, entry).set("n", n).set("s", s), n).bind("y", y)
}

/// `y ← y + s·(x − y)`.
pub fn ema<B>(caps: &Capabilities, n: usize, s: f32, y: B, x: B) -> Launch<B> {
    launch(caps, "ema", n, s, y).bind("x", x).cost(12 * n as u64, 3 * n as u64)
}

/// `y ← y + s·x`.
pub fn accumulate<B>(caps: &Capabilities, n: usize, s: f32, y: B, x: B) -> Launch<B> {
    launch(caps, "accumulate", n, s, y).bind("x", x).cost(12 * n as u64, 2 * n as u64)
}

/// `y ← s`.
pub fn fill<B>(caps: &Capabilities, n: usize, s: f32, y: B) -> Launch<B> {
    launch(caps, "fill", n, s, y).cost(4 * n as u64, 0)
}
