//! A node on its way to launches.

use super::shape::Shape;
use super::value::{NodeId, Var};
use crate::gpu::Launch;
use crate::kernels::{Problem, Target};

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
    target: &'a Target,
    node: NodeId,
    inputs: &'a [Var],
    input_shapes: Vec<&'a Shape>,
    output_shapes: &'a [Shape],
    /// Launches in order, and the input on which one depends alone.
    pub(crate) launches: Vec<(Launch<Operand>, Option<usize>)>,
    /// Elements of each scratch region.
    pub(crate) scratch: Vec<usize>,
    /// What several variants could have computed.
    pub(crate) problem: Option<Problem>,
}

impl<'a> Lowering<'a> {
    /// Of node `node`, which makes values of `output_shapes` from `inputs`.
    pub(crate) fn new(
        target: &'a Target,
        node: NodeId,
        inputs: &'a [Var],
        input_shapes: Vec<&'a Shape>,
        output_shapes: &'a [Shape],
    ) -> Self {
        let (launches, scratch) = (Vec::new(), Vec::new());
        Lowering { target, node, inputs, input_shapes, output_shapes, launches, scratch, problem: None }
    }

    /// What the launches are for: the adapter's capabilities and the compiler's choices.
    pub fn target(&self) -> &'a Target {
        self.target
    }

    /// Notes that the launches are one of several ways to solve `problem`, for a tuner.
    pub fn note_problem(&mut self, problem: impl Into<Problem>) {
        self.problem = Some(problem.into());
    }

    /// Input `i` as an operand.
    pub fn input(&self, i: usize) -> Operand {
        Operand::Value(self.inputs[i])
    }

    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// Output `o` as an operand.
    pub fn output(&self, o: usize) -> Operand {
        Operand::Value(Var { node: self.node, output: o })
    }

    /// Shape of input `i`.
    pub fn input_shape(&self, i: usize) -> &Shape {
        self.input_shapes[i]
    }

    /// Shape of output `o`.
    pub fn output_shape(&self, o: usize) -> &Shape {
        &self.output_shapes[o]
    }

    /// Reserves `elements` of scratch memory for this node.
    pub fn scratch(&mut self, elements: usize) -> Operand {
        self.scratch.push(elements);
        Operand::Scratch(self.node, self.scratch.len() - 1)
    }

    /// Adds a launch that fills scratch from input `i` alone. Where that is state the program does not change (the weights of a frozen or
    /// an evaluated network), it runs once and again when somebody else has changed the state, not every time.
    pub fn launch_once_per(&mut self, i: usize, launch: Launch<Operand>) {
        self.launches.push((launch, Some(i)));
    }

    /// Adds a launch.
    pub fn launch(&mut self, launch: Launch<Operand>) {
        self.launches.push((launch, None));
    }
}
