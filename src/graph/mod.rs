//! The symbolic graph: nodes with checked static shapes, no data, no particular op.
//!
//! A node's number is its place in the execution order: a node only reads values of earlier nodes, and state (parameters, moments,
//! running statistics) holds whatever the last earlier node stored there.

mod grad;
mod op;
mod recompute;
mod shape;

pub use grad::AddFn;
pub use op::{Lowering, Op, Operand, Producer};
pub use shape::Shape;

use crate::{Error, Result};
use std::sync::Arc;

/// Number of a node; also its place in the execution order.
pub type NodeId = usize;

/// One output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: usize,
}

/// A place in a named state buffer: `offset` counts elements and is a multiple of [`STATE_ALIGN`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateRef {
    /// Name of the state buffer.
    pub buffer: String,
    /// First element.
    pub offset: usize,
}

/// Elements between the starts of neighbours in a state buffer (256 bytes, WebGPU's strictest storage alignment).
pub const STATE_ALIGN: usize = 64;

/// What a node is.
#[derive(Clone)]
pub enum NodeKind {
    /// A value the host writes before each run.
    Input(String),
    /// Constant data.
    Constant(Arc<[f32]>),
    /// A region of a state buffer, which outlives the program.
    State(StateRef),
    /// Writes its input into a region of a state buffer.
    Store(StateRef),
    /// An op.
    Op(Arc<dyn Op>),
}

/// A node: what it is, what it reads and the shapes it makes.
#[derive(Clone)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// What it reads.
    pub inputs: Vec<Var>,
    /// Shapes of its outputs.
    pub shapes: Vec<Shape>,
    /// Where in the model it was made (`layer1.0.conv1`), for plans and messages.
    pub scope: String,
}

impl Node {
    /// Op name, or the kind of leaf.
    pub fn name(&self) -> &str {
        match &self.kind {
            NodeKind::Input(_) => "input",
            NodeKind::Constant(_) => "constant",
            NodeKind::State(_) => "state",
            NodeKind::Store(_) => "store",
            NodeKind::Op(op) => op.name(),
        }
    }
}

/// A symbolic computation.
#[derive(Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<(String, Var)>,
    scope: Vec<String>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// All nodes in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Named results, in the order they were declared.
    pub fn outputs(&self) -> &[(String, Var)] {
        &self.outputs
    }

    /// Inputs of a node.
    pub fn inputs(&self, node: NodeId) -> &[Var] {
        &self.nodes[node].inputs
    }

    /// Shape of a value.
    pub fn shape(&self, v: Var) -> &Shape {
        &self.nodes[v.node].shapes[v.output]
    }

    /// Output `o` of a node.
    pub fn output_of(&self, node: NodeId, o: usize) -> Var {
        Var { node, output: o }
    }

    fn push(&mut self, kind: NodeKind, inputs: Vec<Var>, shapes: Vec<Shape>) -> NodeId {
        self.nodes.push(Node { kind, inputs, shapes, scope: self.scope() });
        self.nodes.len() - 1
    }

    /// A value the host writes before each run with [`Program::write`](crate::compile::Program::write).
    pub fn input(&mut self, name: &str, shape: impl Into<Shape>) -> Var {
        let node = self.push(NodeKind::Input(name.to_string()), vec![], vec![shape.into()]);
        Var { node, output: 0 }
    }

    /// Constant data of the given shape.
    ///
    /// # Errors
    /// When the number of values is not the shape's.
    pub fn constant(&mut self, shape: impl Into<Shape>, data: &[f32]) -> Result<Var> {
        let shape = shape.into();
        if shape.elements() != data.len() {
            return Err(Error::shape("constant", format!("{} values for {shape}", shape.elements()), data.len().to_string()));
        }
        let node = self.push(NodeKind::Constant(data.into()), vec![], vec![shape]);
        Ok(Var { node, output: 0 })
    }

    /// A region of a state buffer as a value.
    pub fn state(&mut self, place: StateRef, shape: impl Into<Shape>) -> Var {
        let node = self.push(NodeKind::State(place), vec![], vec![shape.into()]);
        Var { node, output: 0 }
    }

    /// Writes `value` into a region of a state buffer. Later nodes that read the region see it.
    pub fn store(&mut self, value: Var, place: StateRef) {
        self.push(NodeKind::Store(place), vec![value], vec![]);
    }

    /// Adds an op and returns its outputs.
    ///
    /// # Errors
    /// The op's own shape error, prefixed by where in the model it happened.
    pub fn apply(&mut self, op: impl Op + 'static, inputs: &[Var]) -> Result<Vec<Var>> {
        let shapes: Vec<Shape> = inputs.iter().map(|v| self.shape(*v).clone()).collect();
        let outputs = op.shapes(&shapes).map_err(|e| match e {
            Error::Shape { op, expected, got } if !self.scope.is_empty() => {
                Error::Shape { op: format!("{} ({op})", self.scope.join(".")), expected, got }
            }
            e => e,
        })?;
        let n = outputs.len();
        let node = self.push(NodeKind::Op(Arc::new(op)), inputs.to_vec(), outputs);
        Ok((0..n).map(|output| Var { node, output }).collect())
    }

    /// Adds an op with one output.
    ///
    /// # Errors
    /// See [`Graph::apply`].
    pub fn apply1(&mut self, op: impl Op + 'static, inputs: &[Var]) -> Result<Var> {
        let outputs = self.apply(op, inputs)?;
        outputs.first().copied().ok_or_else(|| Error::Graph("the op has no output".into()))
    }

    /// Puts another op with the same outputs in the place of a node's.
    pub(crate) fn replace(&mut self, node: NodeId, op: Arc<dyn Op>, inputs: Vec<Var>) {
        self.nodes[node].kind = NodeKind::Op(op);
        self.nodes[node].inputs = inputs;
    }

    /// Declares `value` as a result readable under `name`.
    pub fn output(&mut self, name: &str, value: Var) {
        self.outputs.push((name.to_string(), value));
    }

    /// Opens a named scope: nodes made until [`Graph::leave`] carry it, errors mention it.
    pub fn enter(&mut self, name: &str) {
        self.scope.push(name.to_string());
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        self.scope.pop();
    }

    /// The open scopes, dotted.
    pub fn scope(&self) -> String {
        self.scope.join(".")
    }

    /// Names what `f` builds.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn scoped<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.enter(name);
        let out = f(self);
        self.leave();
        out
    }
}
