//! A case: an op with its inputs, what a reference makes of them, and how far the two may differ.

use super::input::Input;
use super::tol;
use super::values::{Tensors, Values, Vars};
use crate::Result;
use crate::compile::States;
use crate::graph::{Graph, Var};
use std::fmt;

type Build = Box<dyn Fn(&mut Graph, &mut [Var]) -> Result<Vec<Var>>>;
type Known = Vec<Option<Vec<f64>>>;
type Forward = Box<dyn Fn(&Values) -> Known>;
type Backward = Box<dyn Fn(&Values, &[Vec<f64>]) -> Known>;
type Prepare = Box<dyn Fn(&mut States) -> Result<()>>;

/// An op on certain inputs.
pub struct Case {
    /// Kernel and variant, shared by the cases of a variant.
    pub variant: String,
    /// What is special here, such as the sizes.
    pub name: String,
    /// The word that switches the variant off, where another can stand in for it.
    pub switch: Option<&'static str>,
    /// Largest [`error`] allowed.
    pub tolerance: f64,
    /// The largest error the doctor allows, where the case is on its list.
    pub doctor: Option<f64>,
    /// Inputs, in the order of the op's operands.
    pub inputs: Vec<Input>,
    /// Runs in sequence, each compared.
    pub runs: usize,
    pub(super) build: Build,
    pub(super) forward: Option<Forward>,
    pub(super) backward: Option<Backward>,
    /// Upstream gradients that are not random: one per output, `None` where nothing depends on it.
    pub(super) upstream: Option<Known>,
    pub(super) prepare: Option<Prepare>,
}

/// Which tensor of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An output.
    Output(usize),
    /// The gradient of an input.
    Gradient(usize),
    /// An input kept in state, after the run.
    State(usize),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Output(o) => write!(f, "y{o}"),
            Role::Gradient(i) => write!(f, "dx{i}"),
            Role::State(i) => write!(f, "state {i}"),
        }
    }
}

/// A tensor that the device made, and what it should be.
pub struct Compared {
    /// Which.
    pub role: Role,
    /// The device's values.
    pub got: Vec<f32>,
    /// The reference's.
    pub want: Vec<f64>,
}

impl Compared {
    /// Whether half precision reaches as far as the reference's values.
    pub fn in_reach_of_halves(&self) -> bool {
        self.want.iter().all(|v| v.abs() <= 65_504.0)
    }

    /// The [`error`] of the device's values.
    pub fn error(&self) -> f64 {
        error(&self.got, &self.want)
    }
}

/// Error of a tensor, `max|got − want| / max(1e-3, max|want|)`; infinite where a value is not a number or the lengths differ.
pub fn error(got: &[f32], want: &[f64]) -> f64 {
    let scale = want.iter().fold(1e-3f64, |m, w| m.max(w.abs()));
    let worst = got.iter().zip(want).fold(0.0, |m: f64, (g, w)| {
        let e = (f64::from(*g) - w).abs() / scale;
        if e.is_nan() { f64::INFINITY } else { m.max(e) }
    });
    if got.len() == want.len() { worst } else { f64::INFINITY }
}

impl Case {
    /// A case of `variant`, of one run and without inputs, that allows one rounding per element.
    pub fn new<V: Vars>(
        variant: impl Into<String>,
        name: impl Into<String>,
        inputs: impl Into<Vec<Input>>,
        build: impl Fn(&mut Graph, &mut [Var]) -> Result<V> + 'static,
    ) -> Self {
        Case {
            variant: variant.into(),
            name: name.into(),
            switch: None,
            tolerance: tol::EXACT,
            doctor: None,
            inputs: inputs.into(),
            runs: 1,
            build: Box::new(move |g, x| Ok(build(g, x)?.vars())),
            forward: None,
            backward: None,
            upstream: None,
            prepare: None,
        }
    }

    /// What the outputs should be, then what the inputs kept in state should be after the run.
    pub fn forward<T: Tensors>(self, forward: impl Fn(&Values) -> T + 'static) -> Self {
        Case { forward: Some(Box::new(move |x| forward(x).tensors())), ..self }
    }

    /// What the gradients of the differentiable inputs should be, from the inputs and the gradient of each output.
    pub fn backward<T: Tensors>(self, backward: impl Fn(&Values, &[Vec<f64>]) -> T + 'static) -> Self {
        Case { backward: Some(Box::new(move |x, dy| backward(x, dy).tensors())), ..self }
    }

    /// The largest error allowed.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Case { tolerance, ..self }
    }

    /// Whether the doctor runs it, with the same tolerance.
    pub fn doctor(self, listed: bool) -> Self {
        Case { doctor: listed.then_some(self.tolerance), ..self }
    }

    /// Whether the doctor runs it, with a tolerance of its own.
    pub fn doctor_at(self, listed: bool, tolerance: f64) -> Self {
        Case { doctor: listed.then_some(tolerance), ..self }
    }

    /// The word that switches the variant off.
    pub fn switch(self, switch: Option<&'static str>) -> Self {
        Case { switch, ..self }
    }

    /// Several runs in sequence, state kept between them.
    pub fn runs(self, runs: usize) -> Self {
        Case { runs, ..self }
    }

    /// These upstream gradients instead of random ones; none for an output that nothing depends on.
    pub fn upstream(self, dy: Vec<Option<Vec<f64>>>) -> Self {
        Case { upstream: Some(dy), ..self }
    }

    /// Creates the state that the op itself refers to.
    pub fn prepare(self, prepare: impl Fn(&mut States) -> Result<()> + 'static) -> Self {
        Case { prepare: Some(Box::new(prepare)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn errors_are_relative_to_the_largest_value_and_nan_is_the_worst() {
        assert_eq!(error(&[1.0, -3.0], &[1.0, -4.0]), 0.25);
        assert_eq!(error(&[0.0005], &[0.0]), f64::from(0.0005f32) / 1e-3);
        for (got, want) in
            [(&[f32::NAN, 1.0][..], &[0.0, 1.0][..]), (&[0.0], &[f64::NAN]), (&[f32::INFINITY], &[1.0]), (&[1.0], &[1.0, 2.0])]
        {
            assert_eq!(error(got, want), f64::INFINITY, "{got:?} for {want:?}");
        }
    }
}
