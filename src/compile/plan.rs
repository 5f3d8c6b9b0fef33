//! The plan: which nodes run, with which launches, and where every value lives. Nothing is done on the device yet.

use super::arena::{self, Block, Slot};
use super::elide::elide_stores;
use super::fuse::fuse;
use crate::gpu::{Device, Launch};
use crate::graph::{Graph, Lowering, NodeId, NodeKind, Operand, Shape, StateRef, Var};
use crate::kernels::{
    self, Target,
    choices::{Choices, Request},
};
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// How to compile.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Fill all intermediate memory with NaN before each run, keep every value in memory of its own and put sentinels behind
    /// it: for tests, so that a kernel that forgets or oversteps an element is seen.
    pub poison: bool,
    /// Keep every value in memory of its own and change no state, so that [`Program::first_bad`](super::Program::first_bad) can look at
    /// all of them after a run.
    pub audit: bool,
    /// Keep every op a launch of its own, for comparison.
    pub unfused: bool,
    /// Round the operands of products and convolutions to half precision, where the adapter has cooperative matrices.
    pub half: bool,
    /// Variants that were measured to be the fastest; where there is none, the kernels' tables decide.
    pub choices: Arc<Choices>,
}

impl Options {
    fn target(&self, device: &Device) -> Target {
        let target = Target::new(device);
        Target { half: self.half, fusion: target.fusion && !self.unfused, tuned: self.choices.clone(), ..target }
    }
}

/// Where a value lives.
#[derive(Debug, Clone, PartialEq)]
pub enum Home {
    /// A host-written input.
    Input(String),
    /// Constant data, by node.
    Constant(NodeId),
    /// A region of a state buffer.
    State(StateRef),
    /// Planned memory.
    Arena(Slot),
}

/// One node of the compiled program.
pub struct Row {
    /// The node.
    pub node: NodeId,
    /// Launches that need to run only when state has changed; their results stay in scratch.
    pub prepared: Vec<Launch<Operand>>,
    /// Its launches.
    pub launches: Vec<Launch<Operand>>,
    /// What they compute, where a variant was chosen.
    pub request: Option<Request>,
}

/// A compiled but not yet allocated program.
pub struct Plan {
    /// Live nodes in order.
    pub rows: Vec<Row>,
    /// Home of every live value.
    pub homes: HashMap<Var, Home>,
    /// Homes of scratch regions.
    pub scratch: HashMap<(NodeId, usize), (Slot, usize)>,
    /// Size of each arena page in bytes.
    pub pages: Vec<u64>,
    /// Bytes of all intermediate values, had each memory of its own.
    pub separate: u64,
    /// Whether a run changes state.
    pub(super) changes_state: bool,
    /// Shapes and scopes for printing.
    labels: HashMap<NodeId, (String, String, Vec<Shape>)>,
}

/// Bytes of NaN behind each value when poisoning.
pub(super) const SENTINEL: u64 = 256;

impl Plan {
    /// Prunes, lowers and lays out `graph` for `device`.
    ///
    /// # Errors
    /// Errors of lowering; [`Error::OutOfMemory`] when a single value exceeds the device's binding limit.
    pub fn new(graph: &Graph, device: &Device, options: Options) -> Result<Plan> {
        let target = &options.target(device);
        let fused = if target.fusion { Some(fuse(graph)) } else { None };
        let graph = fused.as_ref().unwrap_or(graph);
        let live = live(graph);
        let last = last_reads(graph, &live);
        let mut homes: HashMap<Var, Home> = HashMap::new();
        let stored = if options.audit { HashMap::new() } else { elide_stores(graph, &live, &last) };
        let apart = options.poison || options.audit;
        let written = written(graph, &live);
        let mut rows = Vec::new();
        let mut labels = HashMap::new();
        let mut pending: Vec<(Pending, Block)> = Vec::new();
        let align = u64::from(target.storage_alignment.max(256));
        for (n, node) in graph.nodes().iter().enumerate().filter(|(n, _)| live[*n]) {
            labels.insert(n, (node.scope.clone(), node.name().to_string(), node.shapes.clone()));
            for (output, shape) in node.shapes.iter().enumerate() {
                let v = Var { node: n, output };
                if shape.bytes() > target.max_binding {
                    return Err(Error::OutOfMemory { needed: shape.bytes(), available: target.max_binding, fits_batch: None });
                }
                let home = match &node.kind {
                    NodeKind::Input(name) => Some(Home::Input(name.clone())),
                    NodeKind::Constant(_) => Some(Home::Constant(n)),
                    NodeKind::State(place) => Some(Home::State(place.clone())),
                    NodeKind::Op(op) if op.is_view() => homes.get(&node.inputs[0]).cloned(),
                    _ => stored.get(&v).map(|place| Home::State(place.clone())),
                };
                match home {
                    Some(home) => drop(homes.insert(v, home)),
                    None if view_root(graph, v) == v => {
                        let end = if apart { usize::MAX } else { last.get(&v).copied().unwrap_or(n) };
                        let size = shape.bytes().max(4).next_multiple_of(align) + if options.poison { SENTINEL } else { 0 };
                        let first = if apart { 0 } else { n };
                        pending.push((Pending::Value(v), Block { size, first, last: end }));
                    }
                    None => {}
                }
            }
            let (mut prepared, mut request) = (Vec::new(), None);
            let launches = match &node.kind {
                NodeKind::Store(_) if options.audit => Vec::new(),
                NodeKind::Op(op) if options.audit && !op.writes().is_empty() => Vec::new(),
                NodeKind::Op(op) if !op.is_view() => {
                    check_writes(graph, n, op.writes())?;
                    let mut cx = Lowering::new(graph, target, n);
                    op.lower(&mut cx)?;
                    let constant = |i: usize| match &graph.nodes()[view_root(graph, node.inputs[i]).node].kind {
                        NodeKind::State(place) => !written.contains(&place.buffer),
                        _ => false,
                    };
                    for &(at, _) in cx.prepared.iter().rev().filter(|(_, i)| constant(*i)) {
                        prepared.insert(0, cx.launches.remove(at));
                    }
                    let kept = |i: usize| prepared.iter().flat_map(|l| &l.bindings).any(|(_, o)| *o == Operand::Scratch(n, i));
                    for (i, &elements) in cx.scratch.iter().enumerate() {
                        let size = (4 * elements as u64).max(4).next_multiple_of(align) + if options.poison { SENTINEL } else { 0 };
                        let (first, last) = if options.poison || kept(i) { (0, usize::MAX) } else { (n, n) };
                        pending.push((Pending::Scratch(n, i, elements), Block { size, first, last }));
                    }
                    request = cx.request;
                    cx.launches
                }
                NodeKind::Store(place) if stored.get(&view_root(graph, node.inputs[0])) != Some(place) => {
                    let v = node.inputs[0];
                    let to = Var { node: n, output: 0 };
                    homes.insert(to, Home::State(place.clone()));
                    vec![kernels::copy::copy(target, graph.shape(v).elements(), Operand::Value(v), Operand::Value(to))]
                }
                _ => Vec::new(),
            };
            rows.push(Row { node: n, prepared, launches, request });
        }
        let page_limit = target.max_buffer;
        let blocks: Vec<Block> = pending.iter().map(|(_, b)| *b).collect();
        let separate = blocks.iter().map(|b| b.size).sum();
        let (slots, pages) = arena::place(&blocks, page_limit);
        let mut scratch = HashMap::new();
        for ((what, _), slot) in pending.iter().zip(slots) {
            match what {
                Pending::Value(v) => drop(homes.insert(*v, Home::Arena(slot))),
                Pending::Scratch(n, i, elements) => drop(scratch.insert((*n, *i), (slot, *elements))),
            }
        }
        // Views of arena values, now that their roots are placed.
        for (n, node) in graph.nodes().iter().enumerate().filter(|(n, _)| live[*n]) {
            let v = Var { node: n, output: 0 };
            if matches!(&node.kind, NodeKind::Op(op) if op.is_view())
                && let Some(home) = homes.get(&view_root(graph, v)).cloned()
            {
                homes.insert(v, home);
            }
        }
        Ok(Plan { rows, homes, scratch, pages, separate, changes_state: !written.is_empty(), labels })
    }

    /// Where in the model a node was made, and its op.
    pub fn label(&self, node: NodeId) -> (&str, &str) {
        self.labels.get(&node).map_or(("", ""), |(scope, op, _)| (scope, op))
    }

    /// Bytes of planned intermediate memory.
    pub fn arena_bytes(&self) -> u64 {
        self.pages.iter().sum()
    }

    /// Number of kernel launches per run.
    pub fn launches(&self) -> usize {
        self.rows.iter().map(|r| r.launches.len()).sum()
    }

    /// Floating-point operations per run.
    pub fn flops(&self) -> u64 {
        self.rows.iter().flat_map(|r| &r.launches).map(|l| l.flops).sum()
    }

    /// Bytes moved per run.
    pub fn bytes(&self) -> u64 {
        self.rows.iter().flat_map(|r| &r.launches).map(|l| l.bytes).sum()
    }
}

enum Pending {
    Value(Var),
    Scratch(NodeId, usize, usize),
}

/// What a node overwrites must be state: anything else may share its memory with other values, or be written by the host.
fn check_writes(graph: &Graph, n: NodeId, writes: &[usize]) -> Result<()> {
    for &i in writes {
        let is_state = |v: &Var| matches!(graph.nodes()[view_root(graph, *v).node].kind, NodeKind::State(_));
        if !graph.inputs(n).get(i).is_some_and(is_state) {
            let node = &graph.nodes()[n];
            return Err(Error::Graph(format!("{} {} overwrites its input {i}, which is not state", node.name(), node.scope)));
        }
    }
    Ok(())
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

/// State buffers that a run changes.
fn written(graph: &Graph, live: &[bool]) -> HashSet<String> {
    let mut out = HashSet::new();
    for (_, node) in graph.nodes().iter().enumerate().filter(|(n, _)| live[*n]) {
        match &node.kind {
            NodeKind::Store(place) => drop(out.insert(place.buffer.clone())),
            NodeKind::Op(op) => {
                for &i in op.writes() {
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
    let mut live = vec![false; nodes.len()];
    for (_, v) in graph.outputs() {
        live[v.node] = true;
    }
    for (n, node) in nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Store(_) => live[n] = true,
            NodeKind::Op(op) if !op.writes().is_empty() => live[n] = true,
            _ => {}
        }
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
fn last_reads(graph: &Graph, live: &[bool]) -> HashMap<Var, usize> {
    let mut last = HashMap::new();
    for (n, node) in graph.nodes().iter().enumerate().filter(|(n, _)| live[*n]) {
        for v in &node.inputs {
            last.insert(view_root(graph, *v), n);
        }
    }
    for (_, v) in graph.outputs() {
        last.insert(view_root(graph, *v), usize::MAX);
    }
    last
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>5}  {:44} {:36} {:24} {:>12} {:>10} {:>12}", "node", "where", "kernel", "output", "bytes", "Mflop", "arena")?;
        for row in &self.rows {
            let (scope, name, shapes) = &self.labels[&row.node];
            for (l, once) in row.prepared.iter().map(|l| (l, " once")).chain(row.launches.iter().map(|l| (l, ""))) {
                let tunables: Vec<String> = l.tunables.iter().map(|(n, v)| format!("{n}={v}")).collect();
                let gap = if tunables.is_empty() { "" } else { " " };
                let kernel = format!("{}{gap}{}{once}", l.entry, tunables.join(" "));
                let shape = shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" ");
                let home = match self.homes.get(&Var { node: row.node, output: 0 }) {
                    Some(Home::Arena(s)) => format!("{}:{:#x}", s.page, s.offset),
                    Some(Home::State(s)) => format!("{}@{}", s.buffer, s.offset),
                    _ => String::new(),
                };
                let mflop = l.flops as f64 / 1e6;
                let place = if scope.is_empty() { name.clone() } else { format!("{scope} {name}") };
                writeln!(f, "{:>5}  {place:44} {kernel:36} {shape:24} {:>12} {mflop:>10.2} {home:>12}", row.node, l.bytes)?;
            }
        }
        write!(
            f,
            "{} launches, {:.2} Gflop, {:.1} MB moved, {:.1} MB of intermediate memory in {} page(s), {:.1} MB without sharing",
            self.launches(),
            self.flops() as f64 / 1e9,
            self.bytes() as f64 / 1e6,
            self.arena_bytes() as f64 / 1e6,
            self.pages.len(),
            self.separate as f64 / 1e6,
        )
    }
}
