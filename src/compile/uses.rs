//! Who uses what: live nodes, views, last reads, changed state.

use crate::graph::{Graph, NodeId, NodeKind, Var};
use std::collections::{HashMap, HashSet};

/// Live nodes, in order.
pub(super) fn live_nodes(live: &[bool]) -> impl Iterator<Item = NodeId> + '_ {
    live.iter().enumerate().filter_map(|(n, live)| live.then_some(n))
}

/// The value whose memory `v` is.
pub(super) fn view_root(graph: &Graph, mut v: Var) -> Var {
    while let NodeKind::Op(op) = &graph.nodes()[v.node].kind {
        if !op.is_view() {
            break;
        }
        v = graph.inputs(v.node)[0];
    }
    v
}

/// The value whose memory `v` is, views and outputs made in place seen through.
pub(super) fn root(graph: &Graph, mut v: Var) -> Var {
    while let Some(input) = same_memory(graph, v) {
        v = graph.inputs(v.node)[input];
    }
    v
}

/// The input of its maker whose memory `v` is.
pub(super) fn same_memory(graph: &Graph, v: Var) -> Option<usize> {
    match &graph.nodes()[v.node].kind {
        NodeKind::Op(op) if op.is_view() => Some(0),
        NodeKind::Op(op) => op.in_place(v.output).map(|p| p.input),
        _ => None,
    }
}

/// Whether a node changes state.
pub(super) fn changes_state(graph: &Graph, n: NodeId) -> bool {
    match &graph.nodes()[n].kind {
        NodeKind::Store(_) => true,
        NodeKind::Op(op) => !op.mutates().is_empty(),
        _ => false,
    }
}

/// State buffers that a run changes.
pub(super) fn changed_buffers(graph: &Graph, live: &[bool]) -> HashSet<String> {
    let mut out = HashSet::new();
    for node in live_nodes(live).map(|n| &graph.nodes()[n]) {
        match &node.kind {
            NodeKind::Store(place) => drop(out.insert(place.buffer.clone())),
            NodeKind::Op(op) => {
                for &i in op.mutates() {
                    if let NodeKind::State(place) = &graph.nodes()[view_root(graph, node.inputs[i]).node].kind {
                        out.insert(place.buffer.clone());
                    }
                }
            }
            _ => {}
        }
    }
    out
}

/// Nodes that an output, a store or an in-place update depends on.
pub(super) fn live(graph: &Graph) -> Vec<bool> {
    let nodes = graph.nodes();
    let mut live: Vec<bool> = (0..nodes.len()).map(|n| changes_state(graph, n)).collect();
    for (_, v) in graph.outputs() {
        live[v.node] = true;
    }
    for n in (0..nodes.len()).rev() {
        if live[n] {
            for v in &nodes[n].inputs {
                live[v.node] = true;
            }
        }
    }
    live
}

/// Last node that reads each root value; outputs are read after the end.
pub(super) fn last_reads(graph: &Graph, live: &[bool]) -> HashMap<Var, NodeId> {
    let mut last = HashMap::new();
    for n in live_nodes(live) {
        for v in graph.inputs(n) {
            last.insert(root(graph, *v), n);
        }
    }
    for (_, v) in graph.outputs() {
        last.insert(root(graph, *v), NodeId::MAX);
    }
    last
}
