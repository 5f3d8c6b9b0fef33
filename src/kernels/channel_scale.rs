//! Launches of `channel_scale.wgsl`.

use super::{by_row, shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("channel_scale", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

fn launch<B>(caps: &Capabilities, entry: &'static str, rows: usize, inner: usize) -> Launch<B> {
    let vec = vector_width(caps, &[inner]);
    let launch = Launch::new(&SHADER, entry).set("rows", rows).set("inner", inner / vec).tune("VEC", vec as u32);
    by_row(caps, launch, rows, (inner / vec).div_ceil(4))
}

/// `y[r,i] = s[r] · x[r,i]`.
pub fn forward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, s: B, y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    launch(caps, "channel_scale_fwd", rows, inner).bind("x", x).bind("s", s).bind("y", y).cost(8 * n, n)
}

/// `y[r,i] = s[r] · x[r,i] + a[r,i]`, with `relu` its positive part.
pub fn add<B>(caps: &Capabilities, rows: usize, inner: usize, relu: bool, [x, s, a]: [B; 3], y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_add", rows, inner).set("relu", relu);
    launch.bind("x", x).bind("s", s).bind("a", a).bind("sum", y).cost(12 * n, 2 * n)
}

/// `y[r,i] = s[r] · x[r,i] + factor · t[r]`.
pub fn add_row<B>(caps: &Capabilities, rows: usize, inner: usize, factor: f32, [x, s, t]: [B; 3], y: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    let launch = launch(caps, "channel_scale_add_row", rows, inner).set("factor", factor);
    launch.bind("x", x).bind("s", s).bind("t", t).bind("sum", y).cost(8 * n, 2 * n)
}

/// `ds[r] = Σ_i x[r,i] · dy[r,i]`.
pub fn backward<B>(caps: &Capabilities, rows: usize, inner: usize, x: B, dy: B, ds: B) -> Launch<B> {
    let n = (rows * inner) as u64;
    launch(caps, "channel_scale_bwd", rows, inner).bind("x", x).bind("dy", dy).bind("ds", ds).cost(8 * n, 2 * n)
}
