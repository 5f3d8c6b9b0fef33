//! Launches of `reduce.wgsl`.

use super::target::BUSY;
use super::{shader, stream, stream_workgroup, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!(
    "reduce",
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
    [("WG", 8)],
    [("WG", 8), ("VEC", 2)],
    [("WG", 32)],
    [("WG", 64)],
    [("WG", 256)]
);

type Around = (usize, usize, usize);

fn launch<B>(entry: &'static str, (outer, n, inner): Around, scale: f32) -> Launch<B> {
    Launch::new(&SHADER, entry).set("outer", outer).set("n", n).set("inner", inner).set("scale", scale)
}

/// Fewest terms of a slice.
const SLICE: usize = 32;

/// Slices of each sum: more than one where a GPU has few sums of many terms that lie apart. They divide the terms evenly.
fn slices(caps: &Capabilities, (outer, n, inner): Around) -> usize {
    if caps.software || inner < NEIGHBOURS {
        return 1;
    }
    let wanted = (BUSY / (outer * inner).max(1)).min(n / SLICE);
    (1..=wanted.max(1)).rev().find(|s| n.is_multiple_of(*s)).unwrap_or(1)
}

/// `y = scale · Σ_j x[., j, .]` along the middle of (outer, n, inner); `scratch` reserves memory for so many elements.
pub fn sum<B: Copy>(caps: &Capabilities, around: Around, scale: f32, [x, y]: [B; 2], scratch: impl FnOnce(usize) -> B) -> Vec<Launch<B>> {
    let ((outer, n, inner), slices) = (around, slices(caps, around));
    if slices == 1 {
        return vec![forward(caps, around, scale, x, y)];
    }
    let part = scratch(outer * slices * inner);
    let cut = (outer * slices, n / slices, inner);
    vec![forward(caps, cut, 1.0, x, part), forward(caps, (outer, slices, inner), scale, part, y)]
}

/// Outputs that share cache lines.
const NEIGHBOURS: usize = 8;

/// `y = scale · Σ_j x[., j, .]` along the middle of (outer, n, inner), by one launch.
pub fn forward<B>(caps: &Capabilities, around: Around, scale: f32, x: B, y: B) -> Launch<B> {
    let (outer, n, inner) = around;
    let outputs = outer * inner;
    // Neighbouring outputs share cache lines when the axis is not the inner one; then one invocation each is best, if they are many.
    // Software adapters have no such lines, only lanes that should not wait for each other.
    let per_invocation = if caps.software { outputs >= 64 || inner >= NEIGHBOURS } else { inner >= NEIGHBOURS && outputs >= 1024 };
    let wg = if caps.software { 8 } else { 64 };
    let launch = if !per_invocation {
        let launch = launch("reduce_block", around, scale).tune("WG", stream_workgroup(caps, n));
        launch.linear(outputs as u64).bind("x", x).bind("y", y)
    } else if inner == 1 {
        let vec = vector_width(caps, &[n]);
        let launch = launch("reduce_row", (outer, n / vec, 1), scale).tune("WG", wg).tune("VEC", vec as u32);
        launch.invocations(outputs).bind("xs", x).bind("y", y)
    } else {
        let vec = vector_width(caps, &[inner]);
        let launch = launch("reduce_lane", (outer, n, inner / vec), scale).tune("WG", wg).tune("VEC", vec as u32);
        launch.invocations(outputs / vec).bind("xs", x).bind("ys", y)
    };
    let elements = outer * n * inner;
    launch.cost(4 * (elements + outputs) as u64, elements as u64)
}

/// `dx[., j, .] = scale · dy`.
pub fn backward<B>(caps: &Capabilities, around: Around, scale: f32, dy: B, dx: B) -> Launch<B> {
    let (outer, n, inner) = around;
    let elements = (outer * n * inner) as u64;
    stream(caps, launch("reduce_bwd", around, scale), elements as usize)
        .bind("dy", dy)
        .bind("dx", dx)
        .cost(4 * (elements + (outer * inner) as u64), elements)
}
