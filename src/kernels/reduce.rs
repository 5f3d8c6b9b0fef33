//! Launches of `reduce.wgsl`.

use super::{lanes, reduction, shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!(
    "reduce",
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8)],
    [("WG", 8), ("LANES", 2)],
    [("WG", 32)],
    [("WG", 64)],
    [("WG", 256)]
);

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    outer: u32,
    n: u32,
    inner: u32,
    scale: f32,
}

type Around = (usize, usize, usize);

fn params((outer, n, inner): Around, scale: f32) -> Params {
    Params { outer: outer as u32, n: n as u32, inner: inner as u32, scale }
}

/// `y = scale · Σ_j x[., j, .]` along the middle of (outer, n, inner).
pub fn forward<B>(caps: &Capabilities, around: Around, scale: f32, x: B, y: B) -> Launch<B> {
    let (outer, n, inner) = around;
    let outputs = (outer * inner) as u64;
    let cost = 4 * ((outer * n * inner) as u64 + outputs);
    // Neighbouring outputs share cache lines when the axis is not the inner one; then one invocation each is best, if they are many.
    // Software adapters have no such lines, only lanes that should not wait for each other.
    let alone = if caps.software { outputs >= 64 || inner >= 8 } else { inner >= 8 && outputs >= 1024 };
    let wg = if caps.software { 8 } else { 64 };
    let launch = if !alone {
        let launch = Launch::new(&SHADER, "reduce_block", &params(around, scale)).tune("WG", reduction(caps, n)).linear(outputs);
        launch.bind("x", x).bind("y", y)
    } else if inner == 1 {
        let lanes = lanes(caps, &[n]);
        let launch = Launch::new(&SHADER, "reduce_row", &params((outer, n / lanes, 1), scale)).tune("WG", wg).tune("LANES", lanes as u32);
        launch.linear(outputs.div_ceil(u64::from(wg))).bind("xs", x).bind("y", y)
    } else {
        let lanes = lanes(caps, &[inner]);
        let launch = Launch::new(&SHADER, "reduce_lane", &params((outer, n, inner / lanes), scale)).tune("WG", wg);
        let launch = launch.tune("LANES", lanes as u32).linear((outputs / lanes as u64).div_ceil(u64::from(wg)));
        launch.bind("xs", x).bind("ys", y)
    };
    launch.cost(cost, (outer * n * inner) as u64)
}

/// `dx[., j, .] = scale · dy`.
pub fn backward<B>(caps: &Capabilities, around: Around, scale: f32, dy: B, dx: B) -> Launch<B> {
    let (outer, n, inner) = around;
    let elements = (outer * n * inner) as u64;
    let launch = Launch::new(&SHADER, "reduce_bwd", &params(around, scale));
    stream(caps, launch, elements as usize).bind("dy", dy).bind("dx", dx).cost(4 * (elements + (outer * inner) as u64), elements)
}
