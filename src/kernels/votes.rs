//! Launches of `votes.wgsl`.

use super::shader;
use crate::gpu::Launch;

shader!("votes");

/// Votes (rows, classes) of the decisions of a machine per pair of classes.
pub fn votes<B>(rows: usize, classes: usize, decision: B, votes: B) -> Launch<B> {
    let pairs = rows * classes * classes.saturating_sub(1) / 2;
    let launch = Launch::new(&SHADER, "votes").set("rows", rows).set("classes", classes).bind("decision", decision).bind("v", votes);
    launch.invocations(rows * classes).cost(4 * (pairs + rows * classes) as u64, (pairs * classes) as u64)
}
