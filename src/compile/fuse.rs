//! Fusion: an op takes a producer in, where nothing else needs what that makes. Saves a launch and a trip through memory.

use super::in_place::written;
use super::uses::{changes_state, live, live_nodes, root, view_root};
use crate::graph::{Graph, NodeId, NodeKind, Op, Shape, Var};
use crate::ops::fusion::{self, Pair};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// `graph` with producers taken in by their only readers. Nodes keep their numbers; what was taken in is no longer read by anybody.
pub(super) fn fuse(graph: &Graph) -> Graph {
    let live = live(graph);
    let mut readers: HashMap<Var, usize> = HashMap::new();
    for n in live_nodes(&live) {
        graph.inputs(n).iter().for_each(|v| *readers.entry(*v).or_default() += 1);
    }
    graph.outputs().iter().for_each(|(_, v)| *readers.entry(*v).or_default() += 1);
    let mut changes = vec![0];
    changes.extend(live.iter().enumerate().scan(0, |sum, (n, live)| {
        *sum += usize::from(*live && changes_state(graph, n));
        Some(*sum)
    }));
    let mut fusion = Fusion { graph: graph.clone(), readers, changes, written: written(graph, &live) };
    for n in live_nodes(&live) {
        // Each round takes one producer away; what takes its place may be taken in too.
        while let Some((op, inputs)) = (0..fusion.graph.inputs(n).len()).find_map(|i| fusion.fused(n, i)) {
            fusion.graph.replace(n, op, inputs);
        }
    }
    fusion.graph
}

struct Fusion {
    graph: Graph,
    /// How often each value is read.
    readers: HashMap<Var, usize>,
    /// How many of the nodes before each change state.
    changes: Vec<usize>,
    /// Values that several nodes write into.
    written: HashSet<Var>,
}

impl Fusion {
    /// The op and inputs of node `n` with the producer of input `i` taken in, where that can be.
    fn fused(&self, n: NodeId, i: usize) -> Option<(Arc<dyn Op>, Vec<Var>)> {
        let graph = &self.graph;
        let NodeKind::Op(consumer) = &graph.nodes()[n].kind else { return None };
        let seen = graph.inputs(n)[i];
        let made = view_root(graph, seen);
        let NodeKind::Op(producer) = &graph.nodes()[made.node].kind else { return None };
        let mut v = seen;
        while v != made {
            if self.readers.get(&v) != Some(&1) {
                return None;
            }
            v = graph.inputs(v.node)[0];
        }
        if self.readers.get(&made) != Some(&1) || graph.nodes()[made.node].shapes.len() != 1 || self.reads_what_changes(made.node, n) {
            return None;
        }
        let read = graph.inputs(made.node);
        let others = graph.inputs(n).iter().enumerate().filter(|(j, _)| *j != i).map(|(_, v)| *v);
        let inputs: Vec<Var> = read.iter().copied().chain(others).collect();
        let shapes: Vec<Shape> = inputs.iter().map(|v| graph.shape(*v).clone()).collect();
        let (consumer, producer) = (consumer.as_ref(), producer.as_ref());
        let pair = Pair { consumer, producer, input: i, arity: read.len(), through_view: seen != made, shapes: &shapes };
        Some((fusion::fused(&pair)?, inputs))
    }

    /// Whether a node reads state that may change before a later one, or a value that several nodes write into: run later, it might read
    /// another value.
    fn reads_what_changes(&self, node: NodeId, later: NodeId) -> bool {
        let state = |v: &Var| matches!(self.graph.nodes()[view_root(&self.graph, *v).node].kind, NodeKind::State(_));
        let inputs = self.graph.inputs(node);
        inputs.iter().any(|v| self.written.contains(&root(&self.graph, *v)))
            || self.changes[later] > self.changes[node + 1] && inputs.iter().any(state)
    }
}
