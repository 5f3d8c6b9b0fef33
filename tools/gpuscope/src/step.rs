//! A whole training step of Res-Trans, planned for a GPU that is not here: its launches.

use crate::pipelines::{Text, gpu, set_name, text_of};
use anyhow::{Context, Result};
use emotone::compile::{Options, Plan, Storage};
use emotone::gpu::{Grid, Launch, pipeline, reflect::EntryInfo};
use emotone::graph::Operand;
use emotone::nn::optimiser::{Optimiser, Rule};
use emotone::nn::{Params, Rates, gradients};
use emotone::train::config::Config;
use emotone::train::recipe::{Recipe, Source, StageGraph};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sizes that `step_bench` is given: batch, image, width, depth.
const SIZES: [(&str, [usize; 4]); 4] = [("S", [16, 64, 16, 2]), ("M", [8, 128, 32, 2]), ("L", [2, 256, 64, 6]), ("XL", [64, 256, 64, 6])];

/// A launch, as far as its time depends on it.
pub struct Work {
    /// The pipeline, by its name in the figures.
    pub pipeline: String,
    /// Workgroups.
    pub groups: u64,
    pub bytes: u64,
    pub flops: u64,
    /// Length of the sums of a product or convolution.
    pub depth: Option<u64>,
}

/// A step's launches and their pipelines.
pub struct Step {
    pub works: Vec<Work>,
    pub texts: Vec<Text>,
}

/// The step of size S, M, L or XL in training end to end with AdamW; of `S-f16` with values in half precision.
///
/// # Errors
/// Another name; errors of planning.
pub fn plan(size: &str) -> Result<Step> {
    let (size, half) = size.strip_suffix("-f16").map_or((size, false), |size| (size, true));
    let names = SIZES.map(|(name, _)| name).join(", ");
    let (_, [batch, image, width, depth]) =
        SIZES.into_iter().find(|(name, _)| *name == size).with_context(|| format!("size {size}: must be one of {names}"))?;
    let mut c = Config::preset("paper")?;
    (c.image.size, c.image.channels, c.train.batch) = (image, 1, batch);
    for (key, value) in [("width", width), ("depth", depth), ("heads", 8), ("reduction", 16)] {
        c.set(&format!("model.{key}={value}"))?;
    }
    for setting in ["model.token=channel", "model.ln=standard", "task.emotion.loss=cross_entropy"] {
        c.set(setting)?;
    }
    c.stage.values_mut().for_each(|stage| stage.augment = false);
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let stage = c.stage("single")?.clone();
    let train = c.train.clone();
    let recipe = Recipe::untrained(c, &names(4), &names(10))?;
    let mut params = Params::new(|_| true);
    let StageGraph { graph: mut g, loss, used, .. } = recipe.training(&mut params, &stage, batch, Source::Raw)?;
    gradients::store_gradients(&mut g, &params, &used, loss)?;
    g.output("loss", loss);
    let rule = Rule::AdamW { betas: train.betas, eps: train.eps };
    let optimiser = Optimiser { rule, lr: 0.0, weight_decay: train.weight_decay, clip_norm: train.clip_norm, ema: 0.0 };
    optimiser.update(&mut g, &params, &Rates::of(&params, |_| 1.0), gradients::GRADIENTS, None)?;
    // Larger than any of these networks; what a binding holds is not asked here.
    let mut target = gpu(None, true);
    Arc::make_mut(&mut target.caps).f16 = half;
    let storage = if half { Storage::Half } else { Storage::Single };
    let plan = Plan::on(&g, &target, Options { storage, ..Options::default() })?;
    let (mut works, mut texts) = (Vec::new(), BTreeMap::new());
    for launch in plan.nodes.iter().flat_map(|n| &n.launches) {
        let (expanded, reflection) = pipeline::of(launch)?;
        let set = [set_name(&expanded.tunables), halves(launch)].concat();
        let key = (launch.shader.stem, set.clone());
        let text = texts.entry(key).or_insert_with(|| text_of(launch.shader.stem, set, &expanded.text, &reflection, |_| true));
        let workgroup = text.entries.iter().find(|(e, ..)| e == launch.entry).map_or(1, |(_, n, _)| *n);
        works.push(Work {
            pipeline: text.name(launch.entry),
            groups: groups(launch.grid, workgroup),
            bytes: launch.bytes,
            flops: launch.flops,
            depth: depth_of(launch, &reflection.entries[launch.entry])?,
        });
    }
    Ok(Step { works, texts: texts.into_values().collect() })
}

/// Names of the operands in half precision.
fn halves(launch: &Launch<Operand>) -> String {
    launch.halves.iter().map(|name| format!(" {name}:f16")).collect()
}

fn groups(grid: Grid, workgroup: u32) -> u64 {
    match grid {
        Grid::Groups(all) => all.iter().map(|&n| u64::from(n)).product(),
        Grid::Invocations(n) => (n as u64).div_ceil(u64::from(workgroup)).max(1),
    }
}

/// How many products a sum has, by the parameters of the launch.
fn depth_of(launch: &Launch<Operand>, info: &EntryInfo) -> Result<Option<u64>> {
    let block = launch.check(info)?;
    let of = |name: &str| {
        let at = info.params.iter().find(|f| f.name == name)?.offset as usize;
        Some(u64::from(u32::from_le_bytes(block.get(at..at + 4)?.try_into().ok()?)))
    };
    let product = |names: &[&str]| names.iter().map(|name| of(name)).product::<Option<u64>>();
    let terms = match launch.entry {
        _ if of("terms").is_some() => of("terms"),
        entry if entry.contains("bwd_weight") => product(&["n", "oh", "ow"]).map(|n| n.div_ceil(of("slices").unwrap_or(1).max(1))),
        entry if entry.contains("bwd_input") => product(&["cout", "kh", "kw"]),
        entry if entry.contains("fwd") && of("kh").is_some() => product(&["cin", "kh", "kw"]),
        _ => of("k").filter(|_| of("m").is_some() && of("n").is_some()),
    };
    let slice = of("span").filter(|terms| *terms > 0).unwrap_or(u64::MAX);
    Ok(terms.map(|terms| terms.min(slice)))
}
