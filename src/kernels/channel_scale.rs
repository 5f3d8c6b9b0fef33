//! Launches of `channel_scale.wgsl`.

use super::{alone, lanes, shader, walk};
use crate::gpu::{Capabilities, Launch};

shader!("channel_scale", [("WG", 8)], [("WG", 8), ("LANES", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rows: u32,
    inner: u32,
    relu: u32,
    factor: f32,
    alone: u32,
    _pad: [u32; 3],
}

fn launch<B>(caps: &Capabilities, entry: &'static str, rows: usize, inner: usize, relu: bool, factor: f32) -> Launch<B> {
    let lanes = lanes(caps, &[inner]);
    let (relu, alone) = (u32::from(relu), u32::from(alone(caps, rows)));
    let params = Params { rows: rows as u32, inner: (inner / lanes) as u32, relu, factor, alone, _pad: [0; 3] };
    walk(caps, Launch::new(&SHADER, entry, &params), rows, inner / lanes, lanes)
}

/// `y[r,i] = s[r] · x[r,i]`.
pub fn forward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, s: B, y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_fwd", rows, inner, false, 0.0).bind("x", x).bind("s", s).bind("y", y);
    launch.cost(8 * n, n)
}

/// `y[r,i] = s[r] · x[r,i] + a[r,i]`, with `relu` its positive part.
pub fn tail<B>(caps: &Capabilities, rows: usize, inner: usize, relu: bool, [x, s, a]: [B; 3], y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_tail", rows, inner, relu, 0.0).bind("x", x).bind("s", s).bind("a", a).bind("sum", y);
    launch.cost(12 * n, 2 * n)
}

/// `y[r,i] = s[r] · x[r,i] + factor · t[r]`.
pub fn shift<B>(caps: &Capabilities, rows: usize, inner: usize, factor: f32, [x, s, t]: [B; 3], y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_shift", rows, inner, false, factor).bind("x", x).bind("s", s).bind("t", t).bind("sum", y);
    launch.cost(8 * n, 2 * n)
}

/// `ds[r] = Σ_i x[r,i] · dy[r,i]`.
pub fn backward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, dy: B, ds: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_bwd", rows, inner, false, 0.0);
    launch.bind("x", x).bind("dy", dy).bind("ds", ds).cost(8 * n, 2 * n)
}
