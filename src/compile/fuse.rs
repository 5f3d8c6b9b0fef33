//! Fusion: an op takes its producer in, where nothing else needs what that makes. Saves a launch and a trip through memory.

use super::plan::live;
use crate::graph::{Graph, NodeId, NodeKind, Var};
use std::collections::HashMap;

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
        let Some(&v) = fused.inputs(n).first() else { continue };
        if readers.get(&v) != Some(&1) || graph.nodes()[v.node].shapes.len() != 1 || writes_between(graph, v.node, n, &live) {
            continue;
        }
        let (NodeKind::Op(op), NodeKind::Op(producer)) = (&fused.nodes()[n].kind, &fused.nodes()[v.node].kind) else { continue };
        let taken = fused.inputs(v.node);
        if let Some(op) = op.absorb(producer.as_ref(), taken.len()) {
            let inputs = [taken, &fused.inputs(n)[1..]].concat();
            fused.replace(n, op, inputs);
        }
    }
    fused
}

/// Whether state changes between two nodes: the producer, run later, might read another value.
fn writes_between(graph: &Graph, from: NodeId, to: NodeId, live: &[bool]) -> bool {
    (from + 1..to).any(|m| {
        live[m]
            && match &graph.nodes()[m].kind {
                NodeKind::Store(_) => true,
                NodeKind::Op(op) => !op.writes().is_empty(),
                _ => false,
            }
    })
}
