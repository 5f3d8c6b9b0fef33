//! Launches of `permute.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("permute", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

/// `y` of the given shape, gathered from `x` by the given strides.
pub fn permute<B>(caps: &Capabilities, shape: [usize; 4], stride: [usize; 4], x: B, y: B) -> Launch<B> {
    let n = shape.iter().product::<usize>();
    let launch = Launch::new(&SHADER, "permute").set("shape", shape).set("stride", stride);
    stream(caps, launch, n).bind("x", x).bind("y", y).cost(8 * n as u64, 0)
}
