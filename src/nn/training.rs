//! A network of one's own, trained and asked: graph, parameters, optimiser and programs behind one value.

use super::gradients::{self, GRADIENTS};
use super::optimiser::{Optimiser, SCALARS};
use super::{Context, Params, RNG, Rates, Weights, counter};
use crate::Result;
use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::{Graph, Var};
use std::sync::Arc;

/// Output of the training program: the loss.
const LOSS: &str = "loss";

/// A network being trained on inputs of fixed shapes. The front page of the crate shows it at work.
pub struct Training {
    params: Params,
    states: States,
    step: Program,
    evaluation: Program,
    optimiser: Optimiser,
    seed: u64,
    updates: u64,
}

impl Training {
    /// Compiles what `build` makes: it declares inputs, builds the network, names its outputs and returns the scalar loss. It is called
    /// twice, in training and in evaluation mode. Parameters start from `seed` and their names.
    ///
    /// # Errors
    /// Those of `build`; memory and device faults.
    pub fn new(device: &Arc<Device>, optimiser: Optimiser, seed: u64, build: impl Fn(&mut Context) -> Result<Var>) -> Result<Self> {
        let (mut g, mut params) = (Graph::new(), Params::new(|_| true));
        let mut cx = Context::new(&mut g, &mut params, true);
        let loss = build(&mut cx)?;
        let used = cx.used().clone();
        g.output(LOSS, loss);
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        params.upload(&states, &params.initial(seed), true)?;
        optimiser.allocate(&params, &mut states)?;
        gradients::store_gradients(&mut g, &params, &used, loss)?;
        optimiser.update(&mut g, &params, &Rates::default(), GRADIENTS, None)?;
        let mut evaluation = Graph::new();
        build(&mut Context::new(&mut evaluation, &mut params, false))?;
        let step = Program::new(&g, &states, Options::default())?;
        let evaluation = Program::new(&evaluation, &states, Options::default())?;
        Ok(Training { params, states, step, evaluation, optimiser, seed, updates: 0 })
    }

    /// One update from a batch, given by the names of the inputs; returns the loss before it.
    ///
    /// # Errors
    /// Unknown names, wrong lengths, device faults.
    pub fn step(&mut self, batch: &[(&str, &[f32])]) -> Result<f32> {
        self.updates += 1;
        for (name, values) in batch {
            self.step.write(name, values)?;
        }
        self.step.write(SCALARS, &self.optimiser.scalars(self.optimiser.lr, self.updates))?;
        if self.step.has_input(RNG) {
            self.step.write_u32(RNG, &counter(self.seed, self.updates as u32))?;
        }
        self.step.run()?;
        Ok(self.step.read(LOSS)?.first().copied().unwrap_or(f32::NAN))
    }

    /// What the network says in evaluation mode: the values of an output for these inputs.
    ///
    /// # Errors
    /// Unknown names, wrong lengths, device faults.
    pub fn ask(&self, inputs: &[(&str, &[f32])], output: &str) -> Result<Vec<f32>> {
        for (name, values) in inputs {
            self.evaluation.write(name, values)?;
        }
        self.evaluation.run()?;
        self.evaluation.read(output)
    }

    /// All weights by name.
    ///
    /// # Errors
    /// Device faults.
    pub fn weights(&self) -> Result<Weights> {
        self.params.download(&self.states, None)
    }
}
