//! One case: a small graph on the adapter, its values and gradients against a reference.

use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::{Graph, Shape, Var};
use crate::reference::noise;
use crate::{Error, Result};
use std::sync::Arc;

type Tensors = Vec<Vec<f64>>;
/// Adds the op under test to a graph.
pub(super) type Build = Box<dyn Fn(&mut Graph, &[Var]) -> Result<Var>>;
/// The output, then the gradient of every input, from the inputs and the output's gradient.
pub(super) type Reference = Box<dyn Fn(&Tensors, &[f64]) -> Tensors>;

/// A case.
pub struct Case {
    /// Kernel and variant, shared by the cases of a variant.
    pub variant: String,
    /// What is special here, such as the sizes.
    pub name: String,
    /// The word that switches the variant off, where another can stand in for it.
    pub switch: Option<&'static str>,
    /// Largest error allowed, relative to the largest value of the tensor.
    pub tolerance: f64,
    pub(super) shapes: Vec<Shape>,
    pub(super) output: Shape,
    pub(super) build: Build,
    pub(super) reference: Reference,
}

impl Case {
    /// The largest error of output and gradients, for random inputs and a random gradient of the output. Memory is filled with NaN
    /// first, so that what is forgotten is seen; NaN and writing past the end give infinity.
    ///
    /// # Errors
    /// Whatever keeps the case from running.
    pub(super) fn error(&self, device: &Arc<Device>, tamper: &dyn Fn(&str, &mut [f32])) -> Result<f64> {
        let inputs: Tensors = self.shapes.iter().enumerate().map(|(i, s)| noise(100 + 7 * i as u64, s.elements())).collect();
        let dy = noise(9000, self.output.elements());
        let want = (self.reference)(&inputs, &dy);
        let mut g = Graph::new();
        let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
        let x: Vec<Var> = names.iter().zip(&self.shapes).map(|(n, s)| g.input(n, s.clone())).collect();
        let y = (self.build)(&mut g, &x)?;
        if *g.shape(y) != self.output {
            return Err(Error::shape("doctor", self.output.to_string(), g.shape(y).to_string()));
        }
        let upstream = g.input("dy", self.output.clone());
        let gradients = g.grad_from(&[(y, upstream)], &x)?;
        let outputs: Vec<String> = (0..=gradients.len()).map(|i| format!("out{i}")).collect();
        for (name, v) in outputs.iter().zip(std::iter::once(y).chain(gradients)) {
            g.output(name, v);
        }
        let program = Program::new(&g, &States::new(device), Options { poison: true, ..Options::default() })?;
        let single = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<f32>>();
        for (name, values) in names.iter().zip(&inputs).map(|(n, v)| (n.as_str(), v)).chain([("dy", &dy)]) {
            program.write(name, &single(values))?;
        }
        program.run()?;
        let mut worst = if program.overruns()? == 0 { 0.0 } else { f64::INFINITY };
        for (name, want) in outputs.iter().zip(&want) {
            let mut got = program.read(name)?;
            tamper(&self.variant, &mut got);
            worst = f64::max(worst, error(&got, want));
        }
        Ok(worst)
    }
}

/// Largest difference relative to the largest wanted value; infinite where something is not a number.
fn error(got: &[f32], want: &[f64]) -> f64 {
    let scale = want.iter().fold(1e-3f64, |m, w| m.max(w.abs()));
    let worst = got.iter().zip(want).fold(0.0, |m: f64, (g, w)| {
        let e = (f64::from(*g) - w).abs() / scale;
        if e.is_nan() { f64::INFINITY } else { m.max(e) }
    });
    if got.len() == want.len() { worst } else { f64::INFINITY }
}
