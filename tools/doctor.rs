//! Checks every kernel variant on this machine's adapter and says which to trust.
//!
//!     cargo run --release --example doctor -- [--adapter NAME] [--json report.json]
//!
//! Variants that fail are switched off for this adapter and driver in later runs; where one has no stand-in the exit code is 1.

use anyhow::{Context, Result};
use clap::Parser;
use emotone::doctor::{examine, unchecked};
use emotone::gpu::{AdapterRequest, Device};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    after_help = "Exit codes: 0 the adapter is usable; 1 an error, or it is not; 2 wrong flags.\n\nKill switches: EMOTONE_DISABLE=subgroups,f16,int64,coop,timestamps,winograd,fusion,overlap,unchecked,software leaves features out; EMOTONE_LIMITS=default keeps to WebGPU's limits."
)]
struct Args {
    /// Adapter by part of its name or by index.
    #[arg(long)]
    adapter: Option<String>,
    /// Write the findings here, to attach to a bug report.
    #[arg(long)]
    json: Option<PathBuf>,
    /// On a software adapter too, look whether shaders need the bounds that wgpu puts on their loops and indices; it takes minutes there.
    #[arg(long)]
    unchecked: bool,
    /// Only look: change nothing for later runs.
    #[arg(long)]
    dry_run: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let mut request = AdapterRequest { all_variants: true, unchecked: Some(false), ..AdapterRequest::from_env() };
    request.name = args.adapter.or(request.name);
    let device = Device::open(&request)?;
    println!("{}", device.caps().headline());
    let mut last = String::new();
    let mut progress = |variant: &str| {
        if variant != last {
            eprintln!("checking {variant}");
            last = variant.to_string();
        }
    };
    let mut report = examine(&device, &|_, _| (), &mut progress)?;
    report.unchecked = unchecked(&device, args.unchecked, &mut progress)?;
    println!("{report}");
    if let Some(path) = args.json {
        std::fs::write(&path, serde_json::to_string_pretty(&report)?).with_context(|| path.display().to_string())?;
    }
    if !args.dry_run && !report.keep(&device) {
        eprintln!("warning: there is no cache folder to keep this in; set EMOTONE_DISABLE={}", report.switches().join(","));
    }
    Ok(if report.usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
