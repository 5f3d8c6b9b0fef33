//! Stores that cost nothing: values made in the state region they are stored to.

use super::in_place::written;
use super::uses::{live_nodes, root, view_root};
use crate::graph::{Graph, NodeId, NodeKind, Shape, StateRef, Var};
use std::collections::HashMap;
use std::ops::Range;

/// Values that can be written straight into the state region they are stored to, as themselves or as views: made by an op, stored
/// once, no output, and nobody sees the difference. Until the store nothing else may read or write the region; after it, the
/// value must have been read for the last time before the region changes. Its maker may read the region where the op allows that. Values
/// that several ops write into stay where they are.
pub(super) fn elide_stores(graph: &Graph, live: &[bool], last: &HashMap<Var, NodeId>) -> HashMap<Var, StateRef> {
    let nodes = graph.nodes();
    let mut regions = Accesses::new(graph, live);
    let written = written(graph, live);
    let mut readers: HashMap<Var, Vec<NodeId>> = HashMap::new();
    for n in live_nodes(live) {
        graph.inputs(n).iter().for_each(|v| readers.entry(root(graph, *v)).or_default().push(n));
    }
    let mut out = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        let NodeKind::Store(place) = &node.kind else { continue };
        let v = root(graph, node.inputs[0]);
        let NodeKind::Op(maker) = &nodes[v.node].kind else { continue };
        let (extent, end) = (extent(place, graph.shape(v)), last.get(&v).copied().unwrap_or(n));
        if end == NodeId::MAX || out.contains_key(&v) || written.contains(&v) {
            continue;
        }
        let alias = maker.may_alias(v.output);
        let seen = regions.between(place, v.node..end).filter(|a| a.extent.start < extent.end && extent.start < a.extent.end).any(|a| {
            match a.node {
                m if m == v.node => a.changes || a.input.is_none() || a.input != alias || a.extent != extent,
                m if m < n => true,
                m => m > n && a.changes,
            }
        });
        if !seen {
            // From now on who reads the value reads the region.
            for m in readers.get(&v).into_iter().flatten() {
                regions.insert(place, Access { node: *m, input: None, extent: extent.clone(), changes: false });
            }
            out.insert(v, place.clone());
        }
    }
    out
}

/// A node reads or changes elements of a state buffer.
struct Access {
    node: NodeId,
    /// The input by which it does, if it reads state itself.
    input: Option<usize>,
    extent: Range<usize>,
    changes: bool,
}

fn extent(place: &StateRef, shape: &Shape) -> Range<usize> {
    place.offset..place.offset + shape.elements()
}

/// Accesses by buffer, in the order of execution.
#[derive(Default)]
struct Accesses<'a>(HashMap<&'a str, Vec<Access>>);

impl<'a> Accesses<'a> {
    fn new(graph: &'a Graph, live: &[bool]) -> Self {
        let mut all = Accesses::default();
        for n in live_nodes(live) {
            let node = &graph.nodes()[n];
            for (i, v) in node.inputs.iter().enumerate() {
                if let NodeKind::State(place) = &graph.nodes()[view_root(graph, *v).node].kind {
                    let changes = matches!(&node.kind, NodeKind::Op(op) if op.mutates().contains(&i));
                    all.insert(place, Access { node: n, input: Some(i), extent: extent(place, graph.shape(*v)), changes });
                }
            }
            if let NodeKind::Store(place) = &node.kind {
                all.insert(place, Access { node: n, input: None, extent: extent(place, graph.shape(node.inputs[0])), changes: true });
            }
        }
        all
    }

    fn insert(&mut self, place: &'a StateRef, access: Access) {
        let list = self.0.entry(&place.buffer).or_default();
        let at = list.partition_point(|a| a.node <= access.node);
        list.insert(at, access);
    }

    /// What nodes in `range` do to the buffer of `place`.
    fn between(&self, place: &StateRef, range: Range<NodeId>) -> impl Iterator<Item = &Access> {
        let list = self.0.get(place.buffer.as_str()).map_or(&[][..], Vec::as_slice);
        let from = list.partition_point(|a| a.node < range.start);
        list[from..].iter().take_while(move |a| a.node < range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    fn place(offset: usize) -> StateRef {
        StateRef { buffer: "s".into(), offset }
    }

    /// Number of stores of a graph that are elided, and of all.
    fn elided(g: &Graph) -> (usize, usize) {
        let live = vec![true; g.nodes().len()];
        let mut last = HashMap::new();
        for (n, node) in g.nodes().iter().enumerate() {
            for v in &node.inputs {
                last.insert(view_root(g, *v), n);
            }
        }
        for (_, v) in g.outputs() {
            last.insert(view_root(g, *v), usize::MAX);
        }
        let stores = g.nodes().iter().filter(|n| matches!(n.kind, NodeKind::Store(_))).count();
        (elide_stores(g, &live, &last).len(), stores)
    }

    #[test]
    fn values_and_views_of_them_are_made_in_place() {
        let mut g = Graph::new();
        let x = g.input("x", [2, 3]);
        let y = ops::relu(&mut g, x).unwrap();
        let v = ops::reshape(&mut g, y, [6]).unwrap();
        g.store(v, place(0));
        assert_eq!(elided(&g), (1, 1));
        g.store(x, place(64));
        assert_eq!(elided(&g), (1, 2), "an input is not made here");
        g.store(y, place(128));
        assert_eq!(elided(&g), (1, 3), "one value has one place");
        g.output("y", y);
        assert_eq!(elided(&g), (0, 3), "outputs are read after the end");
    }

    #[test]
    fn a_maker_that_reads_the_region_must_allow_it() {
        let mut g = Graph::new();
        let [mean, var, m, r] = [0, 64, 128, 192].map(|o| g.state(place(o), [5]));
        let (a, b) = ops::batch_norm_running(&mut g, [mean, var], [m, r], 10, 0.1, 1e-5).unwrap();
        g.store(a, place(0));
        g.store(b, place(64));
        assert_eq!(elided(&g), (2, 2));
        let (a, b) = ops::batch_norm_running(&mut g, [mean, var], [m, r], 10, 0.1, 1e-5).unwrap();
        g.store(a, place(64));
        g.store(b, place(3));
        assert_eq!(elided(&g), (2, 4), "another input's region, and a part of one");
    }

    #[test]
    fn nothing_may_see_the_region_early_or_the_value_late() {
        // Read between making and storing.
        let mut g = Graph::new();
        let (x, old) = (g.input("x", [6]), g.state(place(0), [6]));
        let y = ops::relu(&mut g, x).unwrap();
        let z = ops::relu(&mut g, old).unwrap();
        g.store(y, place(0));
        assert_eq!(elided(&g), (0, 1));
        g.store(z, place(64));
        assert_eq!(elided(&g), (1, 2));
        // Stored over by an older value: the later store must win.
        let mut g = Graph::new();
        let x = g.input("x", [6]);
        let y = ops::relu(&mut g, x).unwrap();
        let z = ops::relu(&mut g, x).unwrap();
        g.store(z, place(0));
        g.store(y, place(0));
        assert_eq!(elided(&g), (1, 2));
        // Read after the region has changed, by a store or in place.
        for in_place in [false, true] {
            let mut g = Graph::new();
            let (x, region) = (g.input("x", [6]), g.state(place(0), [6]));
            let y = ops::relu(&mut g, x).unwrap();
            g.store(y, place(0));
            match in_place {
                true => ops::fill(&mut g, region, 0.0).unwrap(),
                false => g.store(x, place(0)),
            }
            let z = ops::relu(&mut g, y).unwrap();
            g.output("z", z);
            assert_eq!(elided(&g), (0, if in_place { 1 } else { 2 }));
        }
    }
}
