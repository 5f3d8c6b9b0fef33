//! Times whole training steps and inference batches of Res-Trans on random images, in the form of a line per figure.
//!
//!     cargo run --release --example step_bench -- --stage end_to_end --batch 16 --size 64 --width 16 --depth 2 --steps 10
//!
//! A training step is what `train` does: upload, forward, loss, backward, clipping norm, AdamW, and reading the loss. An inference
//! batch uploads images and reads logits. The medians are of whole steps, each finished before the clock is read.

use anyhow::{Result, bail};
use clap::Parser;
use emotone::gpu::{AdapterRequest, Device};
use emotone::reference::noise;
use emotone::train::config::{Config, LayerNormKind, Loss, StageName};
use emotone::train::learner::{Batch, Learner};
use emotone::train::recipe::{Recipe, Source, port};
use std::time::Instant;

#[derive(Parser)]
struct Args {
    /// What is trained: voiceprint, emotion (frozen CNN) or end_to_end.
    #[arg(long, default_value = "end_to_end")]
    stage: String,
    #[arg(long, default_value_t = 16)]
    batch: usize,
    #[arg(long, default_value_t = 256)]
    size: usize,
    #[arg(long, default_value_t = 64)]
    width: usize,
    #[arg(long, default_value_t = 6)]
    depth: usize,
    #[arg(long, default_value_t = 8)]
    heads: usize,
    #[arg(long, default_value_t = 4)]
    classes: usize,
    #[arg(long, default_value_t = 10)]
    speakers: usize,
    #[arg(long, default_value_t = 1)]
    channels: usize,
    #[arg(long, default_value_t = 16)]
    reduction: usize,
    #[arg(long, default_value = "channel")]
    token: String,
    /// Steps timed.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Steps before.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Args {
    fn recipe(&self) -> Result<Recipe> {
        let mut c = Config::preset("paper")?;
        (c.image.size, c.image.channels) = (self.size, self.channels);
        (c.model.width, c.model.depth, c.model.heads, c.model.reduction) = (self.width, self.depth, self.heads, self.reduction);
        c.model.token = self.token.parse().map_err(anyhow::Error::msg)?;
        c.model.ln = LayerNormKind::Standard;
        (c.train.batch, c.train.seed, c.train.loss, c.train.label_smoothing) = (self.batch, self.seed, Loss::CrossEntropy, 0.0);
        for stage in [&mut c.stage.single, &mut c.stage.voiceprint, &mut c.stage.emotion] {
            stage.augment = false;
        }
        c.check()?;
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect();
        Ok(Recipe {
            config: c,
            classes: names(self.classes),
            speakers: names(self.speakers),
            mean: vec![0.0; self.channels],
            deviation: vec![1.0; self.channels],
            data_hash: String::new(),
        })
    }

    fn stage(&self) -> Result<StageName> {
        Ok(match self.stage.as_str() {
            "end_to_end" => StageName::Single,
            "voiceprint" => StageName::Voiceprint,
            "emotion" => StageName::Emotion,
            other => bail!("--stage {other}: must be voiceprint, emotion or end_to_end"),
        })
    }

    /// Median seconds of `step`, after the warm-up.
    fn time(&self, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
        for _ in 0..self.warmup {
            step()?;
        }
        let mut times = Vec::with_capacity(self.steps);
        for _ in 0..self.steps.max(1) {
            let start = Instant::now();
            step()?;
            times.push(start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

fn main() -> Result<()> {
    let a = Args::parse();
    let recipe = a.recipe()?;
    let began = Instant::now();
    let device = Device::open(&AdapterRequest::from_env())?;
    let mut learner = Learner::new(&device, &recipe, a.stage()?, Source::Images, &Default::default())?;
    let image = a.channels * a.size * a.size;
    let x: Vec<f32> = noise(a.seed, a.batch * image).iter().map(|&v| v as f32).collect();
    let one_hot = |n: usize| (0..a.batch * n).map(|i| f32::from(u8::from(i % n == (i / n * 7) % n))).collect::<Vec<f32>>();
    let batch = [Batch { x: x.clone(), emotion: one_hot(a.classes), speaker: one_hot(a.speakers), pairs: None }];
    learner.update(&batch, 1e-4)?;
    device.wait()?;
    eprintln!("first step after {:.2} s", began.elapsed().as_secs_f64());
    let train = a.time(|| {
        learner.update(&batch, 1e-4)?;
        Ok(device.wait()?)
    })?;
    let infer = a.time(|| {
        learner.infer(port::EMOTION, a.batch, &|i| x[i * image..][..image].to_vec())?;
        Ok(())
    })?;
    for (name, t) in [("train", train), ("infer", infer)] {
        println!(
            "emotone {} {name} stage={} batch={} size={} width={}: {:.2} ms/step, {:.1} clips/s",
            device.caps().adapter,
            a.stage,
            a.batch,
            a.size,
            a.width,
            t * 1e3,
            a.batch as f64 / t
        );
    }
    Ok(())
}
