//! Reverse-mode differentiation as a graph transformation: backward nodes are ops like any other.

use super::{Graph, NodeKind, Var};
use crate::{Error, Result};
use std::collections::HashMap;

/// Adds two gradients of one value.
pub type AddFn = fn(&mut Graph, Var, Var) -> Result<Var>;

impl Graph {
    /// Gradients of `Σ_i dy_i · y_i` with respect to `wanted`, for given upstream gradients `(y_i, dy_i)`; `add` sums the
    /// gradients of a value that is used more than once.
    ///
    /// Nodes without a path from a wanted value to a `y` get no backward nodes: a frozen backbone costs nothing.
    ///
    /// # Errors
    /// When shapes of `y` and `dy` differ, or a wanted value influences no `y`.
    pub fn backward(&mut self, upstream: &[(Var, Var)], wanted: &[Var], add: AddFn) -> Result<Vec<Var>> {
        let end = self.nodes.len();
        let mut active = vec![false; end];
        for w in wanted {
            active[w.node] = true;
        }
        for n in 0..end {
            if !active[n] && !matches!(self.nodes[n].kind, NodeKind::Store(_)) {
                active[n] = self.nodes[n].inputs.iter().any(|v| active[v.node]);
            }
        }
        let mut dy: HashMap<Var, Var> = HashMap::new();
        for &(y, d) in upstream {
            if self.shape(y) != self.shape(d) {
                return Err(Error::shape("grad", self.shape(y).to_string(), self.shape(d).to_string()));
            }
            self.accumulate(&mut dy, y, d, add)?;
        }
        let (scope, block) = (std::mem::take(&mut self.scope), self.block.take());
        for n in (0..end).rev() {
            let node = &self.nodes[n];
            let NodeKind::Op(op) = node.kind.clone() else { continue };
            if !active[n] || !node.inputs.iter().any(|v| active[v.node]) {
                continue;
            }
            let inputs = node.inputs.clone();
            let outputs: Vec<Option<Var>> = (0..node.shapes.len()).map(|output| dy.get(&Var { node: n, output }).copied()).collect();
            if outputs.iter().all(Option::is_none) {
                continue;
            }
            let want: Vec<bool> = inputs.iter().map(|v| active[v.node]).collect();
            self.scope = vec![node.scope.clone(), "grad".into()];
            let grads = op.vjp(self, n, &outputs, &want)?;
            for (i, d) in grads.into_iter().enumerate() {
                let (Some(d), true) = (d, want[i]) else { continue };
                if self.shape(d) != self.shape(inputs[i]) {
                    return Err(Error::shape(
                        format!("gradient of {}", op.name()),
                        self.shape(inputs[i]).to_string(),
                        self.shape(d).to_string(),
                    ));
                }
                self.accumulate(&mut dy, inputs[i], d, add)?;
            }
        }
        (self.scope, self.block) = (scope, block);
        wanted
            .iter()
            .map(|w| {
                dy.get(w).copied().ok_or_else(|| {
                    let node = &self.nodes[w.node];
                    Error::Graph(format!("{} {} has no gradient: nothing differentiable depends on it", node.name(), node.scope))
                })
            })
            .collect()
    }

    fn accumulate(&mut self, dy: &mut HashMap<Var, Var>, of: Var, d: Var, add: AddFn) -> Result<()> {
        let sum = match dy.get(&of) {
            Some(&before) => add(self, before, d)?,
            None => d,
        };
        dy.insert(of, sum);
        Ok(())
    }
}
