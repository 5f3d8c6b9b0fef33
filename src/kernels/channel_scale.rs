//! Launches of `channel_scale.wgsl`.

use super::{reduction, shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("channel_scale", [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)], [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    inner: u32,
    _pad: [u32; 2],
}

fn launch<B>(entry: &'static str, rows: usize, inner: usize) -> Launch<B> {
    Launch::new(&SHADER, entry, &Params { rows: rows as u32, inner: inner as u32, _pad: [0; 2] })
}

/// `y[r,i] = s[r] · x[r,i]`.
pub fn forward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, s: B, y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch("channel_scale_fwd", rows, inner).bind("x", x).bind("s", s).bind("y", y);
    stream(caps, launch, n as usize).cost(8 * n, n)
}

/// `ds[r] = Σ_i x[r,i] · dy[r,i]`.
pub fn backward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, dy: B, ds: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch("channel_scale_bwd", rows, inner).tune("WG", reduction(caps, inner)).linear(rows as u64);
    launch.bind("x", x).bind("dy", dy).bind("ds", ds).cost(8 * n, 2 * n)
}
