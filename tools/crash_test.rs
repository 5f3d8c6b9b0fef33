//! Kills training at random moments, resumes it, and compares the final weights with those of a run that nobody disturbed.
//!
//!     cargo run --release --example crash_test -- --kills 100
//!
//! State is saved after every step, so that many kills fall into the writing of it.

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use emotone::data::synth::{self, SynthConfig};
use emotone::random::Rng;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all runs ended with the same weights; 1 an error, or one did not; 2 wrong flags.")]
struct Args {
    /// Kills.
    #[arg(long, default_value_t = 100)]
    kills: usize,
    /// Seed of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program. Default: `train` beside this one's folder.
    #[arg(long)]
    train: Option<PathBuf>,
}

const SETTINGS: [&str; 9] = [
    "image.size=32",
    "train.batch=8",
    "train.micro_batches=2",
    "train.ema=0.9",
    "augment.mixup.ratio=0.2",
    "stage.voiceprint.epochs=2",
    "stage.emotion.epochs=1",
    "stage.finetune.epochs=3",
    "model.width=8",
];

struct Harness {
    train: PathBuf,
    corpus: PathBuf,
}

impl Harness {
    fn start(&self, out: &Path, resume: bool) -> Result<Child> {
        let mut c = Command::new(&self.train);
        c.args(["--quiet", "--preset", "tiny", "--split", "kfold:3:1", "--save-every", "0", "--data"])
            .arg(&self.corpus)
            .arg("--out")
            .arg(out);
        for s in SETTINGS {
            c.args(["--set", s]);
        }
        if resume {
            c.arg("--resume");
        }
        c.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().with_context(|| self.train.display().to_string())
    }

    /// The weights' hash of a finished run.
    fn finish(&self, child: Child, out: &Path) -> Result<String> {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("train: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        let result: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(out.join("result.json"))?)?;
        Ok(result["weights_sha256"].as_str().context("result.json has no weights_sha256")?.to_string())
    }
}

fn main() -> Result<()> {
    let a = Args::parse();
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("train"));
    let train = a.train.clone().or_else(beside).context("--train is needed")?;
    let dir = tempfile::tempdir()?;
    let h = Harness { train, corpus: dir.path().join("corpus") };
    synth::write(&synth::synthesise(&SynthConfig { speakers: 6, clips_per_emotion_per_speaker: 2, seed: 3 }), &h.corpus)?;
    // Twice, since the first run may wait for the driver to compile.
    let mut undisturbed = Vec::new();
    for name in ["first", "second"] {
        let (out, started) = (dir.path().join(name), Instant::now());
        undisturbed.push((h.finish(h.start(&out, false)?, &out)?, started.elapsed().as_secs_f64()));
    }
    let (want, seconds) = undisturbed.remove(1);
    ensure!(undisturbed[0].0 == want, "two undisturbed runs differ: {} and {want}", undisturbed[0].0);
    println!("undisturbed: {want} after {seconds:.1} s");
    let (mut kills, mut completed, mut rng) = (0, 0, Rng::new(a.seed, &[]));
    // The run that the last kill interrupts is finished too.
    loop {
        let out = dir.path().join(format!("run-{completed}"));
        let mut child = h.start(&out, out.exists())?;
        let until = Instant::now() + Duration::from_secs_f64(rng.unit() * seconds);
        while kills < a.kills && Instant::now() < until && child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if kills < a.kills && child.try_wait()?.is_none() {
            child.kill()?;
            child.wait()?;
            kills += 1;
            continue;
        }
        let got = h.finish(child, &out)?;
        completed += 1;
        ensure!(got == want, "after {kills} kills, run {completed} ended with {got}");
        println!("run {completed}, {kills} kills so far: the same weights");
        if kills == a.kills {
            break;
        }
    }
    println!("{kills} kills, {completed} runs completed, all with the weights of the undisturbed run");
    Ok(())
}
