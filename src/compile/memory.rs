//! A plan's memory on a device: pages, inputs and constants.

use super::plan::{Location, Plan};
use super::states::States;
use super::tensor::{self, Tensor};
use crate::gpu::{Buffer, Device, Launch, Region};
use crate::graph::{Graph, NodeId, NodeKind, Operand, Var};
use crate::{Error, Result};
use std::collections::HashMap;

/// Buffers for everything a plan places, beside the state.
pub(super) struct PlanMemory<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    states: &'a States,
    pub pages: Vec<Buffer>,
    pub inputs: HashMap<String, Tensor>,
    constants: HashMap<NodeId, Region>,
}

impl<'a> PlanMemory<'a> {
    /// Allocates, and writes the constants.
    pub fn new(graph: &'a Graph, plan: &'a Plan, states: &'a States) -> Result<Self> {
        let device = states.device();
        let needed = plan.arena_bytes() + states.sizes().map(|(_, b)| b).sum::<u64>();
        if let Some(available) = device.caps().memory_budget.filter(|&a| needed > a) {
            return Err(Error::OutOfMemory { needed, available, fits_batch: None });
        }
        let pages = plan.pages.iter().map(|&size| device.buffer("arena", size)).collect::<Result<_>>()?;
        let mut memory = PlanMemory { graph, plan, states, pages, inputs: HashMap::new(), constants: HashMap::new() };
        for (n, node) in graph.nodes().iter().enumerate() {
            match &node.kind {
                NodeKind::Input(name) => memory.input(device, name, Var { node: n, output: 0 })?,
                NodeKind::Constant(data) if plan.locations.contains_key(&Var { node: n, output: 0 }) => {
                    let buffer = device.buffer("constant", 4 * data.len() as u64)?;
                    device.write(&buffer, 0, bytemuck::cast_slice(data));
                    memory.constants.insert(n, buffer.all());
                }
                _ => {}
            }
        }
        Ok(memory)
    }

    fn input(&mut self, device: &Device, name: &str, v: Var) -> Result<()> {
        let (shape, half) = (self.graph.shape(v).clone(), self.plan.halves.contains(&v));
        let region = device.buffer(name, tensor::bytes(shape.elements(), half))?.all();
        match self.inputs.insert(name.to_string(), Tensor { region, shape, half }) {
            None => Ok(()),
            Some(_) => Err(Error::Graph(format!("two inputs are named {name:?}"))),
        }
    }

    /// Elements of a value; of what it stores, for a store.
    pub fn elements(&self, v: Var) -> usize {
        match &self.graph.nodes()[v.node].kind {
            NodeKind::Store(_) => self.graph.shape(self.graph.inputs(v.node)[0]).elements(),
            _ => self.graph.shape(v).elements(),
        }
    }

    /// A value and how it is kept.
    pub fn tensor(&self, v: Var) -> Result<Tensor> {
        Ok(Tensor { region: self.region(v)?, shape: self.graph.shape(v).clone(), half: self.plan.halves.contains(&v) })
    }

    /// Bytes of a value.
    fn bytes(&self, v: Var) -> u64 {
        tensor::bytes(self.elements(v), self.plan.halves.contains(&v))
    }

    /// The memory of a value.
    pub fn region(&self, v: Var) -> Result<Region> {
        let n = self.elements(v);
        match self.plan.locations.get(&v) {
            Some(Location::Input(name)) => Ok(self.inputs[name].region.clone()),
            Some(Location::Constant(c)) => Ok(self.constants[c].clone()),
            Some(Location::State(place)) => self.states.region(place, n),
            Some(Location::Arena(o)) => Ok(self.pages[o.page].region(o.bytes, self.bytes(v).max(4))),
            None => Err(Error::Graph(format!("node {} has no memory", v.node))),
        }
    }

    /// A launch with memory for its operands.
    pub fn bound(&self, launch: &Launch<Operand>) -> Result<Launch<Region>> {
        launch.map(|operand| match operand {
            Operand::Value(v) => self.region(*v),
            Operand::Scratch(n, i) => {
                let (offset, elements) = self.plan.scratch[&(*n, *i)];
                Ok(self.pages[offset.page].region(offset.bytes, (4 * elements as u64).max(4)))
            }
        })
    }

    /// Page and byte offset behind each value and scratch region.
    pub fn ends(&self) -> Vec<(usize, u64)> {
        let values = self.plan.locations.iter().filter_map(|(v, l)| match l {
            Location::Arena(o) => Some((o.page, o.bytes + self.bytes(*v))),
            _ => None,
        });
        values.chain(self.plan.scratch.values().map(|(o, n)| (o.page, o.bytes + 4 * *n as u64))).collect()
    }
}
