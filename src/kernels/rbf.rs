//! Launches of `rbf.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("rbf", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

/// Squared lengths of the rows of x (rows, cols).
pub fn norms<B>(rows: usize, cols: usize, x: B, norms: B) -> Launch<B> {
    let n = (rows * cols) as u64;
    let launch = Launch::new(&SHADER, "rbf_norms").set("rows", rows).set("cols", cols);
    launch.bind("x", x).bind("norms", norms).invocations(rows).cost(4 * (n + rows as u64), 2 * n)
}

/// Products `k` (rows, cols) of vectors with squared lengths `xx` and `yy` become `exp(−gamma |x − y|²)`.
pub fn kernel<B>(caps: &Capabilities, rows: usize, cols: usize, gamma: f32, [xx, yy, k]: [B; 3]) -> Launch<B> {
    let n = (rows * cols) as u64;
    let launch = Launch::new(&SHADER, "rbf").set("rows", rows).set("cols", cols).set("gamma", gamma);
    stream(caps, launch.bind("xx", xx).bind("yy", yy).bind("k", k), rows * cols).cost(8 * n, 12 * n)
}
