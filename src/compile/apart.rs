//! Launches whose operands lie apart. A browser takes every binding for written, and refuses a launch in which two overlap: where two inputs are
//! one value, or an output is made in an input's memory, the launch reads a copy.

use super::plan::Location;
use super::uses::root;
use crate::gpu::Launch;
use crate::graph::{Graph, NodeKind, Operand, Var};
use std::collections::HashMap;

/// Where a value is: its place, where it has one already, or the value whose memory it is.
#[derive(PartialEq)]
enum Home<'a> {
    Located(&'a Location),
    Value(Var),
}

/// Inputs of a node's launch that lie where another operand does, by the number of their binding. Of two, what the node writes keeps its place.
pub(super) fn overlapping(graph: &Graph, locations: &HashMap<Var, Location>, node: usize, launch: &Launch<Operand>) -> Vec<(usize, Var)> {
    let mutated: Vec<Var> = match &graph.nodes()[node].kind {
        NodeKind::Op(op) => op.mutates().iter().map(|&i| graph.inputs(node)[i]).collect(),
        _ => Vec::new(),
    };
    let written = |v: &Var| v.node == node || mutated.contains(v);
    let values = launch.bindings.iter().enumerate().filter_map(|(i, (_, operand))| match operand {
        Operand::Value(v) => Some((i, *v)),
        Operand::Scratch(..) => None,
    });
    let (outputs, inputs): (Vec<_>, Vec<_>) = values.partition(|(_, v)| written(v));
    let home = |v: &Var| {
        let root = root(graph, *v);
        locations.get(&root).map_or(Home::Value(root), Home::Located)
    };
    let mut taken: Vec<Home> = outputs.iter().map(|(_, v)| home(v)).collect();
    inputs
        .into_iter()
        .filter(|(_, v)| {
            let home = home(v);
            let overlaps = taken.contains(&home);
            taken.push(home);
            overlaps
        })
        .collect()
}
