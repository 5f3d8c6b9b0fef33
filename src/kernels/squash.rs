//! Launches of `squash.wgsl`.

use super::{shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("squash", [("WG", 8)], [("WG", 8), ("VEC", 2)]);

/// Added to a vector's length where it divides.
pub const EPS: f32 = 1e-8;

fn launch<B>(caps: &Capabilities, entry: &'static str, (rows, cols): (usize, usize)) -> Launch<B> {
    let vec = vector_width(caps, &[cols]);
    let launch = Launch::new(&SHADER, entry).set("rows", rows).set("cols", cols / vec).set("eps", EPS);
    launch.tune("WG", if caps.software { 8 } else { 64 }).tune("VEC", vec as u32).invocations(rows)
}

/// Vectors of the same direction and a length below 1.
pub fn forward<B>(caps: &Capabilities, size: (usize, usize), x: B, y: B) -> Launch<B> {
    let n = (size.0 * size.1) as u64;
    launch(caps, "squash_fwd", size).bind("x", x).bind("y", y).cost(8 * n, 3 * n)
}

/// Gradient of the vectors for that of the squashed ones.
pub fn backward<B>(caps: &Capabilities, size: (usize, usize), x: B, dy: B, dx: B) -> Launch<B> {
    let n = (size.0 * size.1) as u64;
    launch(caps, "squash_bwd", size).bind("x", x).bind("dy", dy).bind("dx", dx).cost(12 * n, 8 * n)
}

/// Lengths of vectors.
pub fn length<B>(caps: &Capabilities, size: (usize, usize), x: B, y: B) -> Launch<B> {
    let (rows, n) = (size.0 as u64, (size.0 * size.1) as u64);
    launch(caps, "length_fwd", size).bind("x", x).bind("len", y).cost(4 * (n + rows), 2 * n)
}

/// Gradient of the vectors for that of their lengths `y`.
pub fn length_backward<B>(caps: &Capabilities, size: (usize, usize), [x, y, dy]: [B; 3], dx: B) -> Launch<B> {
    let (rows, n) = (size.0 as u64, (size.0 * size.1) as u64);
    let launch = launch(caps, "length_bwd", size).bind("x", x).bind("len_saved", y);
    launch.bind("dlen", dy).bind("dvector", dx).cost(8 * (n + rows), n)
}
