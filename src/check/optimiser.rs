//! Update rules over several steps, the state kept between them.

use super::{Case, awkward, each_run, given, normal, tol};
use crate::kernels::Target;
use crate::graph::{Graph, Var};
use crate::ops::{self, OPTIMISER_SCALARS};
use crate::reference::{noise, optimiser::Trained};
use crate::Result;

/// An update rule.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// Adam with decoupled weight decay.
    Adamw,
    /// Gradient descent with momentum.
    Sgd,
    /// RMSprop with momentum.
    Rmsprop,
}

/// All rules.
pub const RULES: [Rule; 3] = [Rule::Adamw, Rule::Sgd, Rule::Rmsprop];

impl Rule {
    /// Adds an update of parameter, moments and gradient `x` to a graph.
    ///
    /// # Errors
    /// See [`ops::adamw`].
    pub fn apply(self, g: &mut Graph, [param, m, v, grad, scalars]: [Var; 5], clip: Option<Var>) -> Result<()> {
        match self {
            Rule::Adamw => ops::adamw(g, param, grad, m, v, scalars, clip),
            Rule::Sgd => ops::sgd(g, param, grad, m, scalars, clip),
            Rule::Rmsprop => ops::rmsprop(g, param, grad, m, v, scalars, clip),
        }
    }

    /// The scalars of step `t`, counted from 1.
    fn scalars(self, lr: f64, t: u64) -> [f32; OPTIMISER_SCALARS] {
        match self {
            Rule::Adamw => ops::adamw_scalars(lr, 0.05, [0.9, 0.999], 1e-8, t),
            Rule::Sgd => ops::sgd_scalars(lr, 5e-4, 0.9),
            Rule::Rmsprop => ops::rmsprop_scalars(lr, 1e-3, 0.5, 0.9, 1e-8),
        }
    }

    fn step(self, at: &mut Trained, grad: &[f64], lr: f64) {
        match self {
            Rule::Adamw => at.adamw(grad, lr, 0.05, [0.9, 0.999], 1e-8),
            Rule::Sgd => at.sgd(grad, lr, 5e-4, 0.9),
            Rule::Rmsprop => at.rmsprop(grad, lr, 1e-3, 0.5, 0.9, 1e-8),
        }
    }
}

/// Updates of `n` parameters whose gradients are scaled by `clip`; `lr` gives the learning rate by the run.
fn case(rule: Rule, n: usize, clip: Option<f64>, lr: fn(usize) -> f64) -> Case {
    let zeros = || given([n], vec![0.0; n]).state();
    // A gap between tensors: no gradient, ever.
    let gap = |(i, g): (usize, f64)| if i % 7 == 2 { 0.0 } else { g };
    let grad = each_run([n], move |run| noise(101 + run as u64, n).into_iter().enumerate().map(gap).collect());
    let scalars = each_run([OPTIMISER_SCALARS], move |run| rule.scalars(lr(run), run as u64 + 1).map(f64::from).into());
    let mut inputs = vec![normal(n as u64, [n]).state(), zeros(), zeros(), grad, scalars];
    inputs.extend(clip.map(|c| given([1], [c])));
    let name = format!("{n}, clip {clip:?}");
    Case::new(format!("{rule:?}").to_lowercase(), name, inputs, move |g, x| rule.apply(g, [x[0], x[1], x[2], x[3], x[4]], x.get(5).copied()))
        .forward(move |x| {
            let mut at = Trained { param: x[0].clone(), m: x[1].clone(), v: x[2].clone(), t: x.run as i32 };
            let grad: Vec<f64> = x[3].iter().map(|g| g * clip.unwrap_or(1.0)).collect();
            rule.step(&mut at, &grad, lr(x.run));
            [at.param, at.m, at.v]
        })
        .tolerance(3.0 * tol::EXACT)
        .runs(6)
}

/// A scale that is not finite changes nothing.
fn skipped(rule: Rule) -> Case {
    let state = |seed| normal(seed, [100]).state();
    let scalars = given([OPTIMISER_SCALARS], rule.scalars(0.1, 1).map(f64::from));
    let clip = each_run([1], |run| vec![[f64::NAN, f64::INFINITY][run]]);
    let inputs = [state(1), state(2), state(3), given([100], [f64::NAN; 100]), scalars, clip];
    let build = move |g: &mut Graph, x: &mut [Var]| rule.apply(g, [x[0], x[1], x[2], x[3], x[4]], Some(x[5]));
    Case::new(format!("{rule:?}").to_lowercase(), "scales that are not finite", inputs, build)
        .forward(|x| [x[0].clone(), x[1].clone(), x[2].clone()])
        .tolerance(0.0)
        .runs(2)
}

/// The cases. The learning rate changes from step to step, as under a schedule.
pub fn cases(_: &Target) -> Vec<Case> {
    let falling = |run: usize| 1e-2 / (run + 1) as f64;
    let sizes: Vec<usize> = awkward(4096).into_iter().chain([1000]).collect();
    let mut all = Vec::new();
    for rule in RULES {
        all.extend(sizes.iter().flat_map(|&n| [None, Some(0.25)].map(|clip| case(rule, n, clip, falling))));
    }
    all.extend(RULES.map(skipped));
    // After many steps bias corrections, momenta and rounding have had time to drift.
    all.push(case(Rule::Adamw, 64, None, |_| 1e-3).runs(200).tolerance(1e-5));
    all
}
