//! Inputs of cases: shapes, and values that are made when they are needed.

use crate::graph::Shape;
use crate::reference::noise;

/// Where an input lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Written by the host before each run.
    Host,
    /// The same, as unsigned integers: lengths, counters, draws.
    Words,
    /// State that outlives a run; what a run makes of it is compared too.
    State,
}

/// One input of a case.
pub struct Input {
    /// Its shape.
    pub shape: Shape,
    /// Where it lives.
    pub kind: Kind,
    /// Whether its gradient is compared.
    pub differentiable: bool,
    values: Box<dyn Fn(usize) -> Vec<f64>>,
}

/// A differentiable input of roughly normal values.
pub fn normal(seed: u64, shape: impl Into<Shape>) -> Input {
    let shape = shape.into();
    let n = shape.elements();
    Input { values: Box::new(move |_| noise(seed, n)), shape, kind: Kind::Host, differentiable: true }
}

/// An input given by its values, not differentiated.
pub fn given(shape: impl Into<Shape>, values: impl Into<Vec<f64>>) -> Input {
    let values = values.into();
    Input { shape: shape.into(), kind: Kind::Host, differentiable: false, values: Box::new(move |_| values.clone()) }
}

/// An input with values of its own in every run, by the run's number.
pub fn each_run(shape: impl Into<Shape>, values: impl Fn(usize) -> Vec<f64> + 'static) -> Input {
    Input { shape: shape.into(), kind: Kind::Host, differentiable: false, values: Box::new(values) }
}

/// Unsigned integers.
pub fn words(values: &[u32]) -> Input {
    Input { kind: Kind::Words, ..given([values.len()], values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()) }
}

/// Unsigned integers from counts.
pub fn counts(values: &[usize]) -> Input {
    words(&values.iter().map(|&v| v as u32).collect::<Vec<_>>())
}

/// Clips of these lengths in (B, samples), with garbage behind each, and the lengths.
pub fn clips(samples: usize, lengths: &[usize]) -> [Input; 2] {
    let own = lengths.to_vec();
    let x = fixed(5, [lengths.len(), samples]).each(move |i, v| if i % samples < own[i / samples] { 0.1 * v } else { 1e30 });
    [x, counts(lengths)]
}

/// Roughly normal values, not differentiated.
pub fn fixed(seed: u64, shape: impl Into<Shape>) -> Input {
    Input { differentiable: false, ..normal(seed, shape) }
}

impl Input {
    /// The values of a run, rounded to single precision so that a device and a reference see the same.
    pub fn values(&self, run: usize) -> Vec<f64> {
        (self.values)(run).into_iter().map(|v| if self.kind == Kind::Words { v } else { f64::from(v as f32) }).collect()
    }

    /// The same input with each value changed.
    pub fn map(self, f: impl Fn(f64) -> f64 + 'static) -> Self {
        self.each(move |_, v| f(v))
    }

    /// The same input with each value changed, by its place.
    pub fn each(self, f: impl Fn(usize, f64) -> f64 + 'static) -> Self {
        let values = self.values;
        Input { values: Box::new(move |run| values(run).into_iter().enumerate().map(|(i, v)| f(i, v)).collect()), ..self }
    }

    /// The same input, differentiated.
    pub fn differentiable(self) -> Self {
        Input { differentiable: true, ..self }
    }

    /// The same input, kept in state.
    pub fn state(self) -> Self {
        Input { kind: Kind::State, differentiable: false, ..self }
    }
}

/// Rows shorter, as long and longer than any workgroup, and odd.
pub const LENGTHS: [usize; 5] = [1, 7, 64, 129, 1000];

/// Awkward extents around a tile or workgroup of `n`.
pub fn awkward(n: usize) -> [usize; 6] {
    [1, 3, n - 1, n, n + 1, 2 * n + 3]
}

/// The values rounded to half precision.
pub(super) fn halves(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| half::f16::from_f64(*v).to_f64()).collect()
}
