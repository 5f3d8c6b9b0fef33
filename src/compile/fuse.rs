//! Fusion: an op takes a producer in, where nothing else needs what that makes. Saves a launch and a trip through memory.

use super::plan::{live, view_root};
use crate::graph::{Graph, NodeId, NodeKind, Op, Producer, Shape, Var};
use std::collections::HashMap;
use std::sync::Arc;

/// `graph` with producers absorbed by their only readers. Nodes keep their numbers; absorbed ones are no longer read by anybody.
pub(super) fn fuse(graph: &Graph) -> Graph {
    let mut fused = graph.clone();
    let live = live(graph);
    let mut readers: HashMap<Var, usize> = HashMap::new();
    for (_, node) in graph.nodes().iter().enumerate().filter(|(n, _)| live[*n]) {
        node.inputs.iter().for_each(|v| *readers.entry(*v).or_default() += 1);
    }
    graph.outputs().iter().for_each(|(_, v)| *readers.entry(*v).or_default() += 1);
    for n in (0..graph.nodes().len()).filter(|n| live[*n]) {
        // Each round takes one producer away; what takes its place may be taken in too.
        while let Some((op, inputs)) = (0..fused.inputs(n).len()).find_map(|i| absorbed(&fused, n, i, &readers, &live)) {
            fused.replace(n, op, inputs);
        }
    }
    fused
}

/// The op and inputs of node `n` with the producer of input `i` taken in, where that can be.
fn absorbed(graph: &Graph, n: NodeId, i: usize, readers: &HashMap<Var, usize>, live: &[bool]) -> Option<(Arc<dyn Op>, Vec<Var>)> {
    let NodeKind::Op(op) = &graph.nodes()[n].kind else { return None };
    let seen = graph.inputs(n)[i];
    let made = view_root(graph, seen);
    let NodeKind::Op(producer) = &graph.nodes()[made.node].kind else { return None };
    let mut v = seen;
    while v != made {
        if readers.get(&v) != Some(&1) {
            return None;
        }
        v = graph.inputs(v.node)[0];
    }
    if readers.get(&made) != Some(&1) || graph.nodes()[made.node].shapes.len() != 1 || reads_changing_state(graph, made.node, n, live) {
        return None;
    }
    let taken = graph.inputs(made.node);
    let others = graph.inputs(n).iter().enumerate().filter(|(j, _)| *j != i).map(|(_, v)| *v);
    let inputs: Vec<Var> = taken.iter().copied().chain(others).collect();
    let shapes: Vec<Shape> = inputs.iter().map(|v| graph.shape(*v).clone()).collect();
    let producer = Producer { op: producer.as_ref(), input: i, taken: taken.len(), viewed: seen != made, shapes: &shapes };
    Some((op.absorb(&producer)?, inputs))
}

/// Whether a node reads state that may change before a later one: run later, it might read another value.
fn reads_changing_state(graph: &Graph, node: NodeId, later: NodeId, live: &[bool]) -> bool {
    let reads = graph.inputs(node).iter().any(|v| matches!(graph.nodes()[view_root(graph, *v).node].kind, NodeKind::State(_)));
    reads
        && (node + 1..later).any(|m| {
            live[m]
                && match &graph.nodes()[m].kind {
                    NodeKind::Store(_) => true,
                    NodeKind::Op(op) => !op.writes().is_empty(),
                    _ => false,
                }
        })
}
