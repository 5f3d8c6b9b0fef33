//! The symbolic graph: nodes with checked static shapes, no data, no particular op.
//!
//! A node's number is its place in the execution order: a node only reads values of earlier nodes, and state (parameters, moments,
//! running statistics) holds whatever the last earlier node stored there.

mod grad;
mod lowering;
mod recompute;
mod shape;
mod value;

pub use grad::AddFn;
pub use lowering::{Lowering, Operand};
pub use shape::Shape;
pub use value::{NodeId, STATE_ALIGN, StateRef, Var};

use crate::{Error, Result};
use std::any::Any;
use std::sync::Arc;

/// An operation. The graph knows this trait and no particular op.
pub trait Op: Any + Send + Sync {
    /// Name in messages and plans.
    fn name(&self) -> &'static str;

    /// Output shapes, or an error that names the op and the shapes.
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>>;

    /// Gradients of the inputs as new nodes: `Σ_o dy_o · ∂y_o/∂x_i` for every input whose `wanted` is set.
    ///
    /// It is called where some input is wanted and some `dy[o]` is there; `dy[o]` is `None` where nothing depends on output `o`. An
    /// entry of the result is `None` where the input was not wanted, or where it counts as a constant.
    ///
    /// # Errors
    /// The default is for ops without a derivative: it says so, because a gradient left out would make a partial sum of the others.
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let _ = (dy, wanted);
        let what = [g.nodes()[node].scope.as_str(), self.name()].join(" ");
        Err(Error::Graph(format!("{} has no derivative, but a gradient is wanted of what it reads", what.trim_start())))
    }

    /// The launches that compute this node.
    fn lower(&self, cx: &mut Lowering) -> Result<()>;

    /// What must be kept in single precision where other values may be in half.
    fn single(&self) -> Single {
        Single::Nothing
    }

    /// The output is the input's memory under another shape; `lower` is not called.
    fn is_view(&self) -> bool {
        false
    }

    /// Inputs this op changes in place. They must be state; the node is kept even when nobody reads its outputs.
    fn mutates(&self) -> &[usize] {
        &[]
    }

    /// Where output `output` is an input's memory. What is written there must be a value that an op made, not an input of the program, a
    /// constant or state; compiling fails for that, and where somebody reads what was overwritten.
    fn in_place(&self, output: usize) -> Option<InPlace> {
        let _ = output;
        None
    }

    /// The input whose memory output `output` may take over: of equal size, and each of its elements is read by the invocation that
    /// writes the output's element there, before it does, and by no other.
    fn may_alias(&self, output: usize) -> Option<usize> {
        let _ = output;
        None
    }
}

/// Values of an op that need the digits or the range of single precision; half has 11 bits and reaches from 6e-8 to 65504.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// None.
    Nothing,
    /// Outputs but the first: the statistics it is made with, whose rounding would count as often as they are read.
    Statistics,
    /// All outputs.
    Outputs,
    /// Outputs and inputs: powers of a spectrum, logits of losses.
    Operands,
}

/// An output that is an input's memory, into which its op may write; see [`Op::in_place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InPlace {
    /// The input, of equal shape.
    pub input: usize,
    /// What the op changes there.
    pub writes: Writes,
}

/// What an op changes of an input's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Nothing.
    Nothing,
    /// Elements that nobody had written or reads: the input can be read later too.
    Unused,
    /// Elements that the input's maker wrote: who reads the input must do so before.
    Over,
}

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
    /// Scope of the block it belongs to, by which [`Graph::recompute`] goes.
    pub block: Option<Arc<str>>,
    /// Whether [`Graph::backward`] made it.
    pub backward: bool,
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
    /// The open block, and the number of scopes up to it.
    block: Option<(Arc<str>, usize)>,
    /// Whether nodes are being made by [`Graph::backward`].
    backward: bool,
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
        let block = self.block.as_ref().map(|(scope, _)| scope.clone());
        self.nodes.push(Node { kind, inputs, shapes, scope: self.scope(), block, backward: self.backward });
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

    /// Opens a named scope whose inside may be computed a second time; see [`Graph::recompute`]. A block in a block is part of it.
    pub fn enter_block(&mut self, name: &str) {
        self.enter(name);
        if self.block.is_none() {
            self.block = Some((self.scope().into(), self.scope.len()));
        }
    }

    /// Opens a block as [`Graph::enter_block`] does, without a scope of its own, and says whether it did: in a block there is none.
    /// [`Graph::end_block`] closes it.
    pub fn begin_block(&mut self, name: &str) -> bool {
        let opens = self.block.is_none();
        if opens {
            self.block = Some((format!("{}:{name}", self.scope()).into(), self.scope.len()));
        }
        opens
    }

    /// Closes the open block.
    pub fn end_block(&mut self) {
        self.block = None;
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        self.scope.pop();
        self.block.take_if(|(_, scopes)| *scopes > self.scope.len());
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
