//! Which values are kept in half precision, and the launches that read and write them.

use super::plan::{PlannedNode, Storage};
use super::uses::root;
use crate::Result;
use crate::gpu::{Launch, Shader, halves, pipeline, wgsl::Tunable};
use crate::graph::{Graph, NodeKind, Operand, Single, Var};
use std::collections::{HashMap, HashSet};

/// Values of fewer elements stay in single precision: statistics of channels, losses. Moving them takes no time, and their digits matter.
const LEAST: usize = 4096;

/// Expanded shaders by file and tunables.
type Texts = HashMap<(&'static Shader, Vec<Tunable>), String>;

/// The roots among `values` that can be kept in half precision, after `nodes` have been told. One stays single that is small, an output of the
/// program or stored in state, that an op touches which asks for single precision, or that a shader does not see as floats or is not of this
/// crate, for nobody has looked at others with halves.
///
/// # Errors
/// A shader that cannot be expanded.
pub(super) fn halve(graph: &Graph, nodes: &mut [PlannedNode], values: impl Iterator<Item = Var>, storage: Storage) -> Result<HashSet<Var>> {
    let everything = storage == Storage::Throughout;
    let mut half: HashSet<Var> = values.filter(|v| everything || graph.shape(*v).elements() >= LEAST).collect();
    if !everything {
        let outputs: HashSet<Var> = graph.outputs().iter().map(|(_, v)| root(graph, *v)).collect();
        half.retain(|v| !outputs.contains(v));
    }
    let mut texts = Texts::new();
    for planned in nodes.iter() {
        let node = &graph.nodes()[planned.node];
        let single = match &node.kind {
            NodeKind::Op(op) => op.single(),
            NodeKind::Store(_) => Single::Operands,
            _ => Single::Nothing,
        };
        let outputs = if single == Single::Statistics { 1..node.shapes.len() } else { 0..node.shapes.len() };
        if single != Single::Nothing {
            half.retain(|v| v.node != planned.node || !outputs.contains(&v.output));
        }
        if single == Single::Operands {
            node.inputs.iter().for_each(|v| half.retain(|h| *h != root(graph, *v)));
        }
        for launch in planned.once.iter().chain(&planned.launches) {
            for (name, v) in operands(graph, launch).filter(|(_, v)| half.contains(v)).collect::<Vec<_>>() {
                if !fits(&mut texts, launch, name)? {
                    half.remove(&v);
                }
            }
        }
    }
    for launch in nodes.iter_mut().flat_map(|n| n.once.iter_mut().chain(&mut n.launches)) {
        let kept: Vec<(&'static str, Var)> = operands(graph, launch).filter(|(_, v)| half.contains(v)).collect();
        // A launch that touches a part of an operand states the bytes of that part.
        let saved: u64 = kept.iter().map(|(_, v)| 2 * graph.shape(*v).elements() as u64).sum();
        launch.bytes -= saved.min(launch.bytes / 2);
        launch.halves = kept.into_iter().map(|(name, _)| name).collect();
    }
    Ok(half)
}

/// Variables of a launch and the roots of the values bound to them.
fn operands<'a>(graph: &'a Graph, launch: &'a Launch<Operand>) -> impl Iterator<Item = (&'static str, Var)> + 'a {
    launch.bindings.iter().filter_map(|(name, operand)| match operand {
        Operand::Value(v) => Some((*name, root(graph, *v))),
        Operand::Scratch(..) => None,
    })
}

fn fits(texts: &mut Texts, launch: &Launch<Operand>, name: &str) -> Result<bool> {
    if !launch.shader.examined {
        return Ok(false);
    }
    let key = (launch.shader, launch.tunables.clone());
    if !texts.contains_key(&key) {
        texts.insert(key.clone(), pipeline::expand(launch.shader, &launch.tunables)?.text);
    }
    Ok(halves::fits(&texts[&key], name))
}
