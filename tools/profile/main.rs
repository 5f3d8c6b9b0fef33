//! Where the time goes: kernels alone and whole training steps, beside what the adapter can do at most.
//!
//!     cargo run --release --example profile -- kernels [FILTER] [--json after.json] [--compare before.json]
//!     cargo run --release --example profile -- step --batch 8 --size 64 --width 16 --depth 2 [--by entry|variant|node|launch]
//!
//! Each launch is timed by itself: by timestamps on the device where the adapter has them, otherwise by submitting it and waiting. The
//! ceilings (multiply-adds in registers, copies of large buffers) are measured in the same run, again and again between the others.
//! `--compare` says for each row whether it changed by more than chance and more than the ceilings did; runs of two programs are best
//! taken in turns (`--append`), because a machine's speed wanders.

mod compare;
mod gauge;
mod kernels;
mod report;
mod step;

#[path = "../../benches/cases.rs"]
mod cases;
#[path = "../step_args.rs"]
mod step_args;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use emotone::gpu::{AdapterRequest, Device};
use gauge::Gauge;
use report::Report;
use std::path::PathBuf;

#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Runs timed.
    #[arg(long, default_value_t = 9, global = true)]
    runs: usize,
    /// Rows printed; the rest is summed up in one. 0 for all.
    #[arg(long, default_value_t = 40, global = true)]
    top: usize,
    /// Write the figures, every single run among them.
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
    /// Add this run to what the file of --json holds.
    #[arg(long, requires = "json", global = true)]
    append: bool,
    /// A file of an earlier run to compare with.
    #[arg(long, value_name = "FILE", global = true)]
    compare: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// The cases of `cargo bench`, each by itself.
    Kernels(kernels::KernelArgs),
    /// A training step, launch by launch.
    Step(step::StepProfile),
}

fn main() -> Result<()> {
    let a = Args::parse();
    ensure!(a.runs > 0, "--runs 0: nothing to time");
    if let Command::Kernels(k) = &a.command
        && k.list()?
    {
        return Ok(());
    }
    let before = a.compare.as_deref().map(Report::load).transpose()?;
    let earlier = a.json.as_deref().filter(|f| a.append && f.exists()).map(Report::load).transpose()?;
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    let mut gauge = Gauge::new(&device)?;
    println!("ceilings: {}; an empty launch takes {:.1} us", gauge.ceilings(), 1e3 * gauge.empty);
    let mut report = Report::new(device.caps());
    match &a.command {
        Command::Kernels(k) => k.profile(&device, a.runs, &mut gauge, &mut report)?,
        Command::Step(s) => s.profile(&device, a.runs, &mut gauge, &mut report)?,
    }
    report.ceilings = gauge.ceilings();
    report.controls = gauge.controls();
    if let Some(earlier) = earlier {
        report.merge(earlier)?;
    }
    report.print(a.top);
    if let Some(file) = &a.json {
        report.save(file)?;
    }
    if let Some(before) = before {
        compare::print(&before, &report, a.top)?;
    }
    Ok(())
}
