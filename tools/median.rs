//! Median time of a step, for the tools that measure whole steps.

use anyhow::Result;
use std::time::Instant;

/// Median seconds of `steps` steps, after `warmup` more.
pub fn median(warmup: usize, steps: usize, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..warmup {
        step()?;
    }
    let mut times = Vec::with_capacity(steps);
    for _ in 0..steps.max(1) {
        let start = Instant::now();
        step()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
