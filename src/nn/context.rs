//! What a model needs while it builds itself into a graph.

use super::params::{Init, Params};
use crate::Result;
use crate::graph::{Graph, Shape, Var};
use std::collections::BTreeMap;

/// A graph being built together with the parameters it uses.
pub struct Context<'a> {
    /// The graph.
    pub g: &'a mut Graph,
    /// The model's parameters.
    pub params: &'a mut Params,
    /// Training mode: dropout drops, batch norm uses batch statistics.
    pub training: bool,
    /// Batch norm of groups that are not trained uses running statistics even in training (a frozen trunk).
    pub freeze_statistics: bool,
    /// Valid frames of each input (B), unsigned integers, where inputs are filled up to a common length; none where all frames are valid.
    pub lengths: Option<Var>,
    group: String,
    used: BTreeMap<String, Var>,
    marks: BTreeMap<String, Var>,
    rng: Option<Var>,
    streams: u32,
}

/// Name of the input that holds the [`counter`] of the counter-based generator.
pub const RNG: &str = "rng";

/// Value of the input [`RNG`]: seed low, seed high, step, 0. Each step of a run has its own.
pub fn counter(seed: u64, step: u32) -> [u32; 4] {
    [seed as u32, (seed >> 32) as u32, step, 0]
}

impl<'a> Context<'a> {
    /// A context at the root of names, in no group.
    pub fn new(g: &'a mut Graph, params: &'a mut Params, training: bool) -> Self {
        let (group, used, marks) = (String::new(), BTreeMap::new(), BTreeMap::new());
        Context { g, params, training, freeze_statistics: false, lengths: None, group, used, marks, rng: None, streams: 0 }
    }

    /// A value the host writes before each run.
    pub fn input(&mut self, name: &str, shape: impl Into<Shape>) -> Var {
        self.g.input(name, shape)
    }

    /// Declares `value` as a result readable under `name`.
    pub fn output(&mut self, name: &str, value: Var) {
        self.g.output(name, value);
    }

    /// Builds a group of parameters, which are trained together or not at all, in the scope `scope` (none where it is empty).
    ///
    /// # Errors
    /// Those of `f`.
    pub fn group<T>(&mut self, group: &str, scope: &str, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.group, group.to_string());
        let out = if scope.is_empty() { f(self) } else { self.scoped(scope, f) };
        self.group = outer;
        out
    }

    /// Whether batch norm here uses the statistics of the batch and renews the running ones.
    pub fn batch_statistics(&self) -> bool {
        self.training && (!self.freeze_statistics || self.params.trains(&self.group))
    }

    /// Builds inside a named scope; parameter names carry the path.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn scoped<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.g.enter(name);
        let out = f(self);
        self.g.leave();
        out
    }

    /// Builds inside a named scope that `--recompute` may compute a second time, where its values take much memory: a residual block, an
    /// encoder layer.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn block<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.g.enter_block(name);
        let out = f(self);
        self.g.leave();
        out
    }

    /// What [`Context::block`] is without a scope: for a part of a network whose layers have no name in common.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn part<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let opened = self.g.begin_block(name);
        let out = f(self);
        if opened {
            self.g.end_block();
        }
        out
    }

    /// The full name of `leaf` in the current scope.
    pub fn path(&self, leaf: &str) -> String {
        let scope = self.g.scope();
        if scope.is_empty() { leaf.to_string() } else { format!("{scope}.{leaf}") }
    }

    /// A parameter named after the current scope.
    ///
    /// # Errors
    /// See [`Params::param`].
    pub fn param(&mut self, leaf: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        let name = self.path(leaf);
        if let Some(&v) = self.used.get(&name) {
            self.params.claim(&self.group, &name)?;
            return Ok(v);
        }
        let v = self.params.param(self.g, &self.group, &name, shape, init)?;
        self.used.insert(name, v);
        Ok(v)
    }

    /// Rows of a parameter named after the current scope, of a graph that trains nothing.
    ///
    /// # Errors
    /// See [`Params::rows`].
    pub fn param_rows(&mut self, leaf: &str, shape: impl Into<Shape>, init: Init, rows: std::ops::Range<usize>) -> Result<Var> {
        let name = self.path(leaf);
        self.params.rows(self.g, (&self.group, &name), shape, init, rows)
    }

    /// Parameters this graph uses, by name: what to differentiate by.
    pub fn used(&self) -> &BTreeMap<String, Var> {
        &self.used
    }

    /// Notes a value inside the network that is worth reading from outside, which then is a result of that name of the network's graphs.
    /// Nothing is computed or kept for its sake unless somebody declares it as an output.
    pub fn mark(&mut self, name: &str, value: Var) {
        self.marks.insert(name.to_string(), value);
    }

    /// The values noted by [`Context::mark`], by name.
    pub fn marks(&self) -> &BTreeMap<String, Var> {
        &self.marks
    }

    /// A running statistic named after the current scope.
    ///
    /// # Errors
    /// See [`Params::statistic`].
    pub fn statistic(&mut self, leaf: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        let name = self.path(leaf);
        self.params.claim(&self.group, &name)?;
        self.params.statistic(self.g, &name, shape, init)
    }

    /// The generator's input and a stream number no other caller in this graph has.
    pub fn random(&mut self) -> (Var, u32) {
        let rng = *self.rng.get_or_insert_with(|| self.g.input(RNG, [4]));
        self.streams += 1;
        (rng, self.streams)
    }
}
