//! One stage on the device: parameters, optimiser state, and the programs that train and evaluate.

use super::anomaly::Anomaly;
use super::config::{Config, Precision, StageName as Stage};
use super::loss_scale::LossScale;
use super::recipe::{Recipe, Source, Training, port};
use super::update::{AVERAGE, MOMENT1, MOMENT2, hyper, optimise, whole};
use crate::augment::{PairInputs, Pairs, rng};
use crate::compile::{Options, Plan, Program, States};
use crate::gpu::Device;
use crate::graph::{Graph, STATE_ALIGN, StateRef, Var};
use crate::kernels::cooperative::Fragments;
use crate::nn::{GRADIENTS, Params, RNG, STATISTICS, TRAINABLE, Weights};
use crate::{Error, Result, ops};
use std::sync::Arc;

const BACKUP: &str = "backup";
const STATISTICS_BACKUP: &str = "statistics_backup";
const SUM: &str = "gradient_sum";

/// A batch, or a micro-batch, as the host prepares it.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Images or maps, row after row.
    pub x: Vec<f32>,
    /// Soft emotion labels.
    pub emotion: Vec<f32>,
    /// Soft speaker labels.
    pub speaker: Vec<f32>,
    /// Mixtures, where the stage makes them.
    pub pairs: Option<Pairs>,
}

/// What one update did.
#[derive(Debug, Clone, Copy)]
pub struct Update {
    /// Mean loss over the batch.
    pub loss: f64,
    /// Global gradient norm before clipping; 0 for a step that was skipped for half precision's sake.
    pub norm: f64,
}

/// A stage being trained.
pub struct Learner {
    device: Arc<Device>,
    states: States,
    params: Params,
    gradient: Program,
    apply: Option<Program>,
    inference: Program,
    config: Config,
    /// Values of parameters this stage's graphs do not hold (another head, a CNN whose maps are cached).
    idle: Weights,
    /// Factor of the loss, with half precision.
    pub loss_scale: Option<LossScale>,
    anomaly: Anomaly,
    /// Whether a failed update left everything as it was: not where the gradients were finite and only the loss was not.
    pub intact: bool,
    /// Whether every value of every step is looked at.
    pub detect_anomaly: bool,
    /// Updates made since the stage began.
    pub updates: u64,
}

impl Learner {
    /// Compiles a stage's programs and uploads `weights`; names they lack start from their initialisation.
    ///
    /// # Errors
    /// Shape errors; [`Error::OutOfMemory`] with the figures.
    pub fn new(device: &Arc<Device>, recipe: &Recipe, stage: Stage, source: Source, weights: &Weights) -> Result<Self> {
        let config = recipe.config.clone();
        let micro = config.train.micro_batches;
        let mut params = Params::new(move |name| stage.trains(name));
        let Training { graph: mut g, loss, used } = recipe.training(&mut params, stage, config.train.batch / micro, source)?;
        let inference = recipe.inference(&mut params, config.train.batch, source)?;
        let extent = params.extent(TRAINABLE).max(STATE_ALIGN);
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        for buffer in [MOMENT1, MOMENT2] {
            states.create(buffer, extent)?;
        }
        params.upload(&states, &params.initial(config.train.seed), true)?;
        params.upload(&states, weights, false)?;
        if config.train.ema > 0.0 {
            states.create(AVERAGE, extent)?;
            states.create(BACKUP, extent)?;
            states.copy(TRAINABLE, AVERAGE, extent)?;
        }
        let statistics = params.extent(STATISTICS);
        let mut kept = Vec::new();
        if statistics > 0 {
            states.create(STATISTICS_BACKUP, statistics)?;
            kept.push((STATISTICS, STATISTICS_BACKUP, statistics));
        }
        if config.train.ema > 0.0 {
            kept.push((AVERAGE, BACKUP, extent));
        }
        let wanted: Vec<Var> = used.iter().map(|(_, v)| *v).collect();
        let half = config.train.precision == Precision::F16;
        if half && Fragments::of(device.caps()).is_none() {
            return Err(no_half(device));
        }
        let options = Options { half, ..recipe.options() };
        let mut scaled = if micro > 1 { ops::scale(&mut g, loss, 1.0 / micro as f32)? } else { loss };
        let factor = half.then(|| g.input(port::LOSS_SCALE, [1]));
        if let Some(factor) = factor {
            let shape = g.shape(scaled).clone();
            let factor = ops::reshape(&mut g, factor, shape)?;
            scaled = ops::mul(&mut g, scaled, factor)?;
        }
        let forward = g.nodes().len();
        let grads = g.grad(scaled, &wanted)?;
        for ((name, _), d) in used.iter().zip(grads) {
            let param = params.get(name).ok_or_else(|| Error::Graph(format!("no parameter {name}")))?;
            g.store(d, StateRef { buffer: GRADIENTS.into(), offset: param.place.offset });
        }
        g.output(port::LOSS, loss);
        let anomaly = Anomaly::new(g.clone(), options.clone(), kept);
        let mut apply = None;
        if micro > 1 {
            states.create(SUM, extent)?;
            let (sum, grads) = (whole(&mut g, SUM, extent), whole(&mut g, GRADIENTS, extent));
            ops::accumulate(&mut g, sum, grads, 1.0)?;
            let mut update = Graph::new();
            let factor = half.then(|| update.input(port::LOSS_SCALE, [1]));
            optimise(&mut update, &config, SUM, extent, factor)?;
            let sum = whole(&mut update, SUM, extent);
            ops::fill(&mut update, sum, 0.0)?;
            apply = Some(Program::new(&update, &states, options.clone())?);
        } else {
            optimise(&mut g, &config, GRADIENTS, extent, factor)?;
        }
        if config.train.recompute {
            g = g.recompute(forward);
        }
        let idle =
            weights.iter().filter(|(n, _)| params.get(n).is_none() && !n.contains('/')).map(|(n, v)| (n.clone(), v.clone())).collect();
        Ok(Learner {
            device: device.clone(),
            gradient: Program::new(&g, &states, options.clone())?,
            apply,
            inference: Program::new(&inference, &states, options)?,
            states,
            params,
            config,
            idle,
            loss_scale: half.then(LossScale::default),
            anomaly,
            intact: true,
            detect_anomaly: false,
            updates: 0,
        })
    }

    /// The plan of a training step.
    pub fn plan(&self) -> &Plan {
        self.gradient.plan()
    }

    /// The program of a training step: of a micro-batch, without the update, where there are several. For profiling: its inputs are
    /// those of the last [`Learner::update`].
    pub fn program(&self) -> &Program {
        &self.gradient
    }

    /// Bytes of parameters, gradients, moments and averages.
    pub fn state_bytes(&self) -> u64 {
        self.states.sizes().map(|(_, bytes)| bytes).sum()
    }

    /// One update from a batch's micro-batches.
    ///
    /// # Errors
    /// Device faults; [`Error::NonFinite`] when the loss or the gradient norm is not finite: see [`Learner::intact`].
    pub fn update(&mut self, parts: &[Batch], lr: f64) -> Result<Update> {
        self.intact = true;
        let hyper = hyper(&self.config.train, lr, self.updates + 1);
        if self.detect_anomaly {
            self.look_for_bad(parts, &hyper)?;
        }
        self.anomaly.keep(&self.states)?;
        let mut loss = 0.0;
        for (m, part) in parts.iter().enumerate() {
            let p = &self.gradient;
            self.feed(p, part, m, &hyper)?;
            p.run()?;
            loss += f64::from(first(&p.read(port::LOSS)?)) / parts.len() as f64;
        }
        self.updates += 1;
        let last = match &self.apply {
            Some(apply) => {
                apply.write(port::HYPER, &hyper)?;
                if let Some(s) = &self.loss_scale {
                    apply.write(port::LOSS_SCALE, &[s.factor])?;
                }
                apply.run()?;
                apply
            }
            None => &self.gradient,
        };
        let norm = f64::from(first(&last.read(port::NORM)?));
        // The kernels have changed nothing where the norm is not finite.
        let usable = match &mut self.loss_scale {
            Some(s) => s.observe(norm.is_finite()),
            None => norm.is_finite(),
        };
        if !loss.is_finite() || !usable {
            self.updates -= 1;
            self.intact = !norm.is_finite();
            self.anomaly.undo(&self.states)?;
            self.look_for_bad(parts, &hyper)?;
            return Err(Error::NonFinite(format!("update {}: loss {loss}, gradient norm {norm}", self.updates + 1)));
        }
        Ok(Update { loss, norm: if norm.is_finite() { norm } else { 0.0 } })
    }

    /// Writes what a step reads.
    fn feed(&self, p: &Program, part: &Batch, m: usize, hyper: &[f32; 8]) -> Result<()> {
        p.write(port::X, &part.x)?;
        for (name, values) in [(port::EMOTION, &part.emotion), (port::SPEAKER, &part.speaker)] {
            if p.has_input(name) {
                p.write(name, values)?;
            }
        }
        if let Some(pairs) = &part.pairs {
            PairInputs::write(p, pairs)?;
        }
        if p.has_input(RNG) {
            p.write_u32(RNG, &self.counter(m))?;
        }
        if p.has_input(port::HYPER) {
            p.write(port::HYPER, hyper)?;
        }
        if let Some(s) = &self.loss_scale {
            p.write(port::LOSS_SCALE, &[s.factor])?;
        }
        Ok(())
    }

    /// Fails with the first value of a step that is not finite, where there is one.
    fn look_for_bad(&self, parts: &[Batch], hyper: &[f32; 8]) -> Result<()> {
        self.anomaly.search(&self.states, self.updates + 1, parts.len(), |p, m| self.feed(p, &parts[m], m, hyper))
    }

    /// Counter of the generator for micro-batch `m` of the next update.
    pub fn counter(&self, m: usize) -> [u32; 4] {
        let step = (self.updates as u32).wrapping_mul(self.config.train.micro_batches as u32).wrapping_add(m as u32);
        rng::counter(self.config.train.seed, step)
    }

    /// Logits or maps (`what` is one of [`port`]'s outputs) of `n` inputs that `row` provides, in batches.
    ///
    /// # Errors
    /// Device faults.
    pub fn infer(&self, what: &str, n: usize, row: &dyn Fn(usize) -> Vec<f32>) -> Result<Vec<Vec<f32>>> {
        run_batches(&self.inference, self.config.train.batch, what, n, row)
    }

    /// Runs `f` with the averaged weights in place of the trained ones, where averaging is on.
    ///
    /// # Errors
    /// Those of `f`; device faults.
    pub fn averaged<T>(&self, f: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if self.config.train.ema == 0.0 {
            return f(self);
        }
        let extent = self.params.extent(TRAINABLE);
        self.states.copy(TRAINABLE, BACKUP, extent)?;
        self.states.copy(AVERAGE, TRAINABLE, extent)?;
        let out = f(self);
        self.states.copy(BACKUP, TRAINABLE, extent)?;
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

    /// Weights, optimiser moments and moving average, by prefixed name: all that an exact resume needs.
    ///
    /// # Errors
    /// Device faults.
    pub fn snapshot(&self) -> Result<Weights> {
        let mut all = self.weights()?;
        for group in self.groups() {
            let values = self.params.download(&self.states, Some(group))?;
            all.extend(values.into_iter().map(|(n, v)| (format!("{group}/{n}"), v)));
        }
        Ok(all)
    }

    /// Puts a snapshot back.
    ///
    /// # Errors
    /// Missing names or wrong shapes.
    pub fn restore(&mut self, snapshot: &Weights, updates: u64, loss_scale: Option<LossScale>) -> Result<()> {
        self.loss_scale = loss_scale;
        self.params.upload(&self.states, snapshot, true)?;
        for group in self.groups() {
            for p in self.params.trainable() {
                let name = format!("{group}/{}", p.name);
                let (_, values) = snapshot.get(&name).ok_or_else(|| Error::Graph(format!("the snapshot has no {name}")))?;
                self.states.write(&StateRef { buffer: group.into(), offset: p.place.offset }, values)?;
            }
        }
        self.updates = updates;
        Ok(())
    }

    fn groups(&self) -> Vec<&'static str> {
        let mut groups = vec![MOMENT1, MOMENT2];
        if self.config.train.ema > 0.0 {
            groups.push(AVERAGE);
        }
        groups
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }
}

/// Runs `program` over `n` rows in batches of `batch`; the last one is filled up with its own first row.
///
/// # Errors
/// Device faults.
pub fn run_batches(program: &Program, batch: usize, what: &str, n: usize, row: &dyn Fn(usize) -> Vec<f32>) -> Result<Vec<Vec<f32>>> {
    let mut out = Vec::with_capacity(n);
    for start in (0..n).step_by(batch) {
        let rows = batch.min(n - start);
        let mut x = Vec::new();
        for i in 0..batch {
            x.extend(row(start + if i < rows { i } else { 0 }));
        }
        program.write(port::X, &x)?;
        program.run()?;
        let y = program.read(what)?;
        let width = y.len() / batch;
        out.extend(y.chunks(width.max(1)).take(rows).map(<[f32]>::to_vec));
    }
    Ok(out)
}

fn first(values: &[f32]) -> f32 {
    values.first().copied().unwrap_or(f32::NAN)
}

fn no_half(device: &Device) -> Error {
    let caps = device.caps();
    Error::Adapter {
        adapter: caps.adapter.clone(),
        reason: "train.precision = f16 needs cooperative matrices of half-precision operands and single-precision sums, which it does not offer; use f32, or another adapter with --adapter".into(),
    }
}
