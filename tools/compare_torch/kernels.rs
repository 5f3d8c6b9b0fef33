//! Single kernels beside numpy's BLAS and PyTorch's convolutions.

use super::median;
use anyhow::{Context, Result, bail};
use emotone::check::{self, Case};
use emotone::compile::TrialPass;
use emotone::gpu::{AdapterRequest, Device};
use emotone::reference::matmul::Extents;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Edges of square matrix products.
const PRODUCTS: [usize; 2] = [512, 1024];
/// Images, channels in and out, side of 3 x 3 convolutions.
const CONVOLUTIONS: [[usize; 3]; 2] = [[8, 64, 64], [8, 256, 16]];
/// Times a kernel of ours runs in a round; the median counts.
const RUNS: usize = 9;

/// The cases under the names that the script gives them.
fn cases() -> Vec<(String, Case, TrialPass)> {
    let product = |n: usize| {
        let e = Extents { batch: 1, m: n, n, k: n, transposed: [false, false] };
        (format!("matmul {n}"), check::matmul::case("", None, e), TrialPass::Forward)
    };
    let convolution = |[b, c, side]: [usize; 3]| {
        let g = check::conv2d::geometry((b, 1, c, c, [side; 2], [3, 1, 1, 1]));
        let passes = [("fwd", TrialPass::Forward), ("dx", TrialPass::Gradient(vec![0])), ("dw", TrialPass::Gradient(vec![1]))];
        passes.map(|(name, pass)| (format!("conv {c} {name}"), check::conv2d::case("", None, g, false), pass))
    };
    PRODUCTS.into_iter().map(product).chain(CONVOLUTIONS.into_iter().flat_map(convolution)).collect()
}

/// Milliseconds by the script.
fn theirs(python: &Path, threads: usize) -> Result<BTreeMap<String, f64>> {
    let mut child = Command::new(python)
        .args(["-c", include_str!("kernels.py")])
        .env("OMP_NUM_THREADS", threads.to_string())
        .env("OPENBLAS_NUM_THREADS", threads.to_string())
        // Results go into memory that is already there, as ours do, not into fresh pages.
        .envs([("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "1000000000")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", python.display()))?;
    let asked = PRODUCTS.iter().map(|n| format!("matmul {n}\n"));
    let asked: String = asked.chain(CONVOLUTIONS.iter().map(|[b, c, side]| format!("conv {b} {c} {side}\n"))).collect();
    child.stdin.take().context("no pipe to Python")?.write_all(asked.as_bytes())?;
    let out = child.wait_with_output()?;
    if !out.status.success() {
        bail!("{} with numpy and torch is needed: it ended with {}", python.display(), out.status);
    }
    let text = String::from_utf8(out.stdout)?;
    let parse = |line: &str| {
        let (name, ms) = line.rsplit_once(' ')?;
        Some((name.to_string(), ms.parse().ok()?))
    };
    text.lines().map(|l| parse(l).with_context(|| format!("`{l}` is not `NAME milliseconds`"))).collect()
}

/// Both in turn, and the ratios of their speeds.
///
/// # Errors
/// Python without numpy or torch; device faults.
pub fn run(python: &Path, threads: usize, rounds: usize) -> Result<()> {
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    let cases = cases();
    let ready = cases.iter().map(|(_, case, pass)| case.ready(&device, pass)).collect::<Result<Vec<_>, _>>()?;
    let mut ratios: BTreeMap<&str, [Vec<f64>; 2]> = BTreeMap::new();
    for _ in 0..rounds.max(1) {
        let theirs = theirs(python, threads)?;
        for ((name, ..), ready) in cases.iter().zip(&ready) {
            let times = (0..RUNS).map(|_| Ok(ready.time()?.as_secs_f64() * 1e3)).collect::<Result<_>>()?;
            let [a, b] = ratios.entry(name).or_default();
            a.push(*theirs.get(name).with_context(|| format!("the script said nothing of {name}"))?);
            b.push(median(times));
        }
    }
    for ((name, ..), ready) in cases.iter().zip(&ready) {
        let [theirs, ours] = ratios[name.as_str()].clone().map(median);
        let flops = ready.cost().0 as f64 / 1e6;
        println!(
            "  {:14} theirs {theirs:8.2} ms, emotone {ours:8.2} ms ({:6.1} GFLOP/s done), ratio {:.3}",
            name,
            flops / ours,
            theirs / ours
        );
    }
    Ok(())
}
