//! The program: a plan with memory, ready to be replayed.

use super::memory::PlanMemory;
use super::passes::SENTINEL;
use super::plan::{Options, Plan, PlannedNode};
use super::states::States;
use super::tensor::Tensor;
use super::uses::changes_state;
use crate::gpu::{Buffer, Device, Launch, Readback, Recording};
use crate::graph::{Graph, Operand, Shape, Var};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A compiled graph: write inputs, run, read outputs. A run allocates and checks nothing.
pub struct Program {
    device: Arc<Device>,
    recording: Recording,
    /// What is made from state the program does not change, and the version of the state it was made from.
    once: Recording,
    made_from: AtomicU64,
    version: Arc<AtomicU64>,
    inputs: HashMap<String, Tensor>,
    outputs: HashMap<String, Tensor>,
    plan: Plan,
    /// With an audit: every value in the order of execution.
    watched: Vec<(Var, Tensor)>,
    /// With poisoning: the pages and the byte offset behind each value.
    poison: Option<(Vec<Buffer>, Vec<End>)>,
}

/// Page and byte offset behind a value.
type End = (usize, u64);

/// A quiet NaN with a payload that no computation produces, and two NaNs in half precision.
const POISON: u32 = 0x7fc0_7ead;

impl Program {
    /// Compiles `graph` against `states`.
    ///
    /// # Errors
    /// Shape and lowering errors; [`Error::OutOfMemory`] before anything is allocated when the plan exceeds the device's budget.
    pub fn new(graph: &Graph, states: &States, options: Options) -> Result<Program> {
        let device = states.device().clone();
        let plan = Plan::new(graph, &device, options.clone())?;
        let memory = PlanMemory::new(graph, &plan, states)?;
        let record = |part: fn(&PlannedNode) -> &Vec<Launch<Operand>>| {
            let launches = plan.nodes.iter().flat_map(part).map(|l| memory.bound(l)).collect::<Result<Vec<_>>>()?;
            device.record(&launches)
        };
        let (recording, once) = (record(|n| &n.launches)?, record(|n| &n.once)?);
        let output = |(name, v): &(String, Var)| Ok((name.clone(), memory.tensor(*v)?));
        let outputs = graph.outputs().iter().map(output).collect::<Result<_>>()?;
        let watched = if options.audit { watched(graph, &plan, &memory)? } else { Vec::new() };
        let ends = options.poison.then(|| memory.ends());
        let PlanMemory { pages, inputs, .. } = memory;
        let poison = ends.map(|ends| (pages, ends));
        let (version, made_from) = (states.version(), AtomicU64::new(u64::MAX));
        Ok(Program { device, recording, once, made_from, version, inputs, outputs, plan, watched, poison })
    }

    /// The plan it was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The device it runs on.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Whether it has an input of that name.
    pub fn has_input(&self, name: &str) -> bool {
        self.inputs.contains_key(name)
    }

    /// The shape of an input.
    pub fn input_shape(&self, name: &str) -> Option<&Shape> {
        self.inputs.get(name).map(|t| &t.shape)
    }

    /// Whether an input is kept in half precision.
    pub fn halves(&self, name: &str) -> bool {
        self.inputs.get(name).is_some_and(|t| t.half)
    }

    /// Writes an input.
    ///
    /// # Errors
    /// Unknown name or wrong number of values.
    pub fn write(&self, name: &str, values: &[f32]) -> Result<()> {
        let input = self.input(name, values.len())?;
        self.device.write(&input.region.buffer, input.region.offset, &input.encode(values));
        Ok(())
    }

    /// Writes an input of unsigned integers (counters, lengths).
    ///
    /// # Errors
    /// Unknown name or wrong number of values.
    pub fn write_u32(&self, name: &str, values: &[u32]) -> Result<()> {
        let input = self.input(name, values.len())?;
        self.device.write(&input.region.buffer, input.region.offset, bytemuck::cast_slice(values));
        Ok(())
    }

    /// The input `name`, which takes `n` values.
    fn input(&self, name: &str, n: usize) -> Result<&Tensor> {
        let input = self.inputs.get(name).ok_or_else(|| Error::Graph(format!("no input named {name:?}")))?;
        match input.shape.elements() == n {
            true => Ok(input),
            false => Err(Error::shape(format!("input {name}"), input.shape.to_string(), format!("{n} values"))),
        }
    }

    /// Runs once. Does not wait for the device.
    ///
    /// # Errors
    /// A fault the driver has reported.
    pub fn run(&self) -> Result<()> {
        self.begin()?;
        self.device.replay(&self.recording)
    }

    /// Runs once, waits, and returns how long each launch took, in the order of the plan's steps. What runs
    /// again only when weights change is not among them. See [`Device::replay_timed`].
    ///
    /// # Errors
    /// A device fault.
    pub fn run_timed(&self) -> Result<Vec<Duration>> {
        self.begin()?;
        self.device.replay_timed(&self.recording)
    }

    /// What comes before the launches of a run: poison, and what is made from state that changed since.
    fn begin(&self) -> Result<()> {
        for page in self.poison.iter().flat_map(|(pages, _)| pages) {
            let nan: Vec<u32> = vec![POISON; (page.size() / 4) as usize];
            self.device.write(page, 0, bytemuck::cast_slice(&nan));
        }
        let before = self.version.load(Ordering::Relaxed);
        if self.made_from.load(Ordering::Relaxed) != before || self.poison.is_some() {
            self.device.replay(&self.once)?;
        }
        // What a run itself changes is not what `once` was made from.
        let after = if self.plan.changes_state { self.version.fetch_add(1, Ordering::Relaxed) + 1 } else { before };
        self.made_from.store(after, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for the device and reads an output.
    ///
    /// # Errors
    /// Unknown name, or a device fault.
    pub fn read(&self, name: &str) -> Result<Vec<f32>> {
        let output = self.output(name)?;
        Ok(output.decode(&self.device.read(&output.region)?))
    }

    /// A standing read-back of outputs of one value each, in one copy and without an allocation per run: at once, or a run late, so that
    /// the device works while the host looks at the numbers.
    ///
    /// ```
    /// # use emotone::{compile::{Options, Program, States}, gpu::{AdapterRequest, Device}, graph::Graph, ops};
    /// # fn main() -> emotone::Result<()> {
    /// # let Ok(device) = Device::open(&AdapterRequest::from_env()) else { return Ok(()) };
    /// # let mut g = Graph::new();
    /// # let x = g.input("x", [1]);
    /// # let twice = ops::add(&mut g, x, x)?;
    /// # g.output("loss", x);
    /// # g.output("norm", twice);
    /// # let program = Program::new(&g, &States::new(&device), Options::default())?;
    /// let mut readback = program.readback(&["loss", "norm"])?;
    /// let mut last = None;
    /// for step in 1..=3 {
    ///     program.write("x", &[step as f32])?;
    ///     program.run()?;
    ///     let now = readback.submit()?;
    ///     // Run `step` is under way; these are the values of the run before it.
    ///     if let Some(before) = last.replace(now) {
    ///         assert_eq!(readback.take(before)?, [step as f32 - 1.0, 2.0 * (step as f32 - 1.0)]);
    ///     }
    /// }
    /// if let Some(before) = last {
    ///     assert_eq!(readback.take(before)?, [3.0, 6.0]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Unknown name, or an output of several values.
    pub fn readback(&self, names: &[&str]) -> Result<Readback> {
        let scalar = |name: &&str| match self.output(name)? {
            output if output.shape.elements() == 1 && !output.half => Ok(output.region.clone()),
            output => Err(Error::shape(format!("output {name}"), "one value", output.shape.to_string())),
        };
        Ok(Readback::new(&self.device, names.iter().map(scalar).collect::<Result<_>>()?))
    }

    fn output(&self, name: &str) -> Result<&Tensor> {
        self.outputs.get(name).ok_or_else(|| Error::Graph(format!("no output named {name:?}")))
    }

    /// With [`Options::audit`], after a run: the first value in the order of execution that is not finite, and where in the model it was
    /// made.
    ///
    /// # Errors
    /// A device fault.
    pub fn first_bad(&self) -> Result<Option<String>> {
        for (v, tensor) in &self.watched {
            let values = tensor.decode(&self.device.read(&tensor.region)?);
            // By bits: no compiler may assume them away.
            let bad = |v: &&f32| v.to_bits() & 0x7f80_0000 == 0x7f80_0000;
            if let Some(at) = values.iter().position(|v| bad(&v)) {
                let (scope, op) = self.plan.label(v.node);
                let (count, place) = (values.iter().filter(bad).count(), if scope.is_empty() { "the graph" } else { scope });
                let value = values[at];
                return Ok(Some(format!(
                    "node {}, {op} in {place}, output {} of {} values: {count} not finite, the first {value} at {at}",
                    v.node,
                    v.output,
                    values.len()
                )));
            }
        }
        Ok(None)
    }

    /// With poisoning: the number of values a kernel wrote past the end of.
    ///
    /// # Errors
    /// A device fault.
    pub fn overruns(&self) -> Result<usize> {
        let Some((pages, ends)) = &self.poison else { return Ok(0) };
        let mut broken = 0;
        for (p, page) in pages.iter().enumerate() {
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&self.device.read(&page.all())?);
            for (_, end) in ends.iter().filter(|(q, _)| *q == p) {
                let at = (*end / 4) as usize;
                broken += usize::from(words[at..at + (SENTINEL / 4) as usize].iter().any(|&w| w != POISON));
            }
        }
        Ok(broken)
    }
}

/// Every value in the order of execution, but what stays unchanged in an audit.
fn watched(graph: &Graph, plan: &Plan, memory: &PlanMemory) -> Result<Vec<(Var, Tensor)>> {
    let nodes = plan.nodes.iter().map(|n| n.node).filter(|n| !changes_state(graph, *n));
    let values = nodes.flat_map(|node| (0..graph.nodes()[node].shapes.len()).map(move |output| Var { node, output }));
    values.map(|v| Ok((v, memory.tensor(v)?))).collect()
}
