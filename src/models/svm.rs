//! Support vector machines on statistics of a recording (Prasetya et al. 2019): linear ones, a class against the rest, or ones with Gaussian
//! kernels, a machine per pair of classes.
//!
//! They are solved, not stepped: the linear machines by Newton's method on the primal objective, the others by sequential minimal
//! optimisation of the dual one, on a kernel matrix that the GPU makes of products.
//!
//! Probabilities are the softmax of the decisions (linear) or of the votes (Gaussian) over a temperature that is found on validation clips; without
//! such clips they are no more than an order.

mod newton;
mod smo;

use super::standard::{moments, standardise};
use super::network::{Examples, Input, Network, Settings, Solution, Solver, rooted};
use crate::gpu::Device;
use crate::graph::{Shape, Var};
use crate::nn::{Context, Init, Weights};
use crate::range::{require, within};
use crate::words::words;
use crate::{Error, Result, ops};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use toml::{Table, Value};

words! {
    /// What the machines compare vectors by.
    Kernel {
        /// Their product: a machine for each class against the rest.
        Linear = "linear",
        /// `exp(−gamma |x − y|²)`: a machine for each pair of classes, and votes.
        Rbf = "rbf",
    }
}

/// The settings: `[model]` with `name = "svm"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Svm {
    /// What the machines compare vectors by.
    pub kernel: Kernel,
    /// Price C of a clip on the wrong side of its margin.
    pub cost: f64,
    /// Of the Gaussian kernel; 0 for one over the width of a vector.
    pub gamma: f64,
    /// Support vectors of the Gaussian machines: what solving found.
    pub support: usize,
}

impl Settings for Svm {
    const NAME: &'static str = "svm";

    fn preset(_: &str) -> Self {
        Svm { kernel: Kernel::Linear, cost: 1.0, gamma: 0.0, support: 0 }
    }

    fn config(_: &str) -> &'static str {
        "[task.emotion]\nloss = \"squared_hinge\"\n[train]\nstages = [\"single\"]\n[stage.single]\nepochs = 1\naugment = false\n"
    }
}

impl Svm {
    /// Gamma for vectors of `width` values.
    fn gamma(&self, width: usize) -> f64 {
        if self.gamma == 0.0 { 1.0 / width.max(1) as f64 } else { self.gamma }
    }
}

/// The pairs of classes in the order of their machines.
fn pairs(classes: usize) -> Vec<(usize, usize)> {
    (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j))).collect()
}

impl Network for Svm {
    fn input(&self) -> Input {
        Input::Vector
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        require(shape.len() == 1, "model.name", "svm", "be given vectors of statistics")?;
        within("model.cost", self.cost, 1e-6, 1e6)?;
        within("model.gamma", self.gamma, 0.0, 1e6)?;
        within("model.support", self.support, 0, 1 << 24)
    }

    /// `(x − mean) / std` of the clips it was solved on: (B, F) -> (B, F).
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let n = cx.g.shape(x).last().copied().unwrap_or(0);
        standardise(cx, x, n, 0.0)
    }

    /// (B, F) -> (B, classes): decisions of the linear machines, votes of the others.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        let n = cx.g.shape(features).last().copied().unwrap_or(0);
        if self.kernel == Kernel::Linear {
            let weight = cx.param("weight", [outputs, n], Init::Uniform(1.0 / n.max(1) as f32))?;
            let bias = cx.param("bias", [outputs], Init::Fill(0.0))?;
            let decision = ops::linear(cx.g, features, weight, Some(bias))?;
            cx.mark("decision", decision);
            Ok(decision)
        } else {
            let (machines, support) = (pairs(outputs).len(), self.support.max(1));
            let vectors = cx.param("support", [support, n], Init::Fill(0.0))?;
            let coef = cx.param("coef", [machines, support], Init::Fill(0.0))?;
            let bias = cx.param("bias", [machines], Init::Fill(0.0))?;
            let k = ops::rbf(cx.g, features, vectors, self.gamma(n) as f32)?;
            let decision = ops::linear(cx.g, k, coef, Some(bias))?;
            cx.mark("decision", decision);
            let votes = ops::votes(cx.g, decision, outputs)?;
            cx.mark("votes", votes);
            Ok(votes)
        }
    }

    fn scope<'a>(&self, group: &'a str) -> &'a str {
        rooted(group)
    }

    fn solver(&self) -> Option<&dyn Solver> {
        Some(self)
    }
}

impl Solver for Svm {
    fn solve(&self, device: &Arc<Device>, examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        let width = examples.inputs.first().map_or(0, |x| x.len());
        if let Some(i) = examples.inputs.iter().position(|x| x.iter().any(|v| !v.is_finite())) {
            return Err(Error::NonFinite(format!("statistics of training clip {i}")));
        }
        let (mean, std) = moments(&examples.inputs);
        let z = |x: &&[f32]| (0..width).map(|i| (f64::from(x[i]) - mean[i]) / std[i]).collect::<Vec<f64>>();
        let z: Vec<Vec<f64>> = examples.inputs.iter().map(z).collect();
        let mut solution = match self.kernel {
            Kernel::Linear => self.linear(&z, examples, progress)?,
            Kernel::Rbf => self.gaussian(device, &z, examples, progress)?,
        };
        solution.trunk.insert("mean".into(), tensor([width], &mean));
        solution.trunk.insert("std".into(), tensor([width], &std));
        Ok(solution)
    }
}

impl Svm {
    fn linear(&self, z: &[Vec<f64>], examples: &Examples, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Solution> {
        let (width, k) = (z.first().map_or(0, Vec::len), examples.outputs);
        let mut solution = Solution::default();
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for class in 0..k {
            progress(class, k)?;
            let t: Vec<f64> = examples.classes.iter().map(|&c| if c == class { 1.0 } else { -1.0 }).collect();
            let machine = newton::solve(z, &t, self.cost)?;
            weight.extend_from_slice(&machine.w[..width]);
            bias.push(machine.w[width]);
            solution.objective.push(machine.primal);
            solution.gap.push(machine.primal - machine.dual);
        }
        progress(k, k)?;
        solution.head = Weights::from([("weight".into(), tensor([k, width], &weight)), ("bias".into(), tensor([k], &bias))]);
        Ok(solution)
    }

    fn gaussian(
        &self,
        device: &Arc<Device>,
        z: &[Vec<f64>],
        examples: &Examples,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Solution> {
        let width = z.first().map_or(0, Vec::len);
        let pairs = pairs(examples.outputs);
        let mut solution = Solution::default();
        // By clip: its coefficient in each machine.
        let (mut coef, mut bias) = (vec![vec![0.0; pairs.len()]; z.len()], Vec::new());
        for (p, (first, second)) in pairs.iter().enumerate() {
            progress(p, pairs.len())?;
            let own: Vec<usize> = (0..z.len()).filter(|&i| [*first, *second].contains(&examples.classes[i])).collect();
            let t: Vec<f64> = own.iter().map(|&i| if examples.classes[i] == *first { 1.0 } else { -1.0 }).collect();
            let rows: Vec<&[f64]> = own.iter().map(|&i| z[i].as_slice()).collect();
            let matrix = smo::kernel_matrix(device, &rows, self.gamma(width) as f32)?;
            let machine = smo::solve(&matrix, &t, self.cost, &mut || progress(p, pairs.len()))?;
            own.iter().zip(&machine.alpha).zip(&t).for_each(|((&i, a), t)| coef[i][p] = a * t);
            bias.push(machine.bias);
            solution.objective.push(machine.dual);
            solution.gap.push(machine.primal - machine.dual);
        }
        progress(pairs.len(), pairs.len())?;
        // Support vectors by class, then in the order of the clips.
        let mut support: Vec<usize> = (0..z.len()).filter(|&i| coef[i].iter().any(|c| *c != 0.0)).collect();
        support.sort_by_key(|&i| examples.classes[i]);
        let vectors: Vec<f64> = support.iter().flat_map(|&i| z[i].iter().copied()).collect();
        let coefficients: Vec<f64> = (0..pairs.len()).flat_map(|p| support.iter().map(|&i| coef[i][p]).collect::<Vec<_>>()).collect();
        solution.head = Weights::from([
            ("support".into(), tensor([support.len(), width], &vectors)),
            ("coef".into(), tensor([pairs.len(), support.len()], &coefficients)),
            ("bias".into(), tensor([pairs.len()], &bias)),
        ]);
        if support.is_empty() {
            return Err(Error::Config("no clip supports any machine: fewer than two classes have training clips".into()));
        }
        solution.settings = Table::from_iter([("support".to_string(), Value::Integer(support.len() as i64))]);
        Ok(solution)
    }
}

fn tensor<const N: usize>(shape: [usize; N], values: &[f64]) -> (Shape, Vec<f32>) {
    (shape.into(), values.iter().map(|&v| v as f32).collect())
}

#[cfg(test)]
mod tests;
