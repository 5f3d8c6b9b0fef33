//! Kernel benchmarks: median milliseconds, GFLOP/s and GB/s of the heavy ops, each checked to be finite before it is timed.
//!
//!     cargo bench [-- FILTER]
//!
//! `cargo run --release --example profile -- kernels` times the same cases, sets them beside the adapter's ceilings and compares runs.

mod case;
mod cases;

use emotone::gpu::{AdapterRequest, Device};
use std::time::Duration;

/// Images of a batch.
const BATCH: usize = 8;
/// Runs timed per case.
const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    for case in cases::cases(BATCH)?.iter().filter(|c| c.name.contains(&filter)) {
        let ready = case.ready(&device)?;
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            times.push(ready.time()?.iter().sum::<Duration>().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let t = times[RUNS / 2];
        let launches = ready.launches();
        let flops: u64 = launches.iter().map(|l| l.flops).sum();
        let bytes: u64 = launches.iter().map(|l| l.bytes).sum();
        println!("{:40} {:10.3} ms {:9.2} GFLOP/s {:9.2} GB/s", case.name, t * 1e3, flops as f64 / t / 1e9, bytes as f64 / t / 1e9);
    }
    Ok(())
}
