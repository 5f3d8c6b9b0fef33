//! Res-Trans, by the flags of the configuration.

use anyhow::{Context as _, Result};
use clap::Parser;
use emotone::gpu::Device;
use emotone::graph::Shape;
use emotone::nn::{Weights, file};
use emotone::train::config::Config;
use emotone::train::inference::Inference;
use emotone::train::recipe::{Recipe, io};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Parser)]
pub struct Args {
    /// Weights under the network's names.
    #[arg(long)]
    weights: PathBuf,
    /// File with a tensor `inputs` or `images`.
    #[arg(long, alias = "images")]
    inputs: PathBuf,
    /// Where the results go.
    #[arg(long)]
    out: PathBuf,
    /// Configuration the network is taken from.
    #[arg(long, default_value = "paper")]
    preset: String,
    /// Override a value: --set model.depth=2
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[arg(long, default_value_t = 4)]
    classes: usize,
    #[arg(long, default_value_t = 10)]
    speakers: usize,
}

/// Evaluation mode on the inputs of `--inputs`, to `--out`.
pub fn run(a: &Args, device: &Arc<Device>) -> Result<()> {
    let mut config = Config::preset(&a.preset)?;
    for s in &a.sets {
        config.set(s)?;
    }
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let (mut weights, _) = file::read(&a.weights)?;
    weights.retain(|name, _| !name.ends_with("num_batches_tracked"));
    let (mut inputs, _) = file::read(&a.inputs)?;
    let found = inputs.remove("inputs").or_else(|| inputs.remove("images"));
    let (shape, x) = found.with_context(|| format!("{}: no tensor `inputs`", a.inputs.display()))?;
    if let [_, channels, _, side] = *shape.0.as_slice() {
        (config.image.channels, config.image.size) = (channels, side);
    }
    config.check()?;
    let recipe = Recipe::untrained(config, &names(a.classes), &names(a.speakers))?;
    let logits: Vec<String> = recipe.heads.keys().map(|task| io::logits(task)).collect();
    let results: Vec<&str> = logits.iter().map(String::as_str).chain([io::FEATURES, io::EMBEDDING]).collect();
    let n = shape[0];
    let inference = Inference::new(device, &recipe, &weights, n, &results, recipe.options())?;
    let width = x.len() / n;
    let mut out = Weights::new();
    for name in results {
        let rows = inference.run(name, n, &|i| &x[i * width..][..width])?;
        out.insert(name.to_string(), (Shape(vec![n, rows[0].len()]), rows.concat()));
    }
    file::write(&a.out, &out, &file::Metadata::new())?;
    Ok(())
}
