//! Launches of `copy.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("copy", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    n: u32,
    _pad: [u32; 3],
}

/// `y = x` for `n` elements.
pub fn copy<B>(caps: &Capabilities, n: usize, x: B, y: B) -> Launch<B> {
    let launch = Launch::new(&SHADER, "copy", &Params { n: n as u32, _pad: [0; 3] });
    stream(caps, launch, n).bind("x", x).bind("y", y).cost(8 * n as u64, 0)
}
