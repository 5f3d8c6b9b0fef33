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
        let outside = (std::mem::take(&mut self.scope), self.block.take(), std::mem::replace(&mut self.backward, true));
        let dy = self.propagate(upstream, &active, add);
        (self.scope, self.block, self.backward) = outside;
        let dy = dy?;
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

    /// Gradients of the `active` values, those that depend on a wanted one, from the last back to the first.
    fn propagate(&mut self, upstream: &[(Var, Var)], active: &[bool], add: AddFn) -> Result<HashMap<Var, Var>> {
        let mut dy: HashMap<Var, Var> = HashMap::new();
        for &(y, d) in upstream {
            if self.shape(y) != self.shape(d) {
                return Err(Error::shape("grad", self.shape(y).to_string(), self.shape(d).to_string()));
            }
            self.accumulate(&mut dy, y, d, add)?;
        }
        for n in (0..active.len()).rev() {
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
        Ok(dy)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    /// The gradient of `x + y` of 4 values, where `y` is made from x by `other`.
    fn gradient(other: fn(&mut Graph, Var) -> Result<Var>) -> Result<(Var, Var)> {
        let mut g = Graph::new();
        let (x, dy) = (g.input("x", [4]), g.input("dy", [4]));
        g.enter("neck");
        let y = other(&mut g, x)?;
        g.leave();
        let sum = ops::add(&mut g, x, y)?;
        Ok((ops::grad_from(&mut g, &[(sum, dy)], &[x])?[0], dy))
    }

    #[test]
    fn an_op_without_a_derivative_is_an_error_where_one_is_needed() {
        let pre_emphasis = |g: &mut Graph, x| {
            let clip = ops::reshape(g, x, [1, 4])?;
            let lengths = ops::whole(g, 1, 4)?;
            let filtered = ops::pre_emphasis(g, clip, lengths, 0.97)?;
            ops::reshape(g, filtered, [4])
        };
        let said = gradient(pre_emphasis).unwrap_err().to_string();
        assert!(said.contains("neck pre_emphasis has no derivative"), "{said}");
        // Asked for a constant's sake it is not.
        let stopped = |g: &mut Graph, x| ops::stop_gradient(g, x);
        let (dx, dy) = gradient(stopped).unwrap();
        assert_eq!(dx, dy, "of x + constant");
    }

    #[test]
    fn nodes_of_the_backward_pass_are_marked() {
        let mut g = Graph::new();
        let x = g.input("x", [4]);
        let y = ops::gelu(&mut g, x).unwrap();
        let dy = g.input("dy", [4]);
        let forward = g.nodes().len();
        // Of two gradients of one value, the sum is a node too.
        let dx = ops::grad_from(&mut g, &[(y, dy), (y, dy)], &[x]).unwrap()[0];
        let backward = g.nodes().len();
        ops::relu(&mut g, dx).unwrap();
        assert!(backward > forward + 1);
        assert!(g.nodes().iter().enumerate().all(|(n, node)| node.backward == (forward..backward).contains(&n)));
    }
}
