//! A ridge as the head of a network: its layer, and its solution as the layer's weights.

use super::super::network::{Examples, Solution, Solver};
use super::super::standard::standardise;
use super::{Progress, Terms, solve};
use crate::Result;
use crate::gpu::Device;
use crate::graph::{Shape, Var};
use crate::nn::{Context, Init, Weights};
use crate::ops;
use std::sync::Arc;

/// Standardisation with a `reach`, and the machines as one linear layer: features (B, D) to (B, outputs).
///
/// # Errors
/// Shape errors of the ops.
pub(in super::super) fn head(cx: &mut Context, features: Var, outputs: usize, reach: f64) -> Result<Var> {
    let n = cx.g.shape(features).last().copied().unwrap_or(0);
    let x = standardise(cx, features, n, reach as f32)?;
    let weight = cx.param("weight", [outputs, n], Init::Uniform(1.0 / n.max(1) as f32))?;
    let bias = cx.param("bias", [outputs], Init::Fill(0.0))?;
    ops::linear(cx.g, x, weight, Some(bias))
}

/// The weights of [`head`] from examples of features.
///
/// # Errors
/// Those of [`solve`].
fn solution(device: &Arc<Device>, examples: &Examples, terms: &Terms, progress: Progress) -> Result<Solution> {
    let found = solve(Some(device), examples, terms, progress)?;
    let (width, outputs) = (found.standard.mean.len(), examples.outputs);
    let tensor = |shape: Vec<usize>, values: &[f64]| (Shape(shape), values.iter().map(|v| *v as f32).collect::<Vec<f32>>());
    let head = Weights::from([
        ("mean".into(), (Shape(vec![width]), found.standard.mean)),
        ("std".into(), (Shape(vec![width]), found.standard.std)),
        ("weight".into(), tensor(vec![outputs, width], &found.weight)),
        ("bias".into(), tensor(vec![outputs], &found.bias)),
    ]);
    let single = |answers: Vec<f64>| answers.into_iter().map(|v| v as f32).collect();
    let held_out = found.held_out.into_iter().map(|(i, answers)| (i, single(answers))).collect();
    let (objective, gap, divided_by) = (found.objective, found.gap, found.divided_by);
    Ok(Solution { head, objective, gap, held_out, divided_by, centre: single(found.level), ..Solution::default() })
}

/// A network whose machines are a ridge on the features of its trunk.
pub(in super::super) trait Ridged {
    /// What is to be solved.
    fn terms(&self) -> Terms;
}

impl<N: Ridged> Solver for N {
    fn on_features(&self) -> bool {
        true
    }

    fn weighs(&self) -> bool {
        true
    }

    fn holds_out(&self) -> bool {
        true
    }

    fn solve(&self, device: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        solution(device, examples, &self.terms(), progress)
    }
}
