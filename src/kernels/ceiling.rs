//! Launches of `ceiling.wgsl`: the most arithmetic and the most copying an adapter does, to judge the other kernels by.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch, wgsl::constant};

shader!(
    "ceiling",
    [("WG", 8), ("CHAINS", 1)],
    [("WG", 8), ("CHAINS", 2)],
    [("WG", 256), ("CHAINS", 1)],
    [("WG", 256), ("CHAINS", 2)],
    [("WG", 256), ("CHAINS", 4)],
    [("WG", 256), ("CHAINS", 8)],
    [("PER", 8)],
    [("WG", 8), ("PER", 256)],
    [("WG", 8), ("PER", 16)],
);

/// Steps of each chain per round.
pub const STEPS: u32 = constant(SHADER.source, "STEPS");

/// Factor and summand of a chain's step.
pub const STEP: (f32, f32) = (0.75, 0.5);

/// Vectors of chains per invocation worth trying: enough to hide the latency of one multiply-add, few enough to stay in registers.
pub fn chains(caps: &Capabilities) -> &'static [u32] {
    if caps.software { &[1, 2] } else { &[1, 2, 4, 8] }
}

/// Multiply-adds in registers: `y` (n) takes the sums of `4·chains` chains per invocation after `8·rounds` steps `a ← 0.75·a + 0.5`.
pub fn fma<B>(caps: &Capabilities, n: usize, rounds: u32, chains: u32, y: B) -> Launch<B> {
    let wg = if caps.software { 8 } else { 256 };
    let flops = 2 * 4 * u64::from(chains) * u64::from(STEPS) * u64::from(rounds) * n as u64;
    Launch::new(&SHADER, "ceiling_fma")
        .set("n", n)
        .set("rounds", rounds)
        .set("x", STEP.0)
        .set("b", STEP.1)
        .tune("WG", wg)
        .tune("CHAINS", chains)
        .invocations(n)
        .bind("y", y)
        .cost(4 * n as u64, flops)
}

/// `dst = src` for `n` vectors of four floats.
pub fn copy<B>(caps: &Capabilities, n: usize, src: B, dst: B) -> Launch<B> {
    stream(caps, Launch::new(&SHADER, "ceiling_copy").set("n", n), n).bind("src", src).bind("dst", dst).cost(32 * n as u64, 0)
}
