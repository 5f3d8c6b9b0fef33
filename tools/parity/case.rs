//! A system on given tensors: evaluation, or a step's loss, gradients and running statistics.

use crate::flags::Flags;
use crate::systems::{STAGE, System};
use anyhow::{Context as _, Result, bail};
use emotone::compile::{Program, States};
use emotone::gpu::Device;
use emotone::graph::{Graph, Shape};
use emotone::nn::gradients::{self, GRADIENTS};
use emotone::nn::{Params, Weights, file};
use emotone::train::config::{Config, Stage};
use emotone::train::recipe::{Recipe, Source, io};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Does what the flags say.
pub fn run(system: &System, mut flags: Flags, device: &Arc<Device>) -> Result<()> {
    let what = flags.what.clone();
    if what == "bench" {
        return crate::bench::run(system, flags, device);
    }
    if what != "forward" && what != "grads" {
        bail!("{what:?} is not one of forward, grads, bench");
    }
    let (weights, inputs, out) = (flags.path("weights")?, flags.path("inputs")?, flags.path("out")?);
    let targets = if what == "grads" { file::read(&flags.path("targets")?)?.0 } else { Weights::new() };
    let (mut weights, _) = file::read(&weights)?;
    weights.retain(|name, _| !name.ends_with("num_batches_tracked"));
    let (mut inputs, _) = file::read(&inputs)?;
    let (recipe, n, x) = prepare(system, flags, &mut inputs, what == "grads")?;
    let written = match what.as_str() {
        "forward" => forward(system, &recipe, device, &weights, n, &x)?,
        _ => grads(system, &recipe, device, &weights, n, &x, &targets)?,
    };
    file::write(&out, &written, &file::Metadata::new())?;
    Ok(())
}

/// The recipe that the flags describe, and the inputs out of a file's tensors: how many, and their values. `exact` leaves out dropout.
///
/// # Errors
/// Flags that are no settings; inputs that do not fit.
pub fn prepare(system: &System, mut flags: Flags, inputs: &mut Weights, exact: bool) -> Result<(Recipe, usize, Vec<f32>)> {
    let mut tasks: BTreeMap<String, f64> = system.tasks.iter().map(|(task, weight)| (task.to_string(), *weight)).collect();
    let mut config = Config::preset("paper")?;
    config.set(&format!("model.name={}", system.network))?;
    for s in ["task.emotion.loss=focal_bce", "train.label_smoothing=0.1", "train.focal_gamma=2"].iter().chain(system.sets) {
        config.set(s)?;
    }
    (system.flags)(&mut flags, &mut config, &mut tasks)?;
    let (classes, speakers) = (flags.number("classes", 4)?, flags.number("speakers", 10)?);
    flags.settings(&mut config)?;
    let (n, x) = (system.inputs)(inputs, &mut config)?;
    if exact && config.model.0.contains_key("dropout") {
        config.set("model.dropout=0")?;
    }
    Ok((recipe(system, config, tasks, classes, speakers)?, n, x))
}

/// The system with heads of as many outputs, trained by the one stage [`STAGE`].
fn recipe(system: &System, mut config: Config, tasks: BTreeMap<String, f64>, classes: usize, speakers: usize) -> Result<Recipe> {
    let trains = std::iter::once("trunk".to_string()).chain(tasks.keys().cloned()).collect();
    let mut stage = Stage { trains, epochs: 1, lr: 1e-3, trunk_lr: 0.0, layer_decay: 1.0, augment: false, tasks };
    (system.stage)(&mut stage, &config);
    config.stage.insert(STAGE.into(), stage);
    config.train.stages = vec![STAGE.into()];
    config.check()?;
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    Ok(Recipe::untrained(config, &names(classes), &names(speakers))?)
}

/// State of the parameters with the given values: every one of them, and no others.
pub fn states(device: &Arc<Device>, params: &Params, weights: &Weights) -> Result<States> {
    if let Some(name) = weights.keys().find(|n| params.get(n).is_none()) {
        bail!("tensor {name} belongs to no parameter of the network");
    }
    let mut states = States::new(device);
    params.allocate(&mut states)?;
    params.upload(&states, weights, true)?;
    Ok(states)
}

/// The outputs of a program by their names.
pub fn read(program: &Program, shapes: &BTreeMap<String, Shape>) -> Result<Weights> {
    shapes.iter().map(|(name, shape)| Ok((name.clone(), (shape.clone(), program.read(name)?)))).collect()
}

/// Shapes of a graph's outputs by their names.
fn shapes(g: &Graph) -> BTreeMap<String, Shape> {
    g.outputs().iter().map(|(name, v)| (name.clone(), g.shape(*v).clone())).collect()
}

fn forward(system: &System, recipe: &Recipe, device: &Arc<Device>, weights: &Weights, n: usize, x: &[f32]) -> Result<Weights> {
    let outputs = (system.outputs)(&recipe.config);
    let results: Vec<&str> = outputs.iter().map(|(_, result)| result.as_str()).collect();
    let mut params = Params::new(|_| false);
    let g = recipe.inference(&mut params, n, Source::Raw, &results)?;
    let program = Program::new(&g, &states(device, &params, weights)?, recipe.options())?;
    program.write(io::X, x)?;
    program.run()?;
    let mut read = read(&program, &shapes(&g))?;
    Ok(outputs.into_iter().filter_map(|(tensor, result)| Some((tensor, read.remove(&result)?))).collect())
}

fn grads(
    system: &System,
    recipe: &Recipe,
    device: &Arc<Device>,
    weights: &Weights,
    n: usize,
    x: &[f32],
    targets: &Weights,
) -> Result<Weights> {
    let stage = recipe.config.stage(STAGE)?;
    let trained = stage.clone();
    let mut params = Params::new(move |group| trained.trains(group));
    let built = recipe.training(&mut params, stage, n, Source::Raw)?;
    let mut g = built.graph;
    gradients::store_gradients(&mut g, &params, &built.used, built.loss)?;
    g.output(io::LOSS, built.loss);
    for (tensor, result) in (system.outputs)(&recipe.config) {
        g.output(&tensor, *built.results.get(&result).with_context(|| format!("training has no result {result}"))?);
    }
    let mut states = states(device, &params, weights)?;
    states.create(GRADIENTS, gradients::extent(&params))?;
    let program = Program::new(&g, &states, recipe.options())?;
    program.write(io::X, x)?;
    for (task, _) in stage.tasks() {
        let (shape, values) = targets.get(task).with_context(|| format!("the targets have no tensor `{task}`"))?;
        let want = Shape(vec![n, recipe.outputs(task).len()]);
        if *shape != want {
            bail!("targets {task} {shape}: must be {want}");
        }
        program.write(&io::target(task), values)?;
    }
    program.run()?;
    let mut out = read(&program, &shapes(&g))?;
    out.extend(params.download(&states, Some(GRADIENTS))?.into_iter().map(|(name, v)| (format!("grad.{name}"), v)));
    let new = params.download(&states, None)?.into_iter().filter(|(name, _)| name.contains(".running_"));
    out.extend(new.map(|(name, v)| (format!("new.{name}"), v)));
    Ok(out)
}
