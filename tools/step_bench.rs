//! Times whole training steps and inference batches of a network on random images, in the form of a line per figure.
//!
//!     cargo run --release --example step_bench -- --stage end_to_end --batch 16 --size 64 --width 16 --depth 2 --steps 10
//!
//! A training step is what `train` does: upload, forward, loss, backward, clipping norm, AdamW, and reading the loss. An inference
//! batch uploads images and reads logits. The medians are of whole steps, each finished before the clock is read.

#[path = "median.rs"]
mod median;
#[path = "step_args.rs"]
mod step_args;

use anyhow::{Context, Result};
use clap::Parser;
use emotone::gpu::{AdapterRequest, Device};
use median::median;
use std::time::Instant;
use step_args::StepArgs;

#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    #[command(flatten)]
    step: StepArgs,
    /// Steps timed.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Instead of timing, this many training steps and as many inference batches, with the memory of the process on the way.
    #[arg(long, value_name = "N")]
    soak: Option<usize>,
    /// Steps before.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
}

/// Bytes of memory the process holds (Linux).
fn resident() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status").context("--soak reads /proc/self/status")?;
    let kib = text.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kib.context("/proc/self/status has no VmRSS")? * 1024)
}

fn main() -> Result<()> {
    let a = Args::parse();
    let began = Instant::now();
    let device = Device::open(&AdapterRequest::from_env())?;
    let (mut learner, batch) = a.step.learner(&device)?;
    let x = &batch[0].x;
    let image = x.len() / a.step.batch;
    learner.update(&batch, 1e-4)?.done()?;
    device.wait()?;
    eprintln!("first step after {:.2} s", began.elapsed().as_secs_f64());
    if let Some(n) = a.soak {
        let report = |what: &str, i: usize| {
            if i.is_multiple_of((n / 5).max(1)) {
                println!("{what} {i:>6}: {:.1} MB resident", resident()? as f64 / 1e6);
            }
            anyhow::Ok(())
        };
        for i in 1..=n {
            learner.update(&batch, 1e-4)?.done()?;
            report("training step", i)?;
        }
        for i in 1..=n {
            learner.infer(a.step.batch, &|i| &x[i * image..][..image])?;
            report("inference batch", i)?;
        }
        return Ok(());
    }
    let train = median(a.warmup, a.steps, || {
        learner.update(&batch, 1e-4)?.done()?;
        Ok(device.wait()?)
    })?;
    let infer = median(a.warmup, a.steps, || {
        learner.infer(a.step.batch, &|i| &x[i * image..][..image])?;
        Ok(())
    })?;
    for (name, t) in [("train", train), ("infer", infer)] {
        println!(
            "emotone {} {name} network={} stage={} batch={} size={}: {:.2} ms/step, {:.1} clips/s",
            device.caps().adapter,
            a.step.network,
            a.step.stage,
            a.step.batch,
            a.step.size,
            t * 1e3,
            a.step.batch as f64 / t
        );
    }
    Ok(())
}
