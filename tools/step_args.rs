//! The flags that say which network is trained on what, for the tools that measure whole steps on random inputs.

use anyhow::{Result, bail};
use emotone::gpu::Device;
use emotone::reference::noise;
use emotone::train::config::{Config, Precision};
use emotone::train::learner::Learner;
use emotone::train::recipe::{Recipe, Source};
use emotone::train::step::Batch;
use std::sync::Arc;

#[derive(clap::Args, Debug)]
pub struct StepArgs {
    /// What is trained: voiceprint, emotion (frozen CNN) or end_to_end.
    #[arg(long, default_value = "end_to_end")]
    pub stage: String,
    /// The network. Other ones than Res-Trans have their `paper` settings but for those of --set, and no --width, --depth and so on.
    #[arg(long, default_value = "res_trans")]
    pub network: String,
    /// Override a value: --set model.growth=8
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    #[arg(long, default_value_t = 256)]
    pub size: usize,
    #[arg(long, default_value_t = 64)]
    pub width: usize,
    #[arg(long, default_value_t = 6)]
    pub depth: usize,
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
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// f32, or f16 for values in half the memory and cooperative matrices.
    #[arg(long, default_value = "f32")]
    precision: String,
    /// Make inner values of blocks again for the backward pass, for memory.
    #[arg(long)]
    recompute: bool,
    /// Measure which kernel variants are the fastest first.
    #[arg(long)]
    tune: bool,
}

impl StepArgs {
    fn recipe(&self) -> Result<Recipe> {
        let mut c = Config::preset("paper")?;
        if self.network != "res_trans" {
            c.set(&format!("model.name={}", self.network))?;
        }
        (c.image.size, c.image.channels) = (self.size, self.channels);
        if self.network == "res_trans" {
            self.res_trans(&mut c)?;
        }
        for setting in &self.sets {
            c.set(setting)?;
        }
        (c.train.batch, c.train.seed) = (self.batch, self.seed);
        c.train.stages = vec!["voiceprint".into(), "emotion".into(), "single".into()];
        c.train.precision = self.precision.parse().map_err(anyhow::Error::msg)?;
        c.train.recompute |= self.recompute;
        c.stage.values_mut().for_each(|stage| stage.augment = false);
        c.check()?;
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        Ok(Recipe::untrained(c, &names(self.classes), &names(self.speakers))?)
    }

    /// The settings of Res-Trans and its losses, as its PyTorch twin is timed with.
    fn res_trans(&self, c: &mut Config) -> Result<()> {
        for (key, value) in [("width", self.width), ("depth", self.depth), ("heads", self.heads), ("reduction", self.reduction)] {
            c.set(&format!("model.{key}={value}"))?;
        }
        for setting in [&format!("model.token={}", self.token), "model.ln=standard", "task.emotion.loss=cross_entropy"] {
            c.set(setting)?;
        }
        c.train.label_smoothing = 0.0;
        Ok(())
    }

    /// The stage of the configuration, and the task it is judged by.
    pub fn stage(&self) -> Result<(&str, &str)> {
        Ok(match self.stage.as_str() {
            "end_to_end" => ("single", "emotion"),
            "voiceprint" => ("voiceprint", "speaker"),
            "emotion" => ("emotion", "emotion"),
            other => bail!("--stage {other}: must be voiceprint, emotion or end_to_end"),
        })
    }

    /// The compiled stage and a batch for it.
    pub fn learner(&self, device: &Arc<Device>) -> Result<(Learner, [Batch; 1])> {
        let mut recipe = self.recipe()?;
        let (stage, task) = self.stage()?;
        let stage = recipe.config.stage(stage)?.clone();
        let mut learner = Learner::new(device, &recipe, &stage, Source::Raw, &Default::default())?;
        if self.tune {
            let requests: Vec<_> = learner.plan().problems().collect();
            let half = recipe.config.train.precision == Precision::F16;
            let tuned = emotone::tune::tune(device, &requests, half, &mut |i, n| eprint!("\rtuning {i}/{n} "))?;
            eprintln!("\r{} measured now, {} before, {} changed", tuned.measured, tuned.known, tuned.changed);
            recipe.tuned = tuned.cache;
            learner = Learner::new(device, &recipe, &stage, Source::Raw, &Default::default())?;
        }
        let input: usize = recipe.input_shape(Source::Raw)?.iter().product();
        let x: Vec<f32> = noise(self.seed, self.batch * input).iter().map(|&v| v as f32).collect();
        let one_hot = |n: usize| (0..self.batch * n).map(|i| f32::from(u8::from(i % n == (i / n * 7) % n))).collect::<Vec<f32>>();
        let outputs = if task == "speaker" { self.speakers } else { self.classes };
        let batch = Batch { x, targets: [(task.to_string(), one_hot(outputs))].into(), ..Batch::default() };
        Ok((learner, [batch]))
    }
}
