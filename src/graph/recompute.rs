//! Activation recomputation: forward values inside a block are dropped and made again when the backward pass comes to the block
//! (Chen et al. 2016, "Training deep nets with sublinear memory cost").

use super::{Graph, NodeId, NodeKind, Var};
use std::collections::{BTreeSet, HashMap, HashSet};

impl Graph {
    /// The same computation with less memory: what nodes from `forward` on read from the inside of a block is computed again,
    /// just before the first of them that needs the block. Nodes before `forward` are the forward pass.
    ///
    /// A block is what was made between [`Graph::enter_block`] and its [`Graph::leave`]; where there are [none](Graph::blocks), nothing is
    /// gained. Values that leave their block are kept, and so are those made from state that changes. The same ops run on the same inputs, random ones with the same counter,
    /// so the results keep their bits.
    pub fn recompute(&self, forward: NodeId) -> Graph {
        let mut r =
            Rebuild { from: self, forward, kept: kept(self, forward), out: Graph::default(), moved: HashMap::new(), again: HashMap::new() };
        for n in 0..self.nodes.len() {
            if n >= forward {
                let wanted = |v: &&Var| r.dropped(**v) && !r.again.contains_key(v);
                let blocks: BTreeSet<&str> = self.inputs(n).iter().filter(wanted).filter_map(|v| block(self, v.node)).collect();
                blocks.into_iter().for_each(|b| r.repeat(b, n));
            }
            let made = r.copy(n, n >= forward, "");
            r.moved.extend(made);
        }
        r.out.outputs = self.outputs.iter().map(|(name, v)| (name.clone(), r.moved[v])).collect();
        r.out
    }

    /// How many blocks were marked.
    pub fn blocks(&self) -> usize {
        self.nodes.iter().filter_map(|n| n.block.as_deref()).collect::<HashSet<_>>().len()
    }
}

struct Rebuild<'a> {
    from: &'a Graph,
    forward: NodeId,
    /// Forward nodes that are not made again.
    kept: HashSet<NodeId>,
    out: Graph,
    /// Values of the new graph by those of the old.
    moved: HashMap<Var, Var>,
    /// The second making of a dropped value.
    again: HashMap<Var, Var>,
}

impl Rebuild<'_> {
    /// Whether the backward pass makes `v` again.
    fn dropped(&self, v: Var) -> bool {
        v.node < self.forward && !self.kept.contains(&v.node) && block(self.from, v.node).is_some()
    }

    /// Makes again what nodes from `n` on need of a block.
    fn repeat(&mut self, name: &str, n: NodeId) {
        let inside = |v: &&Var| self.dropped(**v) && block(self.from, v.node) == Some(name);
        let mut open: Vec<NodeId> =
            self.from.nodes[n..].iter().flat_map(|later| later.inputs.iter().filter(inside)).map(|v| v.node).collect();
        let mut needed: BTreeSet<NodeId> = open.iter().copied().collect();
        while let Some(m) = open.pop() {
            open.extend(self.from.inputs(m).iter().filter(inside).map(|v| v.node).filter(|m| needed.insert(*m)));
        }
        for m in needed {
            let made = self.copy(m, true, ".again");
            self.again.extend(made);
        }
    }

    /// Adds a copy of node `n`, reading what was made again where `late`; its outputs, old and new.
    fn copy(&mut self, n: NodeId, late: bool, suffix: &str) -> Vec<(Var, Var)> {
        let mut node = self.from.nodes[n].clone();
        for v in &mut node.inputs {
            *v = self.again.get(v).filter(|_| late).copied().unwrap_or(self.moved[v]);
        }
        node.scope += suffix;
        let outputs = node.shapes.len();
        self.out.nodes.push(node);
        let to = self.out.nodes.len() - 1;
        (0..outputs).map(|output| (Var { node: n, output }, Var { node: to, output })).collect()
    }
}

/// Forward nodes that are not made again: leaves, what overwrites or reads changing state, what leaves its block, and results.
fn kept(g: &Graph, forward: NodeId) -> HashSet<NodeId> {
    let stored = |n: &super::Node| match &n.kind {
        NodeKind::Store(place) => Some(place.buffer.clone()),
        _ => None,
    };
    let changing: HashSet<String> = g.nodes.iter().filter_map(stored).collect();
    let changes = |v: &Var| matches!(&g.nodes[v.node].kind, NodeKind::State(place) if changing.contains(&place.buffer));
    let mut kept: HashSet<NodeId> = g.outputs.iter().map(|(_, v)| v.node).collect();
    for (n, node) in g.nodes[..forward].iter().enumerate() {
        let again = matches!(&node.kind, NodeKind::Op(op) if op.mutates().is_empty() && !node.inputs.iter().any(changes));
        if !again {
            kept.insert(n);
        }
        if !matches!(node.kind, NodeKind::Store(_)) {
            kept.extend(node.inputs.iter().map(|v| v.node).filter(|m| block(g, *m) != block(g, n)));
        }
    }
    kept
}

fn block(g: &Graph, n: NodeId) -> Option<&str> {
    g.nodes[n].block.as_deref()
}

#[cfg(test)]
mod tests {
    use crate::graph::Graph;
    use crate::ops;

    /// Three layers of two ops, each in a block where asked, with gradients: the graph, and its nodes before and after recomputation.
    fn layers(block: bool) -> (Graph, [usize; 2]) {
        let mut g = Graph::new();
        let input = g.input("x", [4]);
        let mut x = input;
        for i in 0..3 {
            let name = format!("denselayer{i}");
            if block {
                g.enter_block(&name)
            } else {
                g.enter(&name)
            }
            g.enter_block("inner");
            x = ops::tanh(&mut g, x).unwrap();
            g.leave();
            x = ops::gelu(&mut g, x).unwrap();
            g.leave();
        }
        let dy = g.input("dy", [4]);
        let forward = g.nodes().len();
        let dx = ops::grad_from(&mut g, &[(x, dy)], &[input]).unwrap();
        g.output("dx", dx[0]);
        let counts = [g.nodes().len(), g.recompute(forward).nodes().len()];
        (g, counts)
    }

    #[test]
    fn blocks_go_by_their_mark_and_the_outermost_counts() {
        let (g, [before, after]) = layers(true);
        assert_eq!((g.blocks(), after - before), (3, 3), "tanh of each block is made again");
        // Each tanh alone is a block, whose value leaves it.
        let (g, [before, after]) = layers(false);
        assert_eq!((g.blocks(), after - before), (3, 0));
        assert_eq!(Graph::new().blocks(), 0);
    }
}
