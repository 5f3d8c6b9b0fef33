#![allow(dead_code, reason = "part of several programs, not all of which use all of it")]
//! One benchmark: an op with inputs of a shape, forward or backward alone, compiled and checked to be finite.

use emotone::compile::{Options, Program, States};
use emotone::gpu::{Device, Launch};
use emotone::graph::{Graph, Operand, Var};
use emotone::reference::noise;
use emotone::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// What an input holds.
#[derive(Clone, Copy)]
pub enum Fill {
    /// Roughly normal values.
    Noise,
    /// One unsigned number throughout: lengths, counters.
    Number(u32),
    /// These.
    Values(&'static [f32]),
}

/// What is timed.
#[derive(Clone, Copy)]
pub enum Pass {
    Forward,
    /// The gradients with respect to these inputs, without the forward pass they need.
    Gradient(&'static [usize]),
}

type Build = Box<dyn Fn(&mut Graph, &[Var]) -> Result<Option<Var>>>;

pub struct Case {
    pub name: String,
    pub inputs: Vec<(Vec<usize>, Fill)>,
    /// State buffers the graph works on, and their lengths.
    pub states: Vec<(&'static str, usize)>,
    pub pass: Pass,
    pub build: Build,
}

impl Case {
    /// A case on noise.
    pub fn new(name: String, inputs: &[&[usize]], pass: Pass, build: impl Fn(&mut Graph, &[Var]) -> Result<Var> + 'static) -> Self {
        let inputs = inputs.iter().map(|s| (s.to_vec(), Fill::Noise)).collect();
        Case { name, inputs, states: Vec::new(), pass, build: Box::new(move |g, x| build(g, x).map(Some)) }
    }

    /// The same case with another input.
    pub fn with(mut self, shape: &[usize], fill: Fill) -> Self {
        self.inputs.push((shape.to_vec(), fill));
        self
    }

    /// Compiles, fills the inputs, runs once and checks the results.
    pub fn ready(&self, device: &Arc<Device>) -> Result<Ready> {
        let mut g = Graph::new();
        let x: Vec<Var> = self.inputs.iter().enumerate().map(|(i, (s, _))| g.input(&format!("x{i}"), s.clone())).collect();
        let y = (self.build)(&mut g, &x)?;
        let mut fills: Vec<(String, usize, Fill)> =
            self.inputs.iter().enumerate().map(|(i, (s, f))| (format!("x{i}"), s.iter().product(), *f)).collect();
        let mut results = Vec::new();
        match (self.pass, y) {
            (Pass::Gradient(wanted), Some(y)) => {
                let shape = g.shape(y).clone();
                fills.push(("dy".into(), shape.elements(), Fill::Noise));
                let dy = g.input("dy", shape);
                let wanted: Vec<Var> = wanted.iter().map(|&i| x[i]).collect();
                results = g.grad_from(&[(y, dy)], &wanted)?;
            }
            (_, y) => results.extend(y),
        }
        for (i, v) in results.iter().enumerate() {
            g.output(&format!("y{i}"), *v);
        }
        let mut states = States::new(device);
        for (name, elements) in &self.states {
            states.create(name, *elements)?;
        }
        let program = Program::new(&g, &states, Options::default())?;
        for (i, (name, n, fill)) in fills.iter().enumerate().filter(|(_, (name, ..))| program.has_input(name)) {
            match fill {
                Fill::Noise => program.write(name, &noise(i as u64, *n).iter().map(|&v| v as f32).collect::<Vec<_>>())?,
                Fill::Values(v) => program.write(name, v)?,
                Fill::Number(v) => program.write_u32(name, &vec![*v; *n])?,
            }
        }
        program.run()?;
        for i in 0..results.len() {
            if program.read(&format!("y{i}"))?.iter().any(|v| !v.is_finite()) {
                return Err(Error::NonFinite(self.name.clone()));
            }
        }
        device.wait()?;
        let backward = matches!(self.pass, Pass::Gradient(_));
        let mut counted = Vec::new();
        for row in &program.plan().rows {
            counted.extend(row.launches.iter().map(|_| !backward || program.plan().label(row.node).0.ends_with("grad")));
        }
        Ok(Ready { program, counted })
    }
}

/// A case on the device.
pub struct Ready {
    program: Program,
    /// Which launches belong to the pass.
    counted: Vec<bool>,
}

impl Ready {
    /// The launches that are timed.
    pub fn launches(&self) -> Vec<&Launch<Operand>> {
        let all = self.program.plan().rows.iter().flat_map(|r| &r.launches);
        all.zip(&self.counted).filter(|(_, counted)| **counted).map(|(l, _)| l).collect()
    }

    /// Runs once: how long each of them took.
    pub fn time(&self) -> Result<Vec<Duration>> {
        let times = self.program.run_timed()?;
        Ok(times.into_iter().zip(&self.counted).filter(|(_, counted)| **counted).map(|(t, _)| t).collect())
    }
}
