//! Values that several ops write into, one after the other.

use super::uses::{live_nodes, root, same_memory};
use crate::graph::{Graph, NodeId, NodeKind, Var, Writes};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};

/// The roots that other ops than their makers may write into.
pub(super) fn written(graph: &Graph, live: &[bool]) -> HashSet<Var> {
    live_nodes(live).flat_map(|n| in_place(graph, n)).map(|(v, _)| root(graph, v)).collect()
}

/// Outputs of a node that are made in place, and what it writes there.
fn in_place(graph: &Graph, n: NodeId) -> Vec<(Var, Writes)> {
    let node = &graph.nodes()[n];
    let NodeKind::Op(op) = &node.kind else { return Vec::new() };
    let outputs = (0..node.shapes.len()).map(|output| Var { node: n, output });
    outputs.filter_map(|v| Some((v, op.in_place(v.output)?.writes))).collect()
}

/// What is written in place must be a value that an op made, and nobody may read what was overwritten.
pub(super) fn check(graph: &Graph, live: &[bool]) -> Result<()> {
    // Of each root the node that overwrote it last, and of each value the one that had when it was made.
    let (mut latest, mut known): (HashMap<Var, NodeId>, HashMap<Var, NodeId>) = (HashMap::new(), HashMap::new());
    let error = |n: NodeId, what: &str| {
        let (name, scope) = (graph.nodes()[n].name(), &graph.nodes()[n].scope);
        let at = if scope.is_empty() { name.to_string() } else { format!("{name} {scope}") };
        Err(Error::Graph(format!("{at} {what}")))
    };
    for n in live_nodes(live) {
        let node = &graph.nodes()[n];
        if let Some(v) = node.inputs.iter().find(|v| known.get(v) != latest.get(&root(graph, **v))) {
            return error(n, &format!("reads output {} of node {}, which was overwritten in place", v.output, v.node));
        }
        for (v, writes) in in_place(graph, n) {
            let root = root(graph, v);
            if writes != Writes::Nothing && !matches!(graph.nodes()[root.node].kind, NodeKind::Op(_)) {
                return error(n, "would write into an input, a constant or state");
            }
            if writes == Writes::Over {
                latest.insert(root, n);
            }
        }
        for v in (0..node.shapes.len()).map(|output| Var { node: n, output }).filter(|v| same_memory(graph, *v).is_some()) {
            known.extend(latest.get(&root(graph, v)).map(|at| (v, *at)));
        }
    }
    match graph.outputs().iter().find(|(_, v)| known.get(v) != latest.get(&root(graph, *v))) {
        Some((name, v)) => error(v.node, &format!("makes output {name}, which is overwritten in place")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{InPlace, Lowering, Op, Shape};
    use crate::ops;

    /// Adds its second input to its first, in place.
    struct Gather;

    impl Op for Gather {
        fn name(&self) -> &'static str {
            "gather"
        }
        fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
            Ok(vec![inputs[0].clone()])
        }
        fn lower(&self, _: &mut Lowering) -> Result<()> {
            Ok(())
        }
        fn in_place(&self, _: usize) -> Option<InPlace> {
            Some(InPlace { input: 0, writes: Writes::Over })
        }
    }

    fn message(g: &Graph) -> Option<String> {
        check(g, &vec![true; g.nodes().len()]).err().map(|e| e.to_string())
    }

    #[test]
    fn nobody_reads_what_was_overwritten() {
        let mut g = Graph::new();
        let x = g.input("x", [4]);
        let sum = ops::relu(&mut g, x).unwrap();
        let before = ops::tanh(&mut g, sum).unwrap();
        let more = g.apply1(Gather, &[sum, before]).unwrap();
        let flat = ops::reshape(&mut g, more, [2, 2]).unwrap();
        ops::tanh(&mut g, flat).unwrap();
        assert_eq!((message(&g), root(&g, flat)), (None, sum));
        assert_eq!(written(&g, &vec![true; g.nodes().len()]), HashSet::from([sum]));
        let mut late = g.clone();
        ops::tanh(&mut late, sum).unwrap();
        assert!(message(&late).unwrap().contains("overwritten in place"));
        let mut viewed = g.clone();
        ops::reshape(&mut viewed, sum, [2, 2]).unwrap();
        assert!(message(&viewed).unwrap().contains("overwritten in place"));
        g.output("sum", sum);
        assert!(message(&g).unwrap().contains("makes output sum"));
    }

    #[test]
    fn only_values_that_ops_made_are_written() {
        let mut g = Graph::new();
        let x = g.input("x", [4]);
        let y = ops::tanh(&mut g, x).unwrap();
        g.apply1(Gather, &[x, y]).unwrap();
        assert!(message(&g).unwrap().contains("gather would write into an input"));
    }
}
