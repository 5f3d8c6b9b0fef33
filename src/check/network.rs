//! What every network must do, whoever wrote it: gradients that are derivatives, a trunk that stays frozen, the same losses every time,
//! weights that survive a file, recomputation that changes no bit, and inference that says what evaluation says. Networks that are solved make
//! no updates: what they must do instead is in `solved.rs` beside this.

use super::solved::{self, require};
use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::Node;
use crate::models::TRUNK;
use crate::nn::gradients::{self, GRADIENTS};
use crate::nn::{Params, RNG, STATISTICS, TRAINABLE, Weights, counter, file};
use crate::reference::noise;
use crate::train::config::{Config, Stage};
use crate::train::inference::Inference;
use crate::train::learner::Learner;
use crate::train::recipe::{Recipe, Source, io};
use crate::train::rooms::Rooms;
use crate::train::step::{Batch, Step};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Inputs of a batch.
const BATCH: usize = 4;
/// Updates of [`golden`].
const UPDATES: usize = 10;
/// Frames of a batch of inputs that differ in length.
const ROOM: usize = 64;

/// The network `name` at its tiny size, with settings `sets`, for four classes and three speakers.
///
/// # Errors
/// Settings that are not there.
pub fn tiny(name: &str, sets: &[&str]) -> Result<Recipe> {
    let mut config = Config::preset("tiny")?;
    for s in [&format!("model.name={name}"), "train.batch=4", "train.stages=joint", "train.ema=0.5"].into_iter().chain(sets.iter().copied())
    {
        config.set(s)?;
    }
    if config.network()?.solver().is_some() {
        config.set("train.stages=single")?;
    }
    config.stage.values_mut().for_each(|stage| stage.augment = false);
    config.check()?;
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    Recipe::untrained(config, &names(4), &names(3))
}

/// Runs all checks.
///
/// # Errors
/// [`Error::Graph`] saying what does not hold, with both values; what keeps the network from running.
pub fn verify(device: &Arc<Device>, recipe: &Recipe) -> Result<()> {
    if recipe.config.network()?.solver().is_some() {
        return solved::verify(device, recipe);
    }
    for stage in ["joint", "emotion"] {
        derivative(device, recipe, stage)?;
    }
    frozen_trunk(device, recipe)?;
    recomputation(device, recipe)?;
    survives_a_file(device, recipe)
}

/// What enters the network: inputs, or where these differ in length some with a little room.
fn source(recipe: &Recipe) -> Result<Source> {
    Ok(Rooms::of(&recipe.config.inputs()?).map_or(Source::Raw, |rooms| Source::Frames(rooms.least(ROOM))))
}

/// Inputs of a batch, each of its own length where they differ.
fn inputs(recipe: &Recipe) -> Result<Vec<Vec<f32>>> {
    let shape = recipe.input_shape(source(recipe)?)?;
    let n = shape.iter().product::<usize>();
    let values: Vec<f32> = noise(50, BATCH * n).iter().map(|&v| v as f32).collect();
    let ragged = Rooms::of(&recipe.config.inputs()?).is_some();
    let own = |i: usize| if ragged { n / shape[0] * [ROOM, ROOM / 2 + 2, ROOM - 6, 10][i % 4] } else { n };
    Ok(values.chunks(n).enumerate().map(|(i, row)| row[..own(i)].to_vec()).collect())
}

/// A batch for a stage of a recipe.
fn batch(recipe: &Recipe, stage: &Stage) -> Result<Batch> {
    let rows = inputs(recipe)?;
    let (x, lengths) = match (Rooms::of(&recipe.config.inputs()?), source(recipe)?) {
        (Some(rooms), Source::Frames(room)) => rooms.fill(rows.iter().map(Vec::as_slice), room),
        _ => (rows.concat(), Vec::new()),
    };
    let target = |(task, _): (&str, f64)| {
        let k = recipe.outputs(task).len();
        (task.to_string(), (0..BATCH * k).map(|i| f32::from(u8::from(i % k == (i / k) % k))).collect())
    };
    Ok(Batch { x, lengths, targets: stage.tasks().map(target).collect(), ..Batch::default() })
}

/// The loss at given weights, and the gradient of every trained parameter by name, in memory filled with NaN beforehand.
fn loss_and_gradient(device: &Arc<Device>, recipe: &Recipe, stage: &Stage, weights: Option<&Weights>) -> Result<(f64, Weights, Weights)> {
    let trained = stage.clone();
    let mut params = Params::new(move |group| trained.trains(group));
    let built = recipe.training(&mut params, stage, BATCH, source(recipe)?)?;
    let mut g = built.graph;
    gradients::store_gradients(&mut g, &params, &built.used, built.loss)?;
    g.output(io::LOSS, built.loss);
    let mut states = States::new(device);
    params.allocate(&mut states)?;
    states.create(GRADIENTS, gradients::extent(&params))?;
    let weights = weights.cloned().unwrap_or_else(|| params.initial(7));
    params.upload(&states, &weights, true)?;
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() })?;
    batch(recipe, stage)?.write(&program)?;
    if program.has_input(RNG) {
        program.write_u32(RNG, &counter(1, 2))?;
    }
    program.run()?;
    require(program.overruns()? == 0, || "a kernel writes past the end of a value".into())?;
    let loss = f64::from(program.read(io::LOSS)?[0]);
    Ok((loss, params.download(&states, Some(GRADIENTS))?, weights))
}

/// `L(w⁺) − L(w⁻)` against `∇L · (w⁺ − w⁻)` for weights w moved along the gradient's signs, so that the difference is not lost in rounding,
/// and by little enough that the loss changes by some thousandths: where the gradient is large, so is the curvature.
///
/// # Errors
/// As [`verify`].
pub fn derivative(device: &Arc<Device>, recipe: &Recipe, stage: &str) -> Result<()> {
    let mut recipe = recipe.clone();
    recipe.config.network()?.derivable().iter().try_for_each(|s| recipe.config.set(s))?;
    let recipe = &recipe;
    let stage = recipe.config.stage(stage)?;
    let (_, gradient, weights) = loss_and_gradient(device, recipe, stage, None)?;
    let steepness: f64 = gradient.values().flat_map(|(_, d)| d).map(|d| f64::from(d.abs())).sum();
    let step = (1e-3 / steepness).min(1e-5) as f32;
    let moved = |sign: f32| -> Result<(f64, Weights)> {
        let mut w = weights.clone();
        for (name, (_, d)) in &gradient {
            let values = w.get_mut(name).map(|(_, v)| v.as_mut_slice()).unwrap_or_default();
            values.iter_mut().zip(d).for_each(|(v, d)| *v += sign * step * d.signum());
        }
        Ok((loss_and_gradient(device, recipe, stage, Some(&w))?.0, w))
    };
    let ((above, more), (below, less)) = (moved(1.0)?, moved(-1.0)?);
    let promised: f64 = gradient.iter().map(|(name, (_, d))| along(d, &more[name].1, &less[name].1)).sum();
    let numeric = above - below;
    let error = (numeric - promised).abs() / promised;
    require(error < 0.02, || format!("finite difference {numeric} along the gradient, which promises {promised}"))
}

/// `d · (more − less)`.
fn along(d: &[f32], more: &[f32], less: &[f32]) -> f64 {
    d.iter().zip(more.iter().zip(less)).map(|(d, (a, b))| f64::from(*d) * (f64::from(*a) - f64::from(*b))).sum()
}

/// Where the trunk is not trained, it gets no backward nodes, and updates change neither its weights nor its statistics; the head moves.
///
/// # Errors
/// As [`verify`].
pub fn frozen_trunk(device: &Arc<Device>, recipe: &Recipe) -> Result<()> {
    let stage = recipe.config.stage("emotion")?;
    let mut params = Params::new(|group| group == "emotion");
    let built = recipe.training(&mut params, stage, BATCH, source(recipe)?)?;
    let (mut g, forward) = (built.graph.clone(), built.graph.nodes().len());
    gradients::store_gradients(&mut g, &params, &built.used, built.loss)?;
    // Trunk and head may share a scope, the root; so what is differentiated must lie where the head and the loss have nodes.
    let trunk = built.results.get(io::FEATURES).map_or(0, |v| v.node + 1);
    let heads: BTreeSet<&str> = g.nodes()[trunk..forward].iter().map(|n| n.scope.as_str()).collect();
    let scope = |n: &Node| n.scope.strip_suffix("grad").map(|s| s.trim_end_matches('.').to_string());
    let backward = g.nodes()[forward..].iter().find(|n| scope(n).is_some_and(|s| !heads.contains(s.as_str())));
    require(backward.is_none(), || format!("backward node in {}", backward.map_or("", |n| &n.scope)))?;
    let mut learner = Learner::new(device, recipe, stage, source(recipe)?, &Weights::new())?;
    let before = learner.weights()?;
    learner.update(&[batch(recipe, stage)?], 1e-2).and_then(Step::done)?;
    let after = learner.weights()?;
    let moved: Vec<&String> = before.keys().filter(|n| before[*n] != after[*n]).collect();
    let frozen = |n: &&&String| {
        let group = params.group(n);
        group.is_none_or(|g| g == TRUNK) || params.get(n).is_none_or(|p| p.place.buffer != TRAINABLE && p.place.buffer != STATISTICS)
    };
    let wrong = moved.iter().find(frozen);
    require(wrong.is_none(), || format!("an update moved {wrong:?}, which is frozen"))?;
    require(!moved.is_empty(), || "an update moved nothing".into())
}

/// Losses of ten updates of everything, to be compared with those recorded.
///
/// # Errors
/// What keeps the network from running.
pub fn golden(device: &Arc<Device>, recipe: &Recipe) -> Result<Vec<f64>> {
    let (_, _, losses) = updates(device, recipe, UPDATES)?;
    Ok(losses)
}

/// A learner after some updates of everything, the bits of all it holds, and the losses.
fn updates(device: &Arc<Device>, recipe: &Recipe, n: usize) -> Result<(Learner, Weights, Vec<f64>)> {
    let stage = recipe.config.stage("joint")?;
    let mut learner = Learner::new(device, recipe, stage, source(recipe)?, &Weights::new())?;
    let batch = [batch(recipe, stage)?];
    let losses = (0..n).map(|_| Ok(learner.update(&batch, 3e-3)?.done()?.loss)).collect::<Result<Vec<f64>>>()?;
    let snapshot = learner.snapshot()?;
    Ok((learner, snapshot, losses))
}

/// With recomputation: the same losses, weights, statistics and averages to the bit, in less memory where the network says so.
///
/// # Errors
/// As [`verify`].
pub fn recomputation(device: &Arc<Device>, recipe: &Recipe) -> Result<()> {
    let mut again = recipe.clone();
    again.config.train.recompute = true;
    let (plain, bits, losses) = updates(device, recipe, 3)?;
    let (less, same, others) = updates(device, &again, 3)?;
    let of = |l: &Learner| l.plan().arena_bytes();
    require(losses == others && bits == same, || format!("losses {losses:?}, with recomputation {others:?}; or weights that differ"))?;
    if !recipe.config.network()?.recomputable() {
        return require(of(&less) <= of(&plain), || format!("{} bytes, {} with recomputation", of(&plain), of(&less)));
    }
    require(10 * of(&less) < 9 * of(&plain), || format!("{} bytes, {} with recomputation", of(&plain), of(&less)))
}

/// A trained network says the same from a file, with all inputs at once as with one, and as the learner's evaluation did.
///
/// # Errors
/// As [`verify`].
pub fn survives_a_file(device: &Arc<Device>, recipe: &Recipe) -> Result<()> {
    let (learner, _, _) = updates(device, recipe, 3)?;
    let task = recipe.answered_task()?;
    let inputs = inputs(recipe)?;
    let row = |i: usize| inputs[i].as_slice();
    let evaluated = learner.infer(BATCH, &row)?;
    let bytes = file::to_bytes(&learner.weights()?, &recipe.to_metadata()?).map_err(Error::Graph)?;
    let (weights, metadata) = file::parse(&bytes).map_err(Error::Graph)?;
    let read = Recipe::from_metadata(&metadata).map_err(Error::Graph)?;
    let logits = io::logits(task);
    let ask = |batch: usize| {
        Inference::new(device, &read, &weights, batch, &[logits.as_str(), io::EMBEDDING], read.options())?.run(&logits, BATCH, &row)
    };
    let (whole, single) = (ask(BATCH)?, ask(1)?);
    require(whole == evaluated, || format!("evaluation says {evaluated:?}, the model in its file {whole:?}"))?;
    let pairs = whole.iter().flatten().zip(single.iter().flatten());
    let apart = pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs()));
    require(apart < 1e-4, || format!("logits {whole:?} of a batch, {single:?} one by one"))
}
