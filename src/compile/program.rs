//! The program: a plan with memory, ready to be replayed.

use super::plan::{Home, Options, Plan, Row, SENTINEL};
use super::states::States;
use crate::gpu::{Buffer, Device, Launch, Readback, Recording, Region};
use crate::graph::{Graph, NodeKind, Operand, Shape, Var};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A compiled graph: write inputs, run, read outputs. Nothing is allocated or checked per run.
pub struct Program {
    device: Arc<Device>,
    recording: Recording,
    /// What is made from state the program does not change, and the version of the state it was made from.
    prepared: Recording,
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
        let needed = plan.arena_bytes() + states.sizes().map(|(_, b)| b).sum::<u64>();
        if let Some(available) = device.caps().memory_budget.filter(|&a| needed > a) {
            return Err(Error::OutOfMemory { needed, available, fits_batch: None });
        }
        let pages = plan.pages.iter().map(|&size| device.buffer("arena", size)).collect::<Result<Vec<_>>>()?;
        let mut inputs = HashMap::new();
        let mut constants = HashMap::new();
        for (n, node) in graph.nodes().iter().enumerate() {
            match &node.kind {
                NodeKind::Input(name) => {
                    let region = device.buffer(name, node.shapes[0].bytes())?.all();
                    if inputs.insert(name.clone(), (region, node.shapes[0].clone())).is_some() {
                        return Err(Error::Graph(format!("two inputs are named {name:?}")));
                    }
                }
                NodeKind::Constant(data) if plan.homes.contains_key(&Var { node: n, output: 0 }) => {
                    let buffer = device.buffer("constant", 4 * data.len() as u64)?;
                    device.write(&buffer, 0, bytemuck::cast_slice(data));
                    constants.insert(n, buffer.all());
                }
                _ => {}
            }
        }
        let elements = |v: Var| match &graph.nodes()[v.node].kind {
            NodeKind::Store(_) => graph.shape(graph.inputs(v.node)[0]).elements(),
            _ => graph.shape(v).elements(),
        };
        let region = |v: Var| -> Result<Region> {
            let n = elements(v);
            match plan.homes.get(&v) {
                Some(Home::Input(name)) => Ok(inputs[name].0.clone()),
                Some(Home::Constant(c)) => Ok(constants[c].clone()),
                Some(Home::State(place)) => states.region(place, n),
                Some(Home::Arena(s)) => Ok(pages[s.page].region(s.offset, (4 * n as u64).max(4))),
                None => Err(Error::Graph(format!("node {} has no memory", v.node))),
            }
        };
        let bound = |launch: &Launch<Operand>| {
            launch.map(|operand| match operand {
                Operand::Value(v) => region(*v),
                Operand::Scratch(n, i) => {
                    let (slot, elements) = plan.scratch[&(*n, *i)];
                    Ok(pages[slot.page].region(slot.offset, (4 * elements as u64).max(4)))
                }
            })
        };
        let all = |part: fn(&Row) -> &Vec<Launch<Operand>>| plan.rows.iter().flat_map(part).map(bound).collect::<Result<Vec<_>>>();
        let recording = device.record(&all(|r| &r.launches)?)?;
        let prepared = device.record(&all(|r| &r.prepared)?)?;
        let mut outputs = HashMap::new();
        for (name, v) in graph.outputs() {
            outputs.insert(name.clone(), (region(*v)?, graph.shape(*v).clone()));
        }
        let mut watched = Vec::new();
        if options.audit {
            let kept = |n: &usize| !matches!(&graph.nodes()[*n].kind, NodeKind::Op(op) if !op.writes().is_empty());
            for n in plan.rows.iter().map(|r| r.node).filter(kept) {
                for v in (0..graph.nodes()[n].shapes.len()).map(|output| Var { node: n, output }) {
                    watched.push((v, region(v)?));
                }
            }
        }
        let poison = options.poison.then(|| {
            let ends = plan.homes.iter().filter_map(|(v, h)| match h {
                Home::Arena(s) => Some((s.page, s.offset + 4 * elements(*v) as u64)),
                _ => None,
            });
            let scratch = plan.scratch.values().map(|(s, n)| (s.page, s.offset + 4 * *n as u64));
            let ends = ends.chain(scratch).collect();
            (pages, ends)
        });
        let (version, made_from) = (states.version(), AtomicU64::new(u64::MAX));
        Ok(Program { device, recording, prepared, made_from, version, inputs, outputs, plan, watched, poison })
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
        self.prepare()?;
        self.device.replay(&self.recording)
    }

    /// Runs once, waits, and returns how long each launch took, in the order of the plan's rows. What is only prepared
    /// again when weights change is not among them. See [`Device::replay_timed`].
    ///
    /// # Errors
    /// A device fault.
    pub fn run_timed(&self) -> Result<Vec<Duration>> {
        self.prepare()?;
        self.device.replay_timed(&self.recording)
    }

    /// What comes before the launches of a run: poison, and what is made from state that changed since.
    fn prepare(&self) -> Result<()> {
        for page in self.poison.iter().flat_map(|(pages, _)| pages) {
            let nan: Vec<u32> = vec![POISON; (page.size() / 4) as usize];
            self.device.write(page, 0, bytemuck::cast_slice(&nan));
        }
        let before = self.version.load(Ordering::Relaxed);
        if self.made_from.load(Ordering::Relaxed) != before || self.poison.is_some() {
            self.device.replay(&self.prepared)?;
        }
        // Its own changes are not to what it prepared.
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
    /// let mut scalars = program.scalars(&["loss", "norm"])?;
    /// let mut last = None;
    /// for step in 1..=3 {
    ///     program.write("x", &[step as f32])?;
    ///     program.run()?;
    ///     let now = scalars.submit()?;
    ///     // Run `step` is under way; these are the values of the run before it.
    ///     if let Some(before) = last.replace(now) {
    ///         assert_eq!(scalars.take(before)?, [step as f32 - 1.0, 2.0 * (step as f32 - 1.0)]);
    ///     }
    /// }
    /// if let Some(before) = last {
    ///     assert_eq!(scalars.take(before)?, [3.0, 6.0]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Unknown name, or an output of several values.
    pub fn scalars(&self, names: &[&str]) -> Result<Readback> {
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
