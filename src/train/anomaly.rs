//! Steps whose numbers are not finite: where they arose, and how the state comes to be as it was before.

use crate::Result;
use crate::compile::{Options, Program, States};
use crate::graph::{Graph, StateRef};

/// Forward and backward pass for the search, and copies of the state that a step changes whatever its gradients are.
pub(super) struct Anomaly {
    graph: Graph,
    options: Options,
    /// Name of a state buffer, name of its copy, elements.
    kept: Vec<(&'static str, &'static str, usize)>,
}

impl Anomaly {
    /// For a step of `graph`; `kept` names buffers and their copies, both of which exist.
    pub(super) fn new(graph: Graph, options: Options, kept: Vec<(&'static str, &'static str, usize)>) -> Self {
        Anomaly { graph, options: Options { audit: true, ..options }, kept }
    }

    /// Before a step: copies what only a step that succeeds may change.
    ///
    /// # Errors
    /// A missing buffer.
    pub(super) fn keep(&self, states: &States) -> Result<()> {
        for (buffer, copy, elements) in &self.kept {
            let at = |name: &str| states.region(&StateRef { buffer: name.into(), offset: 0 }, *elements);
            // Not a change of state: what was prepared from weights stays.
            states.device().copy(&at(buffer)?, &at(copy)?);
        }
        Ok(())
    }

    /// After a step that failed: puts it back.
    ///
    /// # Errors
    /// A missing buffer.
    pub(super) fn undo(&self, states: &States) -> Result<()> {
        self.kept.iter().try_for_each(|(buffer, copy, elements)| states.copy(copy, buffer, *elements))
    }

    /// Forward and backward pass again, each value in memory of its own and state left alone: its
    /// [`Program::first_bad`] is what the search is for.
    ///
    /// # Errors
    /// Device faults.
    pub(super) fn program(&self, states: &States) -> Result<Program> {
        Program::new(&self.graph, states, self.options.clone())
    }
}
