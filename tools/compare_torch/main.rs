//! Speed beside PyTorch: runs a PyTorch benchmark script and `step_bench` in turn, several rounds, and prints the ratios of their medians.
//!
//!     cargo run --release --example compare_torch -- --python venv/bin/python [--configs S,M,L] [--rounds 3] [-- EXTRA...]
//!     cargo run --release --example compare_torch -- --python python3 --kernels
//!     cargo run --release --example compare_torch -- --systems all --script SYSTEMS.py
//!
//! The script is called as `SCRIPT bench --batch B --size S --width W --depth D --steps N EXTRA...` and prints lines that end in
//! `train stage=... : X ms/step, Y clips/s` and `infer ...`, as `step_bench` does. Both get two processor threads.
//! `--kernels` sets matrix products beside numpy's BLAS and convolutions beside PyTorch's instead; `--systems` the other networks beside a
//! script that is called as `SCRIPT SYSTEM bench FLAGS` and prints lines with `train system=...`, as the example `parity` does.

mod kernels;
mod systems;

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name, and the flags both programs take.
const CONFIGS: [(&str, &str); 3] = [
    ("S", "--batch 16 --size 64 --width 16 --depth 2"),
    ("M", "--batch 8 --size 128 --width 32 --depth 2"),
    ("L", "--batch 2 --size 256 --width 64 --depth 6"),
];

#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    /// The Python that has PyTorch.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// The benchmark script. Default: tools/conformance/restrans_torch.py.
    #[arg(long)]
    script: Option<PathBuf>,
    /// The other systems instead, all or some of them: a Markdown table.
    #[arg(long, value_delimiter = ',', conflicts_with = "kernels")]
    systems: Vec<String>,
    /// Single kernels instead of steps.
    #[arg(long)]
    kernels: bool,
    /// Which of S, M and L.
    #[arg(long, value_delimiter = ',', default_value = "S,M,L")]
    configs: Vec<String>,
    /// Times each program runs.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Steps timed in a run.
    #[arg(long, default_value_t = 5)]
    steps: usize,
    /// voiceprint, emotion or end_to_end.
    #[arg(long, default_value = "end_to_end")]
    stage: String,
    /// Threads of the processor for PyTorch.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// For the script only, such as `--device cuda`.
    #[arg(last = true)]
    extra: Vec<String>,
}

/// `train` and `infer` clips per second of one run, from the lines that say so.
fn clips(command: &mut Command) -> Result<BTreeMap<&'static str, f64>> {
    let out = command.output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut found = BTreeMap::new();
    for what in ["train", "infer"] {
        let line = text.lines().find(|l| l.contains(&format!(" {what} ")) && l.contains(" clips/s"));
        let Some(rate) = line.and_then(|l| l.rsplit_once(' ')?.0.rsplit(' ').next()?.parse::<f64>().ok()) else {
            bail!(
                "{:?} printed no `{what} ... clips/s` line ({}):\n{text}{}",
                command.get_program(),
                out.status,
                String::from_utf8_lossy(&out.stderr)
            );
        };
        found.insert(what, rate);
    }
    Ok(found)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Another example, which Cargo builds beside this program.
fn ours(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name).with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        bail!("{} is not built: cargo build --release --example {name}", path.display());
    }
    Ok(path)
}

fn run(a: &Args, script: &Path, ours: &Path, flags: &str) -> Result<()> {
    let steps = a.steps.to_string();
    let common: Vec<&str> = flags.split(' ').chain(["--steps", &steps, "--stage", &a.stage]).collect();
    let mut rates: BTreeMap<&str, [Vec<f64>; 2]> = BTreeMap::new();
    for _ in 0..a.rounds.max(1) {
        let mut torch = Command::new(&a.python);
        torch.arg(script).arg("bench").args(&common).args(&a.extra).env("OMP_NUM_THREADS", a.threads.to_string());
        for (side, found) in [clips(&mut torch)?, clips(Command::new(ours).args(&common))?].into_iter().enumerate() {
            found.into_iter().for_each(|(what, rate)| rates.entry(what).or_default()[side].push(rate));
        }
    }
    for (what, [torch, mine]) in rates {
        let (torch, mine) = (median(torch), median(mine));
        println!("  {what}: torch {torch:.1} clips/s, emotone {mine:.1} clips/s, ratio {:.3}", mine / torch);
    }
    Ok(())
}

fn main() -> Result<()> {
    let a = Args::parse();
    if a.kernels {
        return kernels::run(&a.python, a.threads, a.rounds);
    }
    if !a.systems.is_empty() {
        return systems::run(&a);
    }
    let ours = ours("step_bench")?;
    let script = a.script.clone().unwrap_or_else(|| "tools/conformance/restrans_torch.py".into());
    for wanted in &a.configs {
        let Some((name, flags)) = CONFIGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)) else {
            bail!("--configs {wanted}: must be S, M or L");
        };
        println!("{name} ({flags})");
        run(&a, &script, &ours, flags)?;
    }
    Ok(())
}
