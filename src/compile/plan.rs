//! The plan: which nodes run, with which launches, and where every value lives. Nothing is done on the device yet.

use super::arena::Offset;
use crate::gpu::Launch;
use crate::graph::{NodeId, Operand, Shape, StateRef, Var};
use crate::kernels::{Problem, TunedCache};
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
    /// How intermediate values are kept.
    pub storage: Storage,
    /// Variants that were measured to be the fastest; where there is none, a heuristic decides.
    pub tuned: Arc<TunedCache>,
}

impl Options {
    /// The same for training in half precision, or not.
    pub fn in_half(self, half: bool) -> Self {
        Options { half, storage: if half { Storage::Half } else { Storage::Single }, ..self }
    }
}

/// How values between ops are kept, where the adapter has half-precision numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// In single precision.
    #[default]
    Single,
    /// In half precision, but for what is small, read by the host or kept in state, and the operands of ops that need more digits or range
    /// ([`Op::single`](crate::graph::Op::single)). Kernels compute in single precision whatever they read.
    Half,
    /// The same with inputs, outputs and what is small: for tests, so that every kernel reads and writes halves.
    Throughout,
}

/// Where a value lives.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// A host-written input.
    Input(String),
    /// Constant data, by node.
    Constant(NodeId),
    /// A region of a state buffer.
    State(StateRef),
    /// Planned memory.
    Arena(Offset),
}

/// One node of the compiled program.
pub struct PlannedNode {
    /// The node.
    pub node: NodeId,
    /// Whether it belongs to the backward pass.
    pub backward: bool,
    /// Launches that need to run only when state has changed; their results stay in scratch.
    pub once: Vec<Launch<Operand>>,
    /// Its launches.
    pub launches: Vec<Launch<Operand>>,
    /// What they solve, where there are several variants.
    pub problem: Option<Problem>,
}

/// What is printed of a node: its scope, its op, the shapes it makes.
pub(super) type Label = (String, String, Vec<Shape>);

/// A compiled but not yet allocated program.
pub struct Plan {
    /// Live nodes in order.
    pub nodes: Vec<PlannedNode>,
    /// Location of every live value.
    pub locations: HashMap<Var, Location>,
    /// Offset and elements of scratch regions.
    pub scratch: HashMap<(NodeId, usize), (Offset, usize)>,
    /// Size of each arena page in bytes.
    pub pages: Vec<u64>,
    /// Bytes of all intermediate values, had each memory of its own.
    pub separate: u64,
    /// Values kept in half precision.
    pub(super) halves: HashSet<Var>,
    /// Whether a run changes state.
    pub(super) changes_state: bool,
    /// For printing.
    pub(super) labels: HashMap<NodeId, Label>,
}

impl Plan {
    /// Where in the model a node was made, and its op.
    pub fn label(&self, node: NodeId) -> (&str, &str) {
        self.labels.get(&node).map_or(("", ""), |(scope, op, _)| (scope, op))
    }

    /// What several variants could have computed.
    pub fn problems(&self) -> impl Iterator<Item = Problem> + '_ {
        self.nodes.iter().filter_map(|n| n.problem)
    }

    /// Bytes of planned intermediate memory.
    pub fn arena_bytes(&self) -> u64 {
        self.pages.iter().sum()
    }

    /// Number of kernel launches per run.
    pub fn launches(&self) -> usize {
        self.nodes.iter().map(|n| n.launches.len()).sum()
    }

    /// Floating-point operations per run.
    pub fn flops(&self) -> u64 {
        self.nodes.iter().flat_map(|n| &n.launches).map(|l| l.flops).sum()
    }

    /// Bytes moved per run.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().flat_map(|n| &n.launches).map(|l| l.bytes).sum()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>5}  {:44} {:36} {:24} {:>12} {:>10} {:>12}", "node", "where", "kernel", "output", "bytes", "Mflop", "arena")?;
        for planned in &self.nodes {
            let (scope, name, shapes) = &self.labels[&planned.node];
            for (l, once) in planned.once.iter().map(|l| (l, " once")).chain(planned.launches.iter().map(|l| (l, ""))) {
                let tunables: Vec<String> = l.tunables.iter().map(|(n, v)| format!("{n}={v}")).collect();
                let gap = if tunables.is_empty() { "" } else { " " };
                let kernel = format!("{}{gap}{}{once}", l.entry, tunables.join(" "));
                let shape = shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" ");
                let location = match self.locations.get(&Var { node: planned.node, output: 0 }) {
                    Some(Location::Arena(o)) => format!("{}:{:#x}", o.page, o.bytes),
                    Some(Location::State(s)) => format!("{}@{}", s.buffer, s.offset),
                    _ => String::new(),
                };
                let mflop = l.flops as f64 / 1e6;
                let place = if scope.is_empty() { name.clone() } else { format!("{scope} {name}") };
                writeln!(f, "{:>5}  {place:44} {kernel:36} {shape:24} {:>12} {mflop:>10.2} {location:>12}", planned.node, l.bytes)?;
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
