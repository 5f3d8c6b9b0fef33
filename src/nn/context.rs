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
    /// Batch norms whose scope satisfies this use running statistics even in training (a frozen backbone).
    pub frozen_statistics: fn(&str) -> bool,
    used: BTreeMap<String, Var>,
    rng: Option<Var>,
    streams: u32,
}

/// Name of the input that holds `[seed low, seed high, step, 0]` for the counter-based generator.
pub const RNG: &str = "rng";

impl<'a> Context<'a> {
    /// A context without frozen statistics.
    pub fn new(g: &'a mut Graph, params: &'a mut Params, training: bool) -> Self {
        Context { g, params, training, frozen_statistics: |_| false, used: BTreeMap::new(), rng: None, streams: 0 }
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
            return Ok(v);
        }
        let v = self.params.param(self.g, &name, shape, init)?;
        self.used.insert(name, v);
        Ok(v)
    }

    /// Parameters this graph uses, by name: what to differentiate by.
    pub fn used(&self) -> &BTreeMap<String, Var> {
        &self.used
    }

    /// A running statistic named after the current scope.
    ///
    /// # Errors
    /// See [`Params::statistic`].
    pub fn statistic(&mut self, leaf: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        let name = self.path(leaf);
        self.params.statistic(self.g, &name, shape, init)
    }

    /// The generator's input and a stream number no other caller in this graph has.
    pub fn random(&mut self) -> (Var, u32) {
        let rng = *self.rng.get_or_insert_with(|| self.g.input(RNG, [4]));
        self.streams += 1;
        (rng, self.streams)
    }
}
