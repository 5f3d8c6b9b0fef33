//! One stage on the device: parameters, optimiser state, the programs that train and evaluate, and where the stage stands.

mod build;
mod passes;

use self::build::{EMA_BACKUP, Making, SUM, method, no_half, rates, state, update};
use self::passes::Passes;
use super::config::{Precision, Stage};
use super::inference::Inference;
use super::loss_scale::LossScale;
use super::recipe::{Recipe, Source, io};
use super::step::{Batch, Position, Step, Update, Worker};
use crate::compile::{Plan, Program, States};
use crate::gpu::{Device, Readback};
use crate::graph::StateRef;
use crate::models::TRUNK;
use crate::nn::gradients;
use crate::nn::optimiser::{EMA, NORM, Optimiser, SCALARS};
use crate::nn::{Params, RNG, Rates, TRAINABLE, Weights, counter};
use crate::{Error, Result};
use std::sync::Arc;

/// The only worker.
const ALONE: Worker = Worker { index: 0, count: 1 };

/// A stage being trained.
pub struct Learner {
    states: States,
    params: Params,
    passes: Passes,
    /// The update on its own and the norm, where gradients are summed before it.
    apply: Option<(Program, Readback)>,
    inference: Inference,
    /// Name of the logits of the task the stage is judged by.
    logits: String,
    optimiser: Optimiser,
    rates: Rates,
    seed: u64,
    micro_batches: u32,
    worker: Worker,
    /// Values of parameters this stage's graphs do not hold (a trunk whose features are cached).
    idle: Weights,
    /// Where the stage stands.
    pub at: Position,
    /// Whether every value of every step is looked at.
    pub detect_anomaly: bool,
}

impl Learner {
    /// Compiles a stage's programs and uploads `weights`; names they lack start from their initialisation.
    ///
    /// # Errors
    /// Shape errors; [`Error::OutOfMemory`] with the figures.
    pub fn new(device: &Arc<Device>, recipe: &Recipe, stage: &Stage, source: Source, weights: &Weights) -> Result<Self> {
        Self::for_worker(device, recipe, stage, source, weights, ALONE)
    }

    /// The learner of one worker of several. It makes gradients with [`Learner::add_gradients`]; whoever holds all workers adds up their
    /// [`Learner::gradient_sum`]s, gives each the result, and calls [`Learner::apply`] on each.
    ///
    /// # Errors
    /// As [`Learner::new`].
    pub fn for_worker(
        device: &Arc<Device>,
        recipe: &Recipe,
        stage: &Stage,
        source: Source,
        weights: &Weights,
        worker: Worker,
    ) -> Result<Self> {
        let train = &recipe.config.train;
        // A head that no loss of the stage reaches stays as it is; weight decay alone would shrink it.
        let reached = |group: &str| group == TRUNK || stage.tasks().any(|(task, _)| task == group);
        let groups: Vec<String> = stage.trains.iter().filter(|g| reached(g)).cloned().collect();
        let mut params = Params::new(move |group| groups.iter().any(|g| g == group));
        let rows = train.rows();
        // Every parameter has its place before there is memory for any.
        recipe.training(&mut params, stage, rows, source)?;
        let logits = io::logits(recipe.judged_task(stage));
        recipe.inference(&mut params, rows, source, &[logits.as_str()])?;
        let optimiser = method(train);
        let rates = rates(&params, &*recipe.config.network()?, stage);
        let parts = train.micro_batches as u32 * worker.count;
        let mut states = state(device, &params, &optimiser, train.seed, weights)?;
        if parts > 1 {
            states.create(SUM, gradients::extent(&params))?;
        }
        let options = recipe.options().in_half(train.precision == Precision::F16);
        if options.half && !device.caps().f16 {
            return Err(no_half(device));
        }
        let inference = Inference::sharing(recipe, (&params, &states), source, rows, &[logits.as_str()], options.clone())?;
        let making = Making { recipe: recipe.clone(), stage: stage.clone(), optimiser, rates: rates.clone(), parts, options };
        let apply = (parts > 1).then(|| Program::new(&update(&params, &making)?, &states, making.options.clone())).transpose()?;
        let apply = apply.map(|p| p.readback(&[NORM]).map(|norm| (p, norm))).transpose()?;
        let scaled = making.options.half;
        let passes = Passes::new(making, source, &mut params, &states)?;
        let idle =
            weights.iter().filter(|(n, _)| params.get(n).is_none() && !n.contains('/')).map(|(n, v)| (n.clone(), v.clone())).collect();
        Ok(Learner {
            passes,
            apply,
            inference,
            states,
            params,
            logits,
            optimiser,
            rates,
            seed: train.seed,
            micro_batches: train.micro_batches as u32,
            worker,
            idle,
            at: Position { loss_scale: scaled.then(LossScale::default), ..Position::default() },
            detect_anomaly: false,
        })
    }

    /// The plan of a training step.
    pub fn plan(&self) -> &Plan {
        self.passes.program().plan()
    }

    /// The program of a training step: of a micro-batch, without the update, where there are several. For profiling: its inputs are
    /// those of the last [`Learner::update`].
    pub fn program(&self) -> &Program {
        self.passes.program()
    }

    /// Bytes of parameters, gradients and averages.
    pub fn state_bytes(&self) -> u64 {
        self.states.sizes().map(|(_, bytes)| bytes).sum()
    }

    /// One update from a batch's micro-batches.
    ///
    /// # Errors
    /// Device faults.
    pub fn update(&mut self, parts: &[Batch], lr: f64) -> Result<Step> {
        if self.detect_anomaly
            && let Some(error) = self.first_bad(parts)?
        {
            return Ok(Step::Diverged { error, intact: true });
        }
        self.passes.keep(&self.states)?;
        let scalars = self.optimiser.scalars_at(&self.rates, lr, self.at.updates + 1);
        let (loss, norm) = self.forward_backward(parts, &scalars)?;
        let norm = if self.apply.is_some() { self.apply_sum(&scalars)? } else { norm };
        // The kernels have changed nothing where the norm is not finite.
        let usable = match &mut self.at.loss_scale {
            Some(s) => s.observe(norm.is_finite()),
            None => norm.is_finite(),
        };
        if !loss.is_finite() || !usable {
            self.passes.undo(&self.states)?;
            let update = self.at.updates + 1;
            let told = || Error::NonFinite(format!("update {update}: loss {loss}, gradient norm {norm}"));
            let error = self.first_bad(parts)?.unwrap_or_else(told);
            return Ok(Step::Diverged { error, intact: !norm.is_finite() });
        }
        self.at.updates += 1;
        Ok(Step::Done(Update { loss, norm: if norm.is_finite() { norm } else { 0.0 } }))
    }

    /// Adds the gradients of a worker's micro-batches to its [`Learner::gradient_sum`]; returns their mean loss.
    ///
    /// # Errors
    /// [`Error::Graph`] for a learner that is the only one and takes its batch whole; device faults.
    pub fn add_gradients(&mut self, parts: &[Batch]) -> Result<f64> {
        if self.apply.is_none() {
            return Err(alone());
        }
        Ok(self.forward_backward(parts, &[])?.0)
    }

    /// The sum of gradients since the last update, one flat vector laid out as the trained parameters; 0 in gaps.
    ///
    /// # Errors
    /// As [`Learner::add_gradients`].
    pub fn gradient_sum(&self) -> Result<Vec<f32>> {
        self.states.read(&StateRef { buffer: SUM.into(), offset: 0 }, gradients::extent(&self.params))
    }

    /// Puts another sum in its place.
    ///
    /// # Errors
    /// As [`Learner::add_gradients`]; a wrong length.
    pub fn set_gradient_sum(&self, sum: &[f32]) -> Result<()> {
        self.states.write(&StateRef { buffer: SUM.into(), offset: 0 }, sum)
    }

    /// Applies the sum of gradients and sets it to 0; returns its norm, which is not finite where nothing was changed.
    ///
    /// # Errors
    /// As [`Learner::add_gradients`].
    pub fn apply(&mut self, lr: f64) -> Result<f64> {
        let scalars = self.optimiser.scalars_at(&self.rates, lr, self.at.updates + 1);
        let norm = self.apply_sum(&scalars)?;
        self.at.updates += 1;
        Ok(norm)
    }

    /// Runs the gradient program on each part, and the update with it where that is part of it: the mean loss and the gradient's norm. The
    /// scalars of a part are read while the next one runs.
    fn forward_backward(&mut self, parts: &[Batch], scalars: &[f32]) -> Result<(f64, f64)> {
        let beside = self.beside(parts.len(), scalars);
        let (mut loss, mut norm, mut before) = (0.0, f64::NAN, None);
        let mut note = |(own, of_gradient): (f64, f64)| {
            loss += own / parts.len() as f64;
            norm = of_gradient;
        };
        for (m, part) in parts.iter().enumerate() {
            if !self.passes.takes(part) {
                if let Some(ticket) = before.take() {
                    note(self.passes.read(ticket)?);
                }
                self.passes.turn_to(part, &mut self.params, &self.states)?;
            }
            beside.write(self.passes.program(), part, m)?;
            if let Some(ticket) = before.replace(self.passes.run()?) {
                note(self.passes.read(ticket)?);
            }
        }
        if let Some(ticket) = before {
            note(self.passes.read(ticket)?);
        }
        Ok((loss, norm))
    }

    /// Runs the update where it is a program of its own; the norm of the gradient.
    fn apply_sum(&mut self, scalars: &[f32]) -> Result<f64> {
        let Some((apply, norm)) = &mut self.apply else { return Err(alone()) };
        apply.write(SCALARS, scalars)?;
        if let Some(s) = &self.at.loss_scale {
            apply.write(io::LOSS_SCALE, &[s.factor])?;
        }
        apply.run()?;
        let ticket = norm.submit()?;
        Ok(f64::from(norm.take(ticket)?[0]))
    }

    /// What a step of so many parts reads beside its batch.
    fn beside(&self, parts: usize, scalars: &[f32]) -> Beside {
        Beside {
            counters: (0..parts).map(|m| self.counter(m)).collect(),
            scalars: scalars.to_vec(),
            loss_scale: self.at.loss_scale.as_ref().map(|s| s.factor),
        }
    }

    /// The first value of a step that is not finite, where there is one.
    fn first_bad(&mut self, parts: &[Batch]) -> Result<Option<Error>> {
        let (update, beside) = (self.at.updates + 1, self.beside(parts.len(), &[]));
        self.passes.search(parts, &mut self.params, &self.states, update, |p, m| beside.write(p, &parts[m], m))
    }

    /// Counter of the generator for micro-batch `m` of the next update.
    pub fn counter(&self, m: usize) -> [u32; 4] {
        let part = (self.at.updates as u32).wrapping_mul(self.worker.count).wrapping_add(self.worker.index);
        counter(self.seed, part.wrapping_mul(self.micro_batches).wrapping_add(m as u32))
    }

    /// Logits of the task the stage is judged by, for `n` inputs that `row` gives, in batches.
    ///
    /// # Errors
    /// Device faults.
    pub fn infer<'a>(&self, n: usize, row: &dyn Fn(usize) -> &'a [f32]) -> Result<Vec<Vec<f32>>> {
        self.inference.run(&self.logits, n, row)
    }

    /// Runs `f` with the averaged weights in place of the trained ones, where averaging is on.
    ///
    /// # Errors
    /// Those of `f`; device faults.
    pub fn averaged<T>(&self, f: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if self.optimiser.ema == 0.0 {
            return f(self);
        }
        let extent = self.params.extent(TRAINABLE);
        self.states.copy(TRAINABLE, EMA_BACKUP, extent)?;
        self.states.copy(EMA, TRAINABLE, extent)?;
        let out = f(self);
        self.states.copy(EMA_BACKUP, TRAINABLE, extent)?;
        out
    }

    /// All weights by name, those this stage leaves idle included.
    ///
    /// # Errors
    /// Device faults.
    pub fn weights(&self) -> Result<Weights> {
        let mut all = self.params.download(&self.states, None)?;
        all.extend(self.idle.iter().map(|(n, v)| (n.clone(), v.clone())));
        Ok(all)
    }

    /// Weights and the optimiser's buffers, by prefixed name: with [`Learner::at`], all that an exact resume needs.
    ///
    /// # Errors
    /// Device faults.
    pub fn snapshot(&self) -> Result<Weights> {
        let mut all = self.weights()?;
        for buffer in self.optimiser.buffers() {
            let values = self.params.download(&self.states, Some(buffer))?;
            all.extend(values.into_iter().map(|(n, v)| (format!("{buffer}/{n}"), v)));
        }
        Ok(all)
    }

    /// Puts a snapshot and its position back.
    ///
    /// # Errors
    /// Missing names or wrong shapes.
    pub fn restore(&mut self, snapshot: &Weights, at: Position) -> Result<()> {
        self.params.upload(&self.states, snapshot, true)?;
        for buffer in self.optimiser.buffers() {
            for p in self.params.trainable() {
                let name = format!("{buffer}/{}", p.name);
                let (_, values) = snapshot.get(&name).ok_or_else(|| Error::Graph(format!("the snapshot has no {name}")))?;
                self.states.write(&StateRef { buffer: buffer.into(), offset: p.place.offset }, values)?;
            }
        }
        self.at = at;
        Ok(())
    }
}

/// What a step reads beside its batch: the generator's counter of each part, the optimiser's scalars, the factor of the loss.
struct Beside {
    counters: Vec<[u32; 4]>,
    scalars: Vec<f32>,
    loss_scale: Option<f32>,
}

impl Beside {
    /// Writes part `m` of a batch and what goes with it.
    fn write(&self, p: &Program, part: &Batch, m: usize) -> Result<()> {
        part.write(p)?;
        if p.has_input(RNG) {
            p.write_u32(RNG, &self.counters[m])?;
        }
        if p.has_input(SCALARS) {
            p.write(SCALARS, &self.scalars)?;
        }
        self.loss_scale.map_or(Ok(()), |factor| p.write(io::LOSS_SCALE, &[factor]))
    }
}

fn alone() -> Error {
    Error::Graph("a learner on its own makes and applies gradients at once; gradients are of one of several".into())
}
