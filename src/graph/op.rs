//! What the graph asks of an op.

use super::{Graph, NodeId, Shape, Var};
use crate::Result;
use crate::gpu::Launch;
use crate::kernels::Target;
use crate::kernels::choices::Request;
use std::any::Any;
use std::sync::Arc;

/// A differentiable operation. The graph knows this trait and no particular op.
pub trait Op: Any + Send + Sync {
    /// Name in messages and plans.
    fn name(&self) -> &'static str;

    /// Output shapes, or an error that names the op and the shapes.
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>>;

    /// Gradients of the inputs as new nodes: `Σ_o dy_o · ∂y_o/∂x_i` for every input whose `wanted` is set.
    ///
    /// `dy[o]` is `None` where nothing depends on output `o`. An entry of the result is `None` where the input is not
    /// differentiable or was not wanted. The default is for ops without a derivative.
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let _ = (dy, g, node);
        Ok(vec![None; wanted.len()])
    }

    /// The launches that compute this node.
    fn lower(&self, cx: &mut Lowering) -> Result<()>;

    /// The output is the input's memory under another shape; `lower` is not called.
    fn is_view(&self) -> bool {
        false
    }

    /// One op that computes this one's output from the producer's inputs followed by this one's others, where there is one. Used when
    /// nothing else reads what the producer makes, after differentiation.
    fn absorb(&self, producer: &Producer) -> Option<Arc<dyn Op>> {
        let _ = producer;
        None
    }

    /// Inputs this op overwrites in place. They must be state; the node is kept even when nobody reads its outputs.
    fn writes(&self) -> &[usize] {
        &[]
    }

    /// The input whose memory output `output` may take over: of equal size, and each of its elements is read by the invocation that
    /// writes the output's element there, before it does, and by no other.
    fn overwrites(&self, output: usize) -> Option<usize> {
        let _ = output;
        None
    }
}

/// The maker of a value, offered to the op that alone reads it.
pub struct Producer<'a> {
    /// The op, with one output.
    pub op: &'a dyn Op,
    /// Which input of the reader it makes.
    pub input: usize,
    /// Number of its own inputs.
    pub taken: usize,
    /// Whether the reader sees the value under another shape.
    pub viewed: bool,
    /// Shapes of the producer's inputs and of the reader's others.
    pub shapes: &'a [Shape],
}

impl Producer<'_> {
    /// The producer, if it is an op of that type.
    pub fn is<T: Op>(&self) -> Option<&T> {
        (self.op as &dyn Any).downcast_ref()
    }
}

/// An operand of a launch while a node is lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A graph value.
    Value(Var),
    /// Memory that lives only during the node: `(node, index)`.
    Scratch(NodeId, usize),
}

/// Collects the launches of one node.
pub struct Lowering<'a> {
    graph: &'a Graph,
    target: &'a Target,
    node: NodeId,
    /// Launches in order.
    pub(crate) launches: Vec<Launch<Operand>>,
    /// Launches that depend on one input alone: place in `launches`, input.
    pub(crate) prepared: Vec<(usize, usize)>,
    /// Elements of each scratch region.
    pub(crate) scratch: Vec<usize>,
    /// What several variants could have computed.
    pub(crate) request: Option<Request>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(graph: &'a Graph, target: &'a Target, node: NodeId) -> Self {
        Lowering { graph, target, node, launches: Vec::new(), prepared: Vec::new(), scratch: Vec::new(), request: None }
    }

    /// What the launches are for: the adapter's capabilities and the compiler's choices.
    pub fn target(&self) -> &Target {
        self.target
    }

    /// Notes that the launches are one of several ways to compute `request`, for a tuner.
    pub fn request(&mut self, request: Request) {
        self.request = Some(request);
    }

    /// Input `i` as an operand.
    pub fn input(&self, i: usize) -> Operand {
        Operand::Value(self.graph.inputs(self.node)[i])
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.graph.inputs(self.node).len()
    }

    /// Output `o` as an operand.
    pub fn output(&self, o: usize) -> Operand {
        Operand::Value(Var { node: self.node, output: o })
    }

    /// Shape of input `i`.
    pub fn input_shape(&self, i: usize) -> &Shape {
        self.graph.shape(self.graph.inputs(self.node)[i])
    }

    /// Shape of output `o`.
    pub fn output_shape(&self, o: usize) -> &Shape {
        self.graph.shape(Var { node: self.node, output: o })
    }

    /// Reserves `elements` of scratch memory for this node.
    pub fn scratch(&mut self, elements: usize) -> Operand {
        self.scratch.push(elements);
        Operand::Scratch(self.node, self.scratch.len() - 1)
    }

    /// Adds a launch that fills scratch from input `i` alone. Where that is state the program does not change (the weights of a frozen or
    /// an evaluated network), it runs once and again when somebody else has changed the state, not every time.
    pub fn prepare(&mut self, launch: Launch<Operand>, i: usize) {
        self.prepared.push((self.launches.len(), i));
        self.launches.push(launch);
    }

    /// Adds a launch.
    pub fn launch(&mut self, launch: Launch<Operand>) {
        self.launches.push(launch);
    }
}
