//! What the compilers of GPUs that are not here say about emotone's shaders. AMD's, of Mesa's driver RADV, shows any card of the maker and
//! compiles for it without one; what is kept in the repository and checked is of the pipelines that GPUs are given.
//!
//!     cargo run --release --manifest-path tools/gpuscope/Cargo.toml -- COMMAND
//!
//!     table [FILTER...]            registers, occupancy, the compiler's estimates, the make-up of the inner loop
//!     table --wgsl FILE [--tune NAME=VALUE]   the same of a shader under work
//!     check [--update]             against benches/results/gpuscope.tsv
//!     estimate [S M L XL]          the time of a whole training step
//!     emit DIR                     WGSL, SPIR-V and HLSL (with --features metal MSL too) of every pipeline, for other compilers
//!     dxc LIBRARY DIR PROFILE      HLSL through Microsoft's compiler (with --features dxc)

mod asm;
#[cfg(feature = "dxc")]
mod dxc;
mod emit;
mod estimate;
mod figures;
mod pipelines;
mod spirv;
mod step;
mod table;
mod vulkan;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use figures::{Family, Figures};
use pipelines::Text;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::Table;

#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error, something refused or worse than before; 2 wrong flags.")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Figures of each pipeline.
    Table {
        #[command(flatten)]
        what: What,
        /// Families, by RADV's names: tahiti polaris10 vega10 mi100 navi10 navi21 navi31 gfx1201.
        #[arg(long, value_delimiter = ',', default_values = FAMILIES)]
        families: Vec<String>,
    },
    /// Compares with the table in the repository; fails where a pipeline is refused, spills, has a smaller share of multiply-adds or a
    /// larger inverse throughput.
    Check {
        /// Write the table instead.
        #[arg(long)]
        update: bool,
        #[arg(long, value_name = "FILE", default_value = TABLE)]
        table: PathBuf,
        /// Families of a new table.
        #[arg(long, value_delimiter = ',', default_values = FAMILIES)]
        families: Vec<String>,
    },
    /// Estimates whole training steps.
    Estimate {
        /// S, M, L, XL, as in the README; S-f16 and so on with values in half precision.
        #[arg(default_values = ["S", "M", "L"])]
        sizes: Vec<String>,
        #[arg(long, value_delimiter = ',', default_values = FAMILIES)]
        families: Vec<String>,
        /// Which of wgpu's checks stay in.
        #[arg(long, value_name = "loop,index,div", default_value = CHECKS)]
        checks: String,
        /// Pipelines printed.
        #[arg(long, default_value_t = 8)]
        top: usize,
    },
    /// Writes every pipeline in the languages of other compilers.
    Emit { dir: PathBuf },
    /// Compiles a folder of HLSL.
    #[cfg(feature = "dxc")]
    Dxc { library: PathBuf, dir: PathBuf, profile: String },
    /// One family, in a process of its own.
    #[command(hide = true)]
    Compile {
        #[command(flatten)]
        what: What,
        #[arg(long)]
        family: String,
    },
}

/// What is compiled.
#[derive(clap::Args)]
struct What {
    /// Parts of the names of pipelines; none for all.
    filter: Vec<String>,
    /// Sets of software adapters as well.
    #[arg(long)]
    software: bool,
    /// A shader under work in the place of those that ship.
    #[arg(long, value_name = "FILE")]
    wgsl: Option<PathBuf>,
    /// Values of its tunables.
    #[arg(long, value_name = "NAME=VALUE", requires = "wgsl")]
    tune: Vec<String>,
    /// The pipelines of a training step of this size.
    #[arg(long, hide = true)]
    step: Vec<String>,
    /// Which of wgpu's checks stay in.
    #[arg(long, value_name = "loop,index,div", default_value = CHECKS)]
    checks: String,
    /// Keep the assembly in this folder, a folder per family.
    #[arg(long, value_name = "DIR")]
    asm: Option<PathBuf>,
}

const FAMILIES: [&str; 2] = ["polaris10", "navi21"];
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/results/gpuscope.tsv");
const CHECKS: &str = "loop,index,div";

impl What {
    fn texts(&self) -> Result<Vec<Text>> {
        let mut texts = match &self.wgsl {
            Some(file) => vec![pipelines::own(file, &self.tune)?],
            None if self.step.is_empty() => pipelines::shipped()?,
            None => self.step.iter().map(|size| Ok(step::plan(size)?.texts)).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect(),
        };
        for text in &mut texts {
            let name = |entry: &str| format!("{}::{entry} {}", text.stem, text.set);
            let wanted = |entry: &str| self.filter.is_empty() || self.filter.iter().any(|f| name(entry).contains(f.as_str()));
            text.entries = text.entries.iter().filter(|(e, _, gpu)| (*gpu || self.software) && wanted(e)).cloned().collect();
        }
        texts.retain(|t| !t.entries.is_empty());
        ensure!(!texts.is_empty(), "no pipeline is named like {}", self.filter.join(", "));
        Ok(texts)
    }
}

/// A line per pipeline.
fn print(family: &Family) {
    println!("{} ({}), {} pipelines, {} left out for features it lacks", family.name, family.driver, family.figures.len(), family.lacking);
    println!(
        "{:64} {:>5} {:>5} {:>6} {:>6} {:>6} {:>8} {:>8}  round of the inner loop: fma, other vector (of them slow), share; lds reads x words; loads, waits",
        "pipeline", "vgprs", "sgprs", "spills", "lds", "waves", "latency", "inverse"
    );
    for f in &family.figures {
        if let Some(why) = &f.refused {
            println!("{:64} REFUSED: {why}", f.name);
            continue;
        }
        let code = f.code.as_ref().map_or(String::new(), |c| {
            let r = &c.round;
            let (share, width) = (100.0 * r.share(), r.width());
            format!("  {} {} ({}) {share:.0}%; {} x {width:.1}; {} {}", r.fma, r.vector + r.slow, r.slow, r.lds_reads, r.loads, r.waits)
        });
        println!(
            "{:64} {:>5} {:>5} {:>6} {:>6} {:>6} {:>8} {:>8}{code}",
            f.name,
            f.vgprs,
            f.sgprs,
            f.spilled + f.scratch,
            f.lds,
            f.waves,
            f.latency,
            f.throughput
        );
    }
}

fn check(file: &Path, update: bool, families: &[String]) -> Result<bool> {
    let before = if update { None } else { Some(Table::load(file)?) };
    let families = before.as_ref().map_or(families, |t| t.families());
    let now = Table::of(&figures::ask(families, &[])?);
    let Some(before) = before else {
        std::fs::write(file, now.text())?;
        println!("wrote {}", file.display());
        return Ok(true);
    };
    if let Some(driver) = now.other_driver(&before) {
        println!("the driver is {driver}: refusals and spills alone are judged");
    }
    let (worse, changed) = now.worse(&before)?;
    worse.iter().for_each(|line| println!("worse: {line}"));
    changed.iter().for_each(|line| println!("{line}"));
    if worse.is_empty() && changed.is_empty() {
        println!("no pipeline is worse than in {}", file.display());
    } else {
        println!("where that is meant: tools/gpuscope/check --update");
    }
    Ok(worse.is_empty() && changed.is_empty())
}

fn estimate(sizes: &[String], families: &[String], checks: &str, top: usize) -> Result<()> {
    for size in sizes {
        let step = step::plan(size)?;
        let arguments = ["--step", size, "--checks", checks].map(str::to_string);
        estimate::print(size, &step, &figures::ask(families, &arguments)?, top)?;
    }
    Ok(())
}

fn run() -> Result<bool> {
    match Args::parse().command {
        Command::Table { families, .. } => {
            // The flags go on as they came.
            let mut flags: Vec<String> = std::env::args().skip(2).collect();
            while let Some(at) = flags.iter().position(|f| f == "--families" || f.starts_with("--families=")) {
                flags.drain(at..(at + if flags[at].contains('=') { 1 } else { 2 }).min(flags.len()));
            }
            let all = figures::ask(&families, &flags)?;
            all.iter().for_each(print);
            return Ok(all.iter().flat_map(|f| &f.figures).all(|f: &Figures| f.refused.is_none()));
        }
        Command::Check { update, table, families } => return check(&table, update, &families),
        Command::Estimate { sizes, families, checks, top } => estimate(&sizes, &families, &checks, top)?,
        Command::Emit { dir } => return emit::run(&dir),
        #[cfg(feature = "dxc")]
        Command::Dxc { library, dir, profile } => return dxc::run(&library, &dir, &profile),
        Command::Compile { what, family } => {
            let asm = what.asm.as_ref().map(|folder| folder.join(&family));
            let checks = spirv::Checks::of(&what.checks)?;
            figures::compile(&what.texts()?, checks, asm.as_deref(), &mut std::io::stdout().lock())?;
        }
    }
    Ok(true)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
