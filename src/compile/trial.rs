//! A computation tried out by itself: a graph of nothing else, compiled, run and timed; its outputs, its gradients alone, or both.

use super::{Options, Program, States};
use crate::Result;
use crate::gpu::Launch;
use crate::graph::{Graph, Node, NodeKind, Operand, Shape, StateRef, Var};
use crate::ops;
use std::time::Duration;

/// What is wanted of a computation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialPass {
    /// The outputs.
    Forward,
    /// The gradients of these inputs, without the outputs.
    Gradient(Vec<usize>),
    /// The outputs and the gradients of these inputs.
    Both(Vec<usize>),
}

/// The graph of what `build` makes of `inputs`, each written by the host as `x<i>` or kept in state. Outputs are `y<o>`; gradients
/// `dx<i>` for the upstream gradients `dy<o>` of the outputs that `seeded` names.
///
/// # Errors
/// Those of `build` and of the gradient.
pub fn assemble(
    inputs: &[(Shape, Option<StateRef>)],
    pass: &TrialPass,
    seeded: &dyn Fn(usize) -> bool,
    build: impl FnOnce(&mut Graph, &mut [Var]) -> Result<Vec<Var>>,
) -> Result<Graph> {
    let mut g = Graph::new();
    let leaf = |(i, (shape, place)): (usize, &(Shape, Option<StateRef>))| match place {
        Some(place) => g.state(place.clone(), shape.clone()),
        None => g.input(&format!("x{i}"), shape.clone()),
    };
    let mut x: Vec<Var> = inputs.iter().enumerate().map(leaf).collect();
    let outputs = build(&mut g, &mut x)?;
    if !matches!(pass, TrialPass::Gradient(_)) {
        outputs.iter().enumerate().for_each(|(o, y)| g.output(&format!("y{o}"), *y));
    }
    if let TrialPass::Gradient(wanted) | TrialPass::Both(wanted) = pass
        && !wanted.is_empty()
    {
        let mut upstream = Vec::new();
        for (o, y) in outputs.iter().enumerate().filter(|(o, _)| seeded(*o)) {
            let shape = g.shape(*y).clone();
            upstream.push((*y, g.input(&format!("dy{o}"), shape)));
        }
        let leaves: Vec<Var> = wanted.iter().map(|&i| x[i]).collect();
        for (i, d) in wanted.iter().zip(ops::grad_from(&mut g, &upstream, &leaves)?) {
            g.output(&format!("dx{i}"), d);
        }
    }
    Ok(g)
}

/// A compiled computation with a clock on its launches.
pub struct Trial {
    /// What runs.
    pub program: Program,
    /// Inputs that the host writes, in the order they were declared.
    pub inputs: Vec<(String, Shape)>,
    /// Names of the results.
    pub outputs: Vec<String>,
    /// Which launches are timed.
    timed: Vec<bool>,
}

impl Trial {
    /// Compiles a graph of [`assemble`]. Of gradients alone, the forward pass they need is not timed.
    ///
    /// # Errors
    /// See [`Program::new`].
    pub fn new(graph: &Graph, states: &States, pass: &TrialPass, options: Options) -> Result<Trial> {
        let program = Program::new(graph, states, options)?;
        let all = !matches!(pass, TrialPass::Gradient(_));
        let plan = program.plan();
        let timed = plan.nodes.iter().flat_map(|n| n.launches.iter().map(move |_| all || n.backward)).collect();
        let host = |node: &Node| match &node.kind {
            NodeKind::Input(name) => Some((name.clone(), node.shapes[0].clone())),
            _ => None,
        };
        let inputs = graph.nodes().iter().filter_map(host).collect();
        let outputs = graph.outputs().iter().map(|(name, _)| name.clone()).collect();
        Ok(Trial { program, inputs, outputs, timed })
    }

    /// The launches that are timed.
    pub fn launches(&self) -> Vec<&Launch<Operand>> {
        let all = self.program.plan().nodes.iter().flat_map(|n| &n.launches);
        all.zip(&self.timed).filter(|(_, timed)| **timed).map(|(l, _)| l).collect()
    }

    /// Floating-point operations and bytes moved by them.
    pub fn cost(&self) -> (u64, u64) {
        self.launches().iter().fold((0, 0), |(flops, bytes), l| (flops + l.flops, bytes + l.bytes))
    }

    /// Runs once: how long each of them took.
    ///
    /// # Errors
    /// A device fault.
    pub fn times(&self) -> Result<Vec<Duration>> {
        let times = self.program.run_timed()?;
        Ok(times.into_iter().zip(&self.timed).filter(|(_, timed)| **timed).map(|(t, _)| t).collect())
    }

    /// Runs once: how long they took together.
    ///
    /// # Errors
    /// A device fault.
    pub fn time(&self) -> Result<Duration> {
        Ok(self.times()?.iter().sum())
    }
}
