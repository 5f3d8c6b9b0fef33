//! The network in evaluation mode on a device: the one place where inference is compiled and run in batches.

use super::recipe::{Recipe, Source, io};
use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::nn::{Params, Weights};
use crate::{Error, Result};
use std::sync::Arc;

/// A network with weights, ready to be asked for the results it was compiled for.
pub struct Inference {
    program: Program,
    batch: usize,
}

impl Inference {
    /// Compiles the network of `recipe` for raw inputs, `batch` at a time, with weights of its own; `results` are those of
    /// [`Recipe::inference`].
    ///
    /// # Errors
    /// [`Error::Graph`] naming a tensor that is missing or belongs to no parameter; wrong shapes; device faults.
    pub fn new(device: &Arc<Device>, recipe: &Recipe, weights: &Weights, batch: usize, results: &[&str], options: Options) -> Result<Self> {
        let mut params = Params::new(|_| false);
        let graph = recipe.inference(&mut params, batch, Source::Raw, results)?;
        if let Some(name) = weights.keys().find(|n| params.get(n).is_none()) {
            return Err(Error::Graph(format!("tensor {name} belongs to no parameter of the network")));
        }
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        params.upload(&states, weights, true)?;
        Self::sharing(&graph, &states, batch, options)
    }

    /// Compiles an inference `graph` of [`Recipe::inference`] on weights that others change.
    ///
    /// # Errors
    /// Memory and device faults.
    pub(super) fn sharing(graph: &Graph, states: &States, batch: usize, options: Options) -> Result<Self> {
        Ok(Inference { program: Program::new(graph, states, options)?, batch })
    }

    /// The values of `result` for `n` inputs that `row` gives, in batches; the last one is filled up with its own first row.
    ///
    /// # Errors
    /// Device faults.
    pub fn run<'a>(&self, result: &str, n: usize, row: &dyn Fn(usize) -> &'a [f32]) -> Result<Vec<Vec<f32>>> {
        let mut out = Vec::with_capacity(n);
        let mut x = Vec::new();
        for start in (0..n).step_by(self.batch) {
            let rows = self.batch.min(n - start);
            x.clear();
            for i in 0..self.batch {
                x.extend_from_slice(row(start + if i < rows { i } else { 0 }));
            }
            self.program.write(io::X, &x)?;
            self.program.run()?;
            let y = self.program.read(result)?;
            let width = y.len() / self.batch;
            out.extend(y.chunks(width.max(1)).take(rows).map(<[f32]>::to_vec));
        }
        Ok(out)
    }
}

impl Recipe {
    /// The parameters of the network, without values.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn parameters(&self) -> Result<Params> {
        let mut params = Params::new(|_| true);
        self.inference(&mut params, 1, Source::Raw, &[])?;
        Ok(params)
    }

    /// Weights of every parameter: those of `weights`, and the start that the seed gives all others. Tensors that belong to no parameter
    /// are left out.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn complete_weights(&self, weights: &Weights) -> Result<Weights> {
        let params = self.parameters()?;
        let mut all = params.initial(self.config.train.seed);
        let known = weights.iter().filter(|(name, _)| params.get(name).is_some());
        all.extend(known.map(|(name, values)| (name.clone(), values.clone())));
        Ok(all)
    }
}
