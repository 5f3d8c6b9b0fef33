//! A stage of a network that is solved, not stepped: from all training clips at once, in the place of epochs.

use super::calibration::Calibration;
use super::config::{Head, Stage, Target};
use super::dataset::Dataset;
use super::distil;
use super::events::{EpochRecord, Event};
use super::inference::Inference;
use super::metrics::{Confusion, argmax};
use super::predictions::Predictions;
use super::recipe::{Recipe, Source, io};
use super::report::StageResult;
use super::state::{self, Progress};
use super::task::Measure;
use super::trainer::{RunContext, features, rows};
use crate::compile::Plan;
use crate::gpu::Device;
use crate::models::{Examples, Solution, Solver, TRUNK};
use crate::nn::{Params, Weights, file};
use crate::train::events::Observer;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Whether the stages of a recipe are solved.
///
/// # Errors
/// [`Error::Config`] where they are, and one of them has not exactly one task of classes for the network's own head.
pub fn solved(recipe: &Recipe) -> Result<bool> {
    if recipe.config.network()?.solver().is_none() {
        return Ok(false);
    }
    recipe.config.stages()?.into_iter().try_for_each(|(name, stage)| task(recipe, name, stage).map(|_| ()))?;
    Ok(true)
}

/// The only task of a stage.
fn task<'a>(recipe: &Recipe, name: &str, stage: &'a Stage) -> Result<&'a str> {
    let tasks: Vec<&str> = stage.tasks().map(|(task, _)| task).collect();
    let classes = |task: &str| {
        let t = &recipe.config.task[task];
        t.head == Head::Main && !matches!(&t.target, Target::Columns(names) if names.len() == 1)
    };
    match tasks[..] {
        [task] if classes(task) => Ok(task),
        _ => Err(Error::Config(format!(
            "train.stages: stage {name} learns {}; model.name = {:?} is solved for the classes of one task by its own head",
            tasks.join(" and "),
            recipe.config.model.name()
        ))),
    }
}

/// Weights, the recipe with the settings that solving found, and how good they are.
type Solved = (Weights, Recipe, Solution);

/// Weights under their full names, those that were `given` among them, and the recipe with the settings that solving found.
///
/// # Errors
/// Those of [`Solver::solve`].
pub fn solve(
    device: &Arc<Device>,
    recipe: &Recipe,
    given: &Weights,
    task: &str,
    examples: &Examples,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<Solved> {
    let network = recipe.config.network()?;
    let solution = solver(recipe, network.solver())?.solve(device, examples, progress)?;
    let named = |scope: &str, leaf: &str| if scope.is_empty() { leaf.to_string() } else { format!("{scope}.{leaf}") };
    let trunk = solution.trunk.iter().map(|(leaf, v)| (named(network.scope(TRUNK), leaf), v.clone()));
    let head = solution.head.iter().map(|(leaf, v)| (named(network.scope(task), leaf), v.clone()));
    let mut weights = given.clone();
    weights.extend(trunk.chain(head));
    let mut recipe = recipe.clone();
    recipe.config.model.0.extend(solution.settings.clone());
    Ok((weights, recipe, solution))
}

fn solver<'a>(recipe: &Recipe, solver: Option<&'a dyn Solver>) -> Result<&'a dyn Solver> {
    solver.ok_or_else(|| Error::Config(format!("model.name = {:?} is not solved", recipe.config.model.name())))
}

/// Solves the stage `name`; returns the weights, and the recipe with the settings that solving found. A run that goes on after its end takes
/// both from its file; one that was interrupted begins again, and comes to the same.
///
/// # Errors
/// [`Error::Interrupted`] when asked to stop; data that the network cannot be solved on; device faults.
pub fn solve_stage(
    run: &RunContext,
    name: &str,
    given: &Weights,
    progress: &mut Progress,
    observe: &mut Observer,
) -> Result<(Weights, Recipe)> {
    let (recipe, data, path) = (run.recipe, run.data, run.folder.best(name));
    let stage = recipe.config.stage(name)?;
    let task = task(recipe, name, stage)?;
    if progress.at.epoch > 0 && path.exists() {
        let (weights, metadata) = file::read(&path)?;
        let recipe = Recipe::from_metadata(&metadata).map_err(|reason| Error::Checkpoint { path, reason })?;
        return Ok((weights, recipe));
    }
    let network = recipe.config.network()?;
    let solver = solver(recipe, network.solver())?;
    let (train, valid) = known(run, task, rows(recipe, data, stage), solver.holds_out());
    observe(Event::Stage { stage: name, epochs: 1, steps: 1, done: 0 });
    let clock = Instant::now();
    let start = head(recipe, given, task)?;
    let given = if solver.on_features() { Some(recipe.complete_weights(given)?) } else { None };
    let features = given.as_ref().map(|weights| features(run, weights, observe)).transpose()?;
    let given = given.unwrap_or_default();
    let versions = match &features {
        Some(versions) => versions.iter().map(|rows| rows.as_slice()).collect(),
        None => vec![data.inputs.as_slice()],
    };
    let examples = examples(run, task, &train, &versions, &start);
    let (weights, mut recipe, solution) = solve_best(run, &given, task, &train, &examples, observe)?;
    let held_out = !solution.held_out.is_empty();
    let (rows, answers): (Labelled, Vec<Vec<f32>>) = match held_out {
        false => (valid.clone(), validate(run, &recipe, &weights, task, &valid)?),
        true => solution.held_out.iter().map(|(n, answers)| (train[*n], answers.clone())).unzip(),
    };
    let rows: (Vec<usize>, Vec<usize>) = rows.into_iter().unzip();
    let measure = calibrate(run, &mut recipe, task, &rows, (&answers, &solution.centre))?;
    if held_out {
        Predictions::new(&recipe, task, data, &rows.0, &answers).write(&run.folder.held_out())?;
    }
    let seconds = clock.elapsed().as_secs_f64();
    observe(Event::Summary(&told(&solution, train.len())));
    let record = record(name, &solution, measure.as_ref());
    observe(Event::Epoch(&record));
    progress.history.push(record);
    file::write(&path, &weights, &recipe.to_metadata()?)?;
    (progress.at.epoch, progress.at.updates, progress.at.clips, progress.at.seconds) = (1, 1, train.len() as u64, seconds);
    let result = StageResult { epochs: 1, train_seconds: seconds, clips_per_s: train.len() as f64 / seconds.max(1e-9), skipped_steps: 0 };
    progress.results.insert(name.into(), result);
    state::save(&run.folder.state(), progress, &weights)?;
    state::write_history(&run.folder.metrics(), &progress.history)?;
    observe(Event::Saved(&run.folder.state()));
    observe(Event::StageEnd(name));
    Ok((weights, recipe))
}

/// A solution; where the weights to start from tell classes, the one that cross-validates better: from them, or without what they know.
fn solve_best(
    run: &RunContext,
    given: &Weights,
    task: &str,
    rows: &Labelled,
    examples: &Examples,
    observe: &mut Observer,
) -> Result<Solved> {
    let mut go_on = |done: usize, all: usize| {
        observe(Event::Preparing("machines", done, all));
        if run.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    };
    let solved = solve(run.device, run.recipe, given, task, examples, &mut go_on)?;
    if !examples.given.contains_key("weight") {
        return Ok(solved);
    }
    let nothing = Weights::new();
    let alone = solve(run.device, run.recipe, given, task, &Examples { given: &nothing, ..examples.clone() }, &mut go_on)?;
    let worth = |(_, _, solution): &Solved| held_out_uar(run, task, rows, solution);
    let (with, without) = (worth(&solved)?, worth(&alone)?);
    let better = if without > with { "without what the model to start from knows of classes" } else { "from the model to start from" };
    let figure = |uar: Option<f64>| uar.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
    let text = format!("solved {better}: cross-validated UAR {} with it, {} without", figure(with), figure(without));
    observe(Event::Summary(&text));
    Ok(if without > with { alone } else { solved })
}

/// UAR of the answers to examples by machines that were solved without their part of them.
fn held_out_uar(run: &RunContext, task: &str, rows: &Labelled, solution: &Solution) -> Result<Option<f64>> {
    let (rows, answers): (Vec<usize>, Vec<Vec<f32>>) = solution.held_out.iter().map(|(n, answers)| (rows[*n].0, answers.clone())).unzip();
    let measure = run.data.targets[task].measure(&rows, &answers)?;
    Ok(measure.as_ref().and_then(Measure::confusion).and_then(Confusion::uar))
}

/// The solution as the record of one epoch.
fn record(stage: &str, solution: &Solution, measure: Option<&Measure>) -> EpochRecord {
    let matrix = measure.and_then(Measure::confusion);
    EpochRecord {
        stage: stage.into(),
        epoch: 1,
        loss: solution.objective.iter().sum(),
        norm: 0.0,
        lr: 0.0,
        valid_uar: matrix.and_then(Confusion::uar),
        valid_wa: matrix.and_then(Confusion::accuracy),
        valid_macro_f1: matrix.and_then(Confusion::macro_f1),
        valid_ccc: None,
        best: true,
    }
}

/// Rows, each with its class.
type Labelled = Vec<(usize, usize)>;

/// Rows that are solved on, and those that are validated on, which are the others but where the solver holds out. A row without a label is of the
/// class that the teacher thinks likeliest.
fn known(run: &RunContext, task: &str, (train, valid): (Vec<usize>, Vec<usize>), holds_out: bool) -> (Labelled, Labelled) {
    let label = |i: usize| run.data.targets[task].class(i);
    let known = |rows: &[usize], of: &dyn Fn(usize) -> Option<usize>| rows.iter().filter_map(|&i| Some((i, of(i)?))).collect::<Labelled>();
    let taught = |i: usize| label(i).or_else(|| Some(argmax(&lesson(run, task, i)?)));
    let (mut train, mut valid) = (known(&train, &taught), known(&valid, &label));
    // Nothing is learnt from what counts nothing.
    train.retain(|(i, _)| run.data.weight(*i) > 0.0);
    if holds_out {
        valid.retain(|(i, _)| run.data.weight(*i) > 0.0);
        train.append(&mut valid);
        train.sort_unstable();
    }
    (train, valid)
}

/// What the teacher says of utterance `i`: a share for each class of the task.
fn lesson(run: &RunContext, task: &str, i: usize) -> Option<Vec<f32>> {
    run.data.targets.get(&distil::key(task)).filter(|said| said.known(i)).map(|said| said.row(i))
}

/// What is to be answered to each of `rows`, 1 for a class and −1 for another: the label for its share of the lesson, the teacher for the rest; the
/// teacher alone where there is no label. Nothing where there is no teacher.
///
/// A teacher's probabilities become answers as [`distil::answers`] says: a machine that learns them as they are learns where its teacher's softmax
/// saturates.
fn answers(run: &RunContext, task: &str, rows: &Labelled) -> Vec<Vec<f32>> {
    if !run.data.targets.contains_key(&distil::key(task)) {
        return Vec::new();
    }
    let (share, outputs) = (run.recipe.config.distil.share as f32, run.recipe.outputs(task).len());
    let said: Vec<Option<Vec<f32>>> = rows.iter().map(|&(i, _)| lesson(run, task, i)).collect();
    let labelled: Vec<bool> = rows.iter().map(|&(i, _)| run.data.targets[task].known(i)).collect();
    let classes: Vec<usize> = rows.iter().map(|(_, class)| *class).collect();
    let own = |class: usize| (0..outputs).map(move |k| if k == class { 1.0 } else { -1.0 });
    let given = distil::answers(&said, &classes, &labelled);
    let answer = |(n, said): (usize, Option<Vec<f32>>)| match said {
        Some(said) if labelled[n] => said.iter().zip(own(classes[n])).map(|(said, own)| (1.0 - share) * own + share * said).collect(),
        Some(said) => said,
        None => own(classes[n]).collect(),
    };
    given.into_iter().enumerate().map(answer).collect()
}

/// Values of the task's head among the weights to start from, by their names within it.
fn head(recipe: &Recipe, weights: &Weights, task: &str) -> Result<Weights> {
    let (params, network) = (recipe.parameters()?, recipe.config.network()?);
    let scope = network.scope(task);
    let leaf =
        |name: &str| if scope.is_empty() { Some(name.to_string()) } else { Some(name.strip_prefix(scope)?.strip_prefix('.')?.to_string()) };
    let own = weights.iter().filter(|(name, _)| params.group(name) == Some(task));
    Ok(own.filter_map(|(name, values)| Some((leaf(name)?, values.clone()))).collect())
}

/// What is solved on: rows, then their copies, kind by kind, where they have some; and the head's weights to start from. `versions` has inputs of all
/// utterances and of each kind of copy.
fn examples<'a>(run: &RunContext, task: &str, rows: &Labelled, versions: &[&'a [Vec<f32>]], start: &'a Weights) -> Examples<'a> {
    let data = run.data;
    let names: BTreeSet<&String> = data.speaker.iter().filter(|name| !name.is_empty()).collect();
    let speakers: BTreeMap<&String, usize> = names.into_iter().zip(0..).collect();
    let of = |version: usize| {
        rows.iter().filter(move |(i, _)| version == 0 || !versions[version][*i].is_empty()).map(move |row| (version, *row))
    };
    let all: Vec<(usize, (usize, usize))> = (0..versions.len()).flat_map(of).collect();
    let answers: BTreeMap<usize, Vec<f32>> = rows.iter().map(|(i, _)| *i).zip(answers(run, task, rows)).collect();
    Examples {
        inputs: all.iter().map(|(version, (i, _))| versions[*version][*i].as_slice()).collect(),
        classes: all.iter().map(|(_, (_, class))| *class).collect(),
        answers: all.iter().filter_map(|(_, (i, _))| answers.get(i).cloned()).collect(),
        outputs: run.recipe.outputs(task).len(),
        corpora: all.iter().map(|(_, (i, _))| data.corpora[*i]).collect(),
        home: home(data, rows),
        speakers: all.iter().map(|(_, (i, _))| speakers.get(&data.speaker[*i]).copied()).collect(),
        versions: all.iter().map(|(version, _)| *version).collect(),
        originals: all.iter().map(|(_, (i, _))| *i).collect(),
        weights: all.iter().map(|(_, (i, _))| f64::from(data.weight(*i))).collect(),
        recordings: all.iter().map(|(_, (i, _))| data.recordings[*i]).collect(),
        given: start,
    }
}

/// The corpus that answers are for: the one whose recordings are tested, or validated where none are. None where these are of several, or of one
/// that is not trained on.
fn home(data: &Dataset, trained: &Labelled) -> Option<usize> {
    let split = &data.split;
    let asked = [&split.test, &split.valid, &split.train].into_iter().find(|rows| !rows.is_empty())?;
    let corpora: BTreeSet<usize> = asked.iter().map(|&i| data.corpora[i]).collect();
    let only = corpora.first().copied().filter(|_| corpora.len() == 1)?;
    trained.iter().any(|(i, _)| data.corpora[*i] == only).then_some(only)
}

/// What it answers to validation clips.
fn validate(run: &RunContext, recipe: &Recipe, weights: &Weights, task: &str, valid: &[(usize, usize)]) -> Result<Vec<Vec<f32>>> {
    let logits = io::logits(task);
    if valid.is_empty() {
        return Ok(Vec::new());
    }
    let inference = Inference::new(run.device, recipe, weights, recipe.config.train.batch, &[&logits], recipe.options())?;
    inference.run(&logits, valid.len(), &|r| &run.data.inputs[valid[r].0])
}

/// How well it answers to clips that it was solved without, which calibrate it; a centre that solving knows is better than theirs.
fn calibrate(
    run: &RunContext,
    recipe: &mut Recipe,
    task: &str,
    (rows, classes): &(Vec<usize>, Vec<usize>),
    (answers, centre): (&[Vec<f32>], &[f32]),
) -> Result<Option<Measure>> {
    let found = Calibration::find(recipe.config.task[task].loss, answers, classes);
    let centred = |found: Calibration| match centre {
        [] => found,
        centre => Calibration { centre: centre.to_vec(), ..found },
    };
    recipe.calibration.extend(found.map(|c| (task.to_string(), centred(c))));
    run.data.targets[task].measure(rows, answers)
}

/// How well it was solved, in a line.
fn told(solution: &Solution, clips: usize) -> String {
    let (objective, gap): (f64, f64) = (solution.objective.iter().sum(), solution.gap.iter().map(|g| g.max(0.0)).sum());
    let found: Vec<String> = solution.settings.iter().map(|(key, value)| format!("; {key} = {value}")).collect();
    let held_out = match solution.held_out.len() {
        0 => String::new(),
        n => format!("; cross-validated by {} on {n}", solution.divided_by),
    };
    format!(
        "{} machines on {clips} clips: objective {objective:.6}, at most {gap:.1e} from the optimum{held_out}{}",
        solution.objective.len(),
        found.concat()
    )
}

/// What evaluation takes, for `train --plan`: there are no steps to plan.
///
/// # Errors
/// Shape errors of the network.
pub fn plans(device: &Arc<Device>, recipe: &Recipe) -> Result<Vec<(String, String)>> {
    let plan = |(name, stage): (&str, &Stage)| {
        let logits = io::logits(task(recipe, name, stage)?);
        let graph = recipe.inference(&mut Params::new(|_| false), recipe.config.train.batch, Source::Raw, &[&logits])?;
        let plan = Plan::new(&graph, device, recipe.options())?;
        Ok((name.to_string(), format!("solved from all training clips at once, not in steps; its evaluation:\n{plan}")))
    };
    recipe.config.stages()?.into_iter().map(plan).collect()
}
