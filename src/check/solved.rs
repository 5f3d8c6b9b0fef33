//! What a network that is solved, not stepped, must do: come near its optimum, by its own certificate, and to the same bits every time;
//! know clips it was solved on; say the same from a file, whose settings hold what solving found.

use crate::Error;
use crate::Result;
use crate::gpu::Device;
use crate::models::Examples;
use crate::nn::{Weights, file};
use crate::reference::noise;
use crate::train::calibration::Calibration;
use crate::train::inference::Inference;
use crate::train::metrics::argmax;
use crate::train::recipe::{Recipe, Source, io};
use crate::train::solving::solve;
use std::sync::Arc;

/// Clips of each class, around a centre of its own.
const CLIPS: usize = 20;
/// How near the optimum, relative to the objective.
const NEAR: f64 = 1e-4;

pub(super) fn require(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Graph(what())) }
}

/// Runs all checks.
///
/// # Errors
/// [`Error::Graph`] saying what does not hold, with both values; what keeps the network from being solved.
pub(super) fn verify(device: &Arc<Device>, recipe: &Recipe) -> Result<()> {
    let task = recipe.answered_task()?;
    let (outputs, width) = (recipe.outputs(task).len(), recipe.input_shape(Source::Raw)?.iter().product::<usize>());
    let (centres, around) = (noise(1, outputs * width), noise(2, CLIPS * outputs * width));
    let clip = |i: usize| -> Vec<f32> {
        (0..width).map(|d| (10.0 + 2.0 * centres[i % outputs * width + d] + 2.0 * around[i * width + d]) as f32).collect()
    };
    let clips: Vec<Vec<f32>> = (0..CLIPS * outputs).map(clip).collect();
    let classes: Vec<usize> = (0..clips.len()).map(|i| i % outputs).collect();
    let row = |i: usize| clips[i].as_slice();
    let network = recipe.config.network()?;
    let on_features = network.solver().is_some_and(|solver| solver.on_features());
    let given = if on_features { recipe.complete_weights(&Weights::new())? } else { Weights::new() };
    let features = match on_features {
        true => Inference::new(device, recipe, &given, 7, &[io::FEATURES], recipe.options())?.run(io::FEATURES, clips.len(), &row)?,
        false => clips.clone(),
    };
    let nothing = Weights::new();
    let examples = Examples::of(features.iter().map(Vec::as_slice).collect(), classes.clone(), outputs, &nothing);
    let (weights, mut found, solution) = solve(device, recipe, &given, task, &examples, &mut |_, _| Ok(()))?;
    for (objective, gap) in solution.objective.iter().zip(&solution.gap) {
        let near = *gap >= -NEAR * objective.abs() && *gap <= NEAR * objective.abs();
        require(near, || format!("an objective of {objective} that may be {gap} from its optimum"))?;
    }
    let (again, same, _) = solve(device, recipe, &given, task, &examples, &mut |_, _| Ok(()))?;
    require(weights == again && found.config == same.config, || "solved twice, it has other weights or settings".into())?;
    let stop = || Error::Interrupted;
    let stopped = solve(device, recipe, &given, task, &examples, &mut |_, _| Err(stop()));
    require(matches!(stopped, Err(Error::Interrupted)), || "it cannot be interrupted".into())?;
    let answers = answers(device, &found, &weights, task, 7, clips.len(), &row)?;
    let right = answers.iter().zip(&classes).filter(|(a, c)| argmax(a) == **c).count();
    require(10 * right >= 9 * clips.len(), || format!("{right} of {} clips that it was solved on are known again", clips.len()))?;
    let calibration = Calibration::find(recipe.config.task[task].loss, &answers, &classes);
    found.calibration.extend(calibration.map(|c| (task.to_string(), c)));
    from_file(device, &found, &weights, task, clips.len(), &row, &answers)
}

fn answers<'a>(
    device: &Arc<Device>,
    recipe: &Recipe,
    weights: &Weights,
    task: &str,
    batch: usize,
    n: usize,
    row: &dyn Fn(usize) -> &'a [f32],
) -> Result<Vec<Vec<f32>>> {
    let logits = io::logits(task);
    Inference::new(device, recipe, weights, batch, &[logits.as_str(), io::EMBEDDING], recipe.options())?.run(&logits, n, row)
}

/// The same calibration and classes, and the same answers of a batch as one by one.
fn from_file<'a>(
    device: &Arc<Device>,
    recipe: &Recipe,
    weights: &Weights,
    task: &str,
    n: usize,
    row: &dyn Fn(usize) -> &'a [f32],
    before: &[Vec<f32>],
) -> Result<()> {
    let bytes = file::to_bytes(weights, &recipe.to_metadata()?).map_err(Error::Graph)?;
    let (weights, metadata) = file::parse(&bytes).map_err(Error::Graph)?;
    let read = Recipe::from_metadata(&metadata).map_err(Error::Graph)?;
    let (whole, single) = (answers(device, &read, &weights, task, n, n, row)?, answers(device, &read, &weights, task, 1, n, row)?);
    let classes = |a: &[Vec<f32>]| a.iter().map(|a| argmax(a)).collect::<Vec<_>>();
    require(read.calibration == recipe.calibration && !read.calibration.is_empty(), || "its file has another calibration".into())?;
    require(classes(&whole) == classes(before), || "the model in its file answers otherwise".into())?;
    let pairs = whole.iter().flatten().zip(single.iter().flatten());
    let apart = pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs() / a.abs().max(1.0)));
    require(apart < 1e-4, || format!("answers of a batch and one by one are {apart} apart"))
}
