//! Names of values: outputs of nodes and places in state.

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
