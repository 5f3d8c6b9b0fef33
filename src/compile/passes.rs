//! From graph to plan: fuse, locate what has a place, lower, place the rest, locate views.

use super::apart::overlapping;
use super::arena::{self, Block};
use super::elide::elide_stores;
use super::fuse::fuse;
use super::halve::halve;
use super::in_place;
use super::plan::{Label, Location, Options, Plan, PlannedNode, Storage};
use super::tensor;
use super::uses::{changed_buffers, changes_state, last_reads, live, live_nodes, root, view_root};
use crate::gpu::Device;
use crate::graph::{Graph, Lowering, NodeId, NodeKind, Op, Operand, StateRef, Var};
use crate::kernels::{self, Target};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Bytes of NaN behind each value when poisoning.
pub(super) const SENTINEL: u64 = 256;

impl Options {
    fn target(&self, device: &Device) -> Target {
        let target = Target::new(device);
        Target { half: self.half, fusion: target.fusion && !self.unfused, tuned: self.tuned.clone(), ..target }
    }
}

impl Plan {
    /// Prunes, lowers and lays out `graph` for `device`.
    ///
    /// # Errors
    /// Errors of lowering; [`Error::OutOfMemory`] when a single value exceeds the device's binding limit.
    pub fn new(graph: &Graph, device: &Device, options: Options) -> Result<Plan> {
        Plan::on(graph, &options.target(device), options)
    }

    /// [`Plan::new`] for an adapter that need not be there.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn on(graph: &Graph, target: &Target, options: Options) -> Result<Plan> {
        let mut target = target.clone();
        let storage = if target.f16 { options.storage } else { Storage::Single };
        if storage != Storage::Single {
            // Two floats by one access to a 64-bit integer are not two halves.
            Arc::make_mut(&mut target.caps).int64 = false;
        }
        let (target, options) = (&target, Options { storage, ..options });
        let fused = target.fusion.then(|| fuse(graph));
        let graph = fused.as_ref().unwrap_or(graph);
        let live = live(graph);
        in_place::check(graph, &live)?;
        let last = last_reads(graph, &live);
        let stored = if options.audit { HashMap::new() } else { elide_stores(graph, &live, &last) };
        let mut passes = Passes { graph, target, options: &options, live: &live, stored, locations: HashMap::new(), pending: Vec::new() };
        passes.locations(&last)?;
        let changed = changed_buffers(graph, &live);
        let mut nodes = live_nodes(&live).map(|n| passes.lower(n, &changed)).collect::<Result<Vec<_>>>()?;
        let halves = passes.halve(&mut nodes)?;
        let mut plan = passes.place(nodes, halves);
        plan.changes_state = !changed.is_empty();
        Ok(plan)
    }
}

/// The graph on its way to a plan.
struct Passes<'a> {
    graph: &'a Graph,
    target: &'a Target,
    options: &'a Options,
    live: &'a [bool],
    /// Values made in the state region they are stored to.
    stored: HashMap<Var, StateRef>,
    locations: HashMap<Var, Location>,
    /// What needs planned memory, and when.
    pending: Vec<(Pending, Block)>,
}

enum Pending {
    Value(Var),
    Scratch(NodeId, usize, usize),
}

impl Passes<'_> {
    /// Locates inputs, constants and state; notes the lifetimes of all other values. Views, and what is made in place, wait for their roots.
    fn locations(&mut self, last: &HashMap<Var, NodeId>) -> Result<()> {
        let apart = self.options.poison || self.options.audit;
        for n in live_nodes(self.live) {
            let node = &self.graph.nodes()[n];
            for (output, shape) in node.shapes.iter().enumerate() {
                let v = Var { node: n, output };
                if shape.bytes() > self.target.max_binding {
                    return Err(Error::OutOfMemory { needed: shape.bytes(), available: self.target.max_binding, fits_batch: None });
                }
                let location = match &node.kind {
                    NodeKind::Input(name) => Location::Input(name.clone()),
                    NodeKind::Constant(_) => Location::Constant(n),
                    NodeKind::State(place) => Location::State(place.clone()),
                    NodeKind::Op(_) if root(self.graph, v) != v => continue,
                    _ => match self.stored.get(&v) {
                        Some(place) => Location::State(place.clone()),
                        None => {
                            let end = last.get(&v).copied().unwrap_or(n);
                            let (first, last) = if apart { (0, usize::MAX) } else { (n, end) };
                            self.pending.push((Pending::Value(v), Block { size: self.padded(shape.bytes()), first, last }));
                            continue;
                        }
                    },
                };
                self.locations.insert(v, location);
            }
        }
        Ok(())
    }

    /// Bytes a value takes in a page.
    fn padded(&self, bytes: u64) -> u64 {
        let align = u64::from(self.target.storage_alignment.max(256));
        bytes.max(4).next_multiple_of(align) + if self.options.poison { SENTINEL } else { 0 }
    }

    /// The launches of node `n`; its scratch is noted.
    fn lower(&mut self, n: NodeId, changed: &HashSet<String>) -> Result<PlannedNode> {
        let backward = self.graph.nodes()[n].backward;
        let mut planned = PlannedNode { node: n, backward, once: Vec::new(), launches: Vec::new(), problem: None };
        match &self.graph.nodes()[n].kind {
            _ if self.options.audit && changes_state(self.graph, n) => {}
            NodeKind::Op(op) if !op.is_view() => self.lower_op(op.as_ref(), &mut planned, changed)?,
            NodeKind::Store(place) => {
                let v = self.graph.inputs(n)[0];
                if self.stored.get(&view_root(self.graph, v)) != Some(place) {
                    let to = Var { node: n, output: 0 };
                    self.locations.insert(to, Location::State(place.clone()));
                    let elements = self.graph.shape(v).elements();
                    planned.launches.push(kernels::copy::copy(self.target, elements, Operand::Value(v), Operand::Value(to)));
                }
            }
            _ => {}
        }
        if self.target.apart {
            self.part(&mut planned);
        }
        Ok(planned)
    }

    /// Makes launches read copies of what lies where another of their operands does.
    fn part(&mut self, planned: &mut PlannedNode) {
        let n = planned.node;
        let mut scratch = self.pending.iter().filter(|(what, _)| matches!(what, Pending::Scratch(m, ..) if *m == n)).count();
        for mut launch in std::mem::take(&mut planned.launches) {
            for (binding, v) in overlapping(self.graph, &self.locations, n, &launch) {
                let (elements, copy) = (self.graph.shape(v).elements(), Operand::Scratch(n, scratch));
                self.pending.push(self.scratch(n, scratch, elements, false));
                planned.launches.push(kernels::copy::copy(self.target, elements, Operand::Value(v), copy));
                launch.bindings[binding].1 = copy;
                scratch += 1;
            }
            planned.launches.push(launch);
        }
    }

    /// Scratch `i` of node `n`, kept from run to run or not.
    fn scratch(&self, n: NodeId, i: usize, elements: usize, kept: bool) -> (Pending, Block) {
        let (first, last) = if self.options.poison || kept { (0, usize::MAX) } else { (n, n) };
        (Pending::Scratch(n, i, elements), Block { size: self.padded(4 * elements as u64), first, last })
    }

    fn lower_op(&mut self, op: &dyn Op, planned: &mut PlannedNode, changed: &HashSet<String>) -> Result<()> {
        let n = planned.node;
        check_mutated(self.graph, n, op.mutates())?;
        let node = &self.graph.nodes()[n];
        let shapes = node.inputs.iter().map(|v| self.graph.shape(*v)).collect();
        let mut cx = Lowering::new(self.target, n, &node.inputs, shapes, &node.shapes);
        op.lower(&mut cx)?;
        let constant = |i: usize| match &self.graph.nodes()[view_root(self.graph, node.inputs[i]).node].kind {
            NodeKind::State(place) => !changed.contains(&place.buffer),
            _ => false,
        };
        for (launch, once_per) in cx.launches {
            match once_per {
                Some(i) if constant(i) => planned.once.push(launch),
                _ => planned.launches.push(launch),
            }
        }
        planned.problem = cx.problem;
        for (i, &elements) in cx.scratch.iter().enumerate() {
            let kept = planned.once.iter().flat_map(|l| &l.bindings).any(|(_, o)| *o == Operand::Scratch(n, i));
            self.pending.push(self.scratch(n, i, elements, kept));
        }
        Ok(())
    }

    /// Values that are kept in half precision take half the memory.
    fn halve(&mut self, nodes: &mut [PlannedNode]) -> Result<HashSet<Var>> {
        let storage = self.options.storage;
        if storage == Storage::Single {
            return Ok(HashSet::new());
        }
        let planned = self.pending.iter().filter_map(|(what, _)| if let Pending::Value(v) = what { Some(*v) } else { None });
        let written = self.locations.iter().filter_map(|(v, l)| matches!(l, Location::Input(_)).then_some(*v));
        let written = written.filter(|_| storage == Storage::Throughout);
        let halves = halve(self.graph, nodes, planned.chain(written), storage)?;
        for i in 0..self.pending.len() {
            if let Pending::Value(v) = self.pending[i].0 {
                self.pending[i].1.size = self.padded(tensor::bytes(self.graph.shape(v).elements(), halves.contains(&v)));
            }
        }
        Ok(halves)
    }

    /// Places what needs planned memory, then the views of it.
    fn place(mut self, nodes: Vec<PlannedNode>, mut halves: HashSet<Var>) -> Plan {
        let blocks: Vec<Block> = self.pending.iter().map(|(_, b)| *b).collect();
        let (offsets, pages) = arena::place(&blocks, self.target.max_buffer);
        let mut scratch = HashMap::new();
        for ((what, _), offset) in self.pending.iter().zip(offsets) {
            match what {
                Pending::Value(v) => drop(self.locations.insert(*v, Location::Arena(offset))),
                Pending::Scratch(n, i, elements) => drop(scratch.insert((*n, *i), (offset, *elements))),
            }
        }
        let mut labels: HashMap<NodeId, Label> = HashMap::new();
        for n in live_nodes(self.live) {
            let node = &self.graph.nodes()[n];
            labels.insert(n, (node.scope.clone(), node.name().to_string(), node.shapes.clone()));
            for v in (0..node.shapes.len().max(1)).map(|output| Var { node: n, output }) {
                let root = root(self.graph, v);
                if let Some(location) = self.locations.get(&root).cloned() {
                    self.locations.insert(v, location);
                }
                if halves.contains(&root) {
                    halves.insert(v);
                }
            }
        }
        let separate = blocks.iter().map(|b| b.size).sum();
        Plan { nodes, locations: self.locations, scratch, pages, separate, halves, changes_state: false, labels }
    }
}

/// What a node changes must be state: anything else may share its memory with other values, or be written by the host.
fn check_mutated(graph: &Graph, n: NodeId, mutated: &[usize]) -> Result<()> {
    for &i in mutated {
        let is_state = |v: &Var| matches!(graph.nodes()[view_root(graph, *v).node].kind, NodeKind::State(_));
        if !graph.inputs(n).get(i).is_some_and(is_state) {
            let node = &graph.nodes()[n];
            return Err(Error::Graph(format!("{} {} overwrites its input {i}, which is not state", node.name(), node.scope)));
        }
    }
    Ok(())
}
