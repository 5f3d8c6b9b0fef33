//! Runs conformance cases on the GPU through the public graph API and compares outputs and gradients.
//!
//!     cargo run --release --example conformance -- [--filter OP] DIR...
//!
//! One line per failing tensor, then `N passed, N failed`; exit code 0 only if none failed. The error of a tensor is
//! `max|got − want| / max(1e-3, max|want|)`; NaN fails. All device memory is poisoned with NaN before each run.
//! `gen_cases.py` beside this file makes cases; `CASES.md` says what their ops mean.

mod case;
mod file;
mod layers;
mod ops;
mod optimise;
mod sequence;
mod signal;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use emotone::gpu::{AdapterRequest, Device};
use file::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Runs conformance cases on the GPU",
    after_help = "Exit codes: 0 all cases pass; 1 an error, or one does not; 2 wrong flags."
)]
struct Args {
    /// Only cases whose op is this.
    #[arg(long)]
    filter: Option<String>,
    /// Folders of `<op>__<nn>.safetensors` files.
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    let (mut passed, mut failed) = (0, 0);
    for dir in &args.dirs {
        let mut found = false;
        for path in files(dir)? {
            let file = File::read(&path)?;
            if args.filter.as_ref().is_some_and(|f| *f != file.meta.op) {
                continue;
            }
            found = true;
            let name = file.name.clone();
            match case::run(file, &device) {
                Ok(failures) if failures.is_empty() => passed += 1,
                Ok(failures) => {
                    failed += 1;
                    for f in failures {
                        println!("FAIL {} {f}", name);
                    }
                }
                Err(e) => {
                    failed += 1;
                    println!("FAIL {} {e:#}", name);
                }
            }
        }
        if !found {
            bail!("{}: no cases{}", dir.display(), args.filter.as_ref().map(|f| format!(" of {f}")).unwrap_or_default());
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).with_context(|| dir.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    paths.retain(|p| p.extension().is_some_and(|e| e == "safetensors"));
    paths.sort();
    Ok(paths)
}
