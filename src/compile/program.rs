//! The program: a plan with memory, ready to be replayed.

use super::memory::PlanMemory;
use super::passes::SENTINEL;
use super::plan::{Options, Plan, PlannedNode};
use super::states::States;
use super::uses::changes_state;
use crate::gpu::{Buffer, Device, Launch, Readback, Recording, Region};
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
    inputs: HashMap<String, (Region, Shape)>,
    outputs: HashMap<String, (Region, Shape)>,
    plan: Plan,
    /// With an audit: every value in the order of execution.
    watched: Vec<(Var, Region)>,
    /// With poisoning: the pages and the byte offset behind each value.
    poison: Option<(Vec<Buffer>, Vec<End>)>,
}

/// Page and byte offset behind a value.
type End = (usize, u64);

/// A quiet NaN with a payload that no computation produces.
const POISON: u32 = 0x7fc0_dead;

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
        let output = |(name, v): &(String, Var)| Ok((name.clone(), (memory.region(*v)?, graph.shape(*v).clone())));
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
        self.inputs.get(name).map(|(_, shape)| shape)
    }

    /// Writes an input.
    ///
    /// # Errors
    /// Unknown name or wrong number of values.
    pub fn write(&self, name: &str, values: &[f32]) -> Result<()> {
        self.write_bytes(name, bytemuck::cast_slice(values))
    }

    /// Writes an input of unsigned integers (counters, lengths).
    ///
    /// # Errors
    /// Unknown name or wrong number of values.
    pub fn write_u32(&self, name: &str, values: &[u32]) -> Result<()> {
        self.write_bytes(name, bytemuck::cast_slice(values))
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (region, shape) = self.inputs.get(name).ok_or_else(|| Error::Graph(format!("no input named {name:?}")))?;
        if shape.bytes() != bytes.len() as u64 {
            return Err(Error::shape(format!("input {name}"), shape.to_string(), format!("{} values", bytes.len() / 4)));
        }
        self.device.write(&region.buffer, region.offset, bytes);
        Ok(())
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
        let (region, _) = self.output(name)?;
        Ok(bytemuck::pod_collect_to_vec(&self.device.read(&region)?))
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
            (region, shape) if shape.elements() == 1 => Ok(region),
            (_, shape) => Err(Error::shape(format!("output {name}"), "one value", shape.to_string())),
        };
        Ok(Readback::new(&self.device, names.iter().map(scalar).collect::<Result<_>>()?))
    }

    fn output(&self, name: &str) -> Result<(Region, &Shape)> {
        let (region, shape) = self.outputs.get(name).ok_or_else(|| Error::Graph(format!("no output named {name:?}")))?;
        Ok((region.buffer.region(region.offset, shape.bytes()), shape))
    }

    /// With [`Options::audit`], after a run: the first value in the order of execution that is not finite, and where in the model it was
    /// made.
    ///
    /// # Errors
    /// A device fault.
    pub fn first_bad(&self) -> Result<Option<String>> {
        for (v, region) in &self.watched {
            let words: Vec<u32> = bytemuck::pod_collect_to_vec(&self.device.read(region)?);
            // By bits: no compiler may assume them away.
            let bad = |w: &&u32| *w & 0x7f80_0000 == 0x7f80_0000;
            if let Some(at) = words.iter().position(|w| bad(&w)) {
                let (scope, op) = self.plan.label(v.node);
                let (count, place) = (words.iter().filter(bad).count(), if scope.is_empty() { "the graph" } else { scope });
                let value = f32::from_bits(words[at]);
                return Ok(Some(format!(
                    "node {}, {op} in {place}, output {} of {} values: {count} not finite, the first {value} at {at}",
                    v.node,
                    v.output,
                    words.len()
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
fn watched(graph: &Graph, plan: &Plan, memory: &PlanMemory) -> Result<Vec<(Var, Region)>> {
    let nodes = plan.nodes.iter().map(|n| n.node).filter(|n| !changes_state(graph, *n));
    let values = nodes.flat_map(|node| (0..graph.nodes()[node].shapes.len()).map(move |output| Var { node, output }));
    values.map(|v| Ok((v, memory.region(v)?))).collect()
}
