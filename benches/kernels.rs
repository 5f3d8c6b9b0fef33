//! Kernel benchmarks: median milliseconds, GFLOP/s and GB/s of the heavy ops, each checked to be finite before it is timed.
//!
//!     cargo bench [-- FILTER]
//!
//! `cargo run --release --example profile -- kernels` times the same cases, sets them beside the adapter's ceilings and compares runs.

mod cases;

use emotone::gpu::{AdapterRequest, Device};

/// Images of a batch.
const BATCH: usize = 8;
/// Runs timed per case.
const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    for bench in cases::cases(BATCH)?.iter().filter(|b| b.name.contains(&filter)) {
        let ready = bench.ready(&device)?;
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            times.push(ready.time()?.as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let t = times[RUNS / 2];
        let (flops, bytes) = ready.cost();
        println!("{:40} {:10.3} ms {:9.2} GFLOP/s {:9.2} GB/s", bench.name, t * 1e3, flops as f64 / t / 1e9, bytes as f64 / t / 1e9);
    }
    Ok(())
}
