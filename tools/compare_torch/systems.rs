//! Training and inference of the other systems beside a PyTorch script that has them under the same names and flags.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// A system of the script, and the flags both programs take. DRCNN's published 4096 hidden units are a weight of 151 MB, beyond what
/// software Vulkan binds in training.
const SYSTEMS: [(&str, &str); 16] = [
    ("capsule", "--batch 4 --size 96 --width 32"),
    ("densenet121", "--batch 8 --size 96 --growth 12 --init 24 --pool 2"),
    ("dpn98", "--batch 4 --size 96 --init 24 --blocks 2,3,4,2 --bw 64 --inc 8,8,8,32 --r 40 --groups 10"),
    ("resnext29", "--batch 4 --size 64 --init 16 --width 16 --pool 8"),
    ("resnest50", "--batch 8 --size 96 --width 16"),
    ("resnet_incep", "--batch 8 --size 128 --width 32"),
    ("resnet_incep", "--batch 8"),
    ("lstm", "--batch 32"),
    ("lstm", "--batch 32 --variant plain --hidden 64 --dense 64"),
    ("svm", "--batch 400"),
    ("svm", "--batch 400 --kernel rbf"),
    ("drcnn", "--batch 8 --size 131 --width 24 --fc 256"),
    ("drcnn", "--batch 4 --fc 2048"),
    ("emoception", "--batch 8 --size 128 --width 32"),
    ("emoception", "--batch 8"),
    ("ecg_resnet1d", "--batch 16 --length 1024 --width 16"),
];

/// Prints a row of a Markdown table per configuration: medians of alternating runs.
///
/// # Errors
/// A program that does not run, or prints no figures.
pub fn run(a: &crate::Args) -> Result<()> {
    let script = a.script.as_deref().context("--systems needs --script: one that takes `SYSTEM bench`")?;
    let parity = crate::ours("parity")?;
    let wanted = |name: &str| a.systems.iter().any(|s| s == "all" || s == name);
    if let Some(unknown) = a.systems.iter().find(|s| *s != "all" && !SYSTEMS.iter().any(|(name, _)| name == s)) {
        bail!("--systems {unknown}: must be all or some of {}", SYSTEMS.map(|(name, _)| name).join(", "));
    }
    println!("| system | flags | PyTorch, training clips/s | emotone | ratio | PyTorch, inference clips/s | emotone | ratio |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    for (system, flags) in SYSTEMS.iter().filter(|(name, _)| wanted(name)) {
        println!("{}", row(a, script, &parity, system, flags).with_context(|| format!("{system} {flags}"))?);
    }
    Ok(())
}

fn row(a: &crate::Args, script: &Path, parity: &Path, system: &str, flags: &str) -> Result<String> {
    let (steps, threads) = (a.steps.to_string(), a.threads.to_string());
    let mut cells = String::new();
    let mut rates = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for _ in 0..a.rounds.max(1) {
        let mut torch = Command::new(&a.python);
        torch.arg(script).env("OMP_NUM_THREADS", &threads);
        for (side, program) in [&mut torch, &mut Command::new(parity)].into_iter().enumerate() {
            program.args([system, "bench", "--steps", &steps]).args(flags.split(' '));
            if side == 0 {
                program.args(["--threads", &threads]).args(&a.extra);
            }
            let found = crate::clips(program)?;
            ["train", "infer"].iter().zip(&mut rates).for_each(|(what, sides)| sides[side].push(found[what]));
        }
    }
    for [torch, mine] in rates {
        let (torch, mine) = (crate::median(torch), crate::median(mine));
        cells += &format!(" {torch:.1} | {mine:.1} | {:.2} |", mine / torch);
    }
    Ok(format!("| {system} | `{flags}` |{cells}"))
}
