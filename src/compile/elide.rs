//! Stores that cost nothing: values made in the state region they are stored to.

use super::plan::view_root;
use crate::graph::{Graph, NodeKind, Shape, StateRef, Var};
use std::collections::HashMap;

/// Values that can be written straight into the state region they are stored to, as themselves or as views: made by an op, stored
/// once, no output, and nobody sees the difference. Until the store nothing else may read or write the region; after it, the
/// value must have been read for the last time before the region changes. Its maker may read the region where the op allows that.
pub(super) fn elide_stores(graph: &Graph, live: &[bool], last: &HashMap<Var, usize>) -> HashMap<Var, StateRef> {
    let nodes = graph.nodes();
    let (mut reads, mut writes) = (vec![Vec::new(); nodes.len()], vec![Vec::new(); nodes.len()]);
    for (n, node) in nodes.iter().enumerate().filter(|(n, _)| live[*n]) {
        for (i, v) in node.inputs.iter().enumerate() {
            if let NodeKind::State(place) = &nodes[view_root(graph, *v).node].kind {
                let extent = Extent::new(place, graph.shape(*v));
                reads[n].push((Some(i), extent.clone()));
                if matches!(&node.kind, NodeKind::Op(op) if op.writes().contains(&i)) {
                    writes[n].push(extent);
                }
            }
        }
        if let NodeKind::Store(place) = &node.kind {
            writes[n].push(Extent::new(place, graph.shape(node.inputs[0])));
        }
    }
    let mut out = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        let NodeKind::Store(place) = &node.kind else { continue };
        let v = view_root(graph, node.inputs[0]);
        let NodeKind::Op(maker) = &nodes[v.node].kind else { continue };
        let extent = Extent::new(place, graph.shape(v));
        let kept = |i: Option<usize>, e: &Extent| i.is_some() && i == maker.overwrites(v.output) && *e == extent;
        let own = reads[v.node].iter().any(|(i, e)| e.meets(&extent) && !kept(*i, e));
        let between = v.node + 1..n;
        let touched = between.clone().any(|m| reads[m].iter().any(|(_, e)| e.meets(&extent)))
            || between.chain([v.node]).any(|m| writes[m].iter().any(|e| e.meets(&extent)));
        let end = last.get(&v).copied().unwrap_or(n);
        let changed = (n + 1..end.min(nodes.len())).any(|m| writes[m].iter().any(|e| e.meets(&extent)));
        if !own && !touched && !changed && end != usize::MAX && !out.contains_key(&v) {
            out.insert(v, place.clone());
            // From now on who reads the value reads the region.
            for (m, node) in nodes.iter().enumerate().filter(|(m, _)| live[*m]) {
                if node.inputs.iter().any(|u| view_root(graph, *u) == v) {
                    reads[m].push((None, extent.clone()));
                }
            }
        }
    }
    out
}

/// A range of elements of a state buffer.
#[derive(Debug, Clone, PartialEq)]
struct Extent {
    buffer: String,
    start: usize,
    end: usize,
}

impl Extent {
    fn new(place: &StateRef, shape: &Shape) -> Self {
        Extent { buffer: place.buffer.clone(), start: place.offset, end: place.offset + shape.elements() }
    }

    fn meets(&self, other: &Extent) -> bool {
        self.buffer == other.buffer && self.start < other.end && other.start < self.end
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
