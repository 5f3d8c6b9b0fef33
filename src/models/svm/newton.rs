//! Linear machines by Newton's method on the primal objective (Mangasarian 2002; Keerthi & DeCoste 2005): piecewise quadratic, so that a few
//! steps with a line search end at its minimum exactly.

use super::super::cholesky::{Factor, Triangle};
use crate::{Error, Result};

/// A machine: weights, the last of them the bias.
pub(super) struct Machine {
    pub w: Vec<f64>,
    /// `|w|²/2 + C Σ max(0, 1 − t w·[x 1])²`.
    pub primal: f64,
    /// `Σ a − |Σ a t [x 1]|²/2 − Σ a²/(4C)` of the a ≥ 0 that the weights give: never more than any primal value.
    pub dual: f64,
}

/// Most steps; a handful is the rule.
const STEPS: usize = 100;

/// The machine on rows `x` with targets t = ±1. The bias is regularised like the weights, as liblinear does.
///
/// # Errors
/// [`Error::NonFinite`] for inputs that are not finite.
pub(super) fn solve(x: &[Vec<f64>], t: &[f64], cost: f64) -> Result<Machine> {
    let n = x.first().map_or(0, Vec::len) + 1;
    let mut w = vec![0.0; n];
    let mut slack = slacks(x, t, &w);
    for _ in 0..STEPS {
        let (gradient, hessian) = derivatives(x, t, cost, &w, &slack);
        let size = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        if !size.is_finite() {
            return Err(Error::NonFinite("gradient of a support vector machine".into()));
        }
        let step = Factor::of(hessian, &mut |_| Ok(()))?.solve(&gradient);
        let (before, slope) = (objective(cost, &w, &slack), -dot(&gradient, &step));
        let mut length = 1.0;
        let better = loop {
            let moved: Vec<f64> = w.iter().zip(&step).map(|(w, s)| w - length * s).collect();
            let moved_slack = slacks(x, t, &moved);
            if objective(cost, &moved, &moved_slack) <= before + 1e-4 * length * slope {
                break Some((moved, moved_slack));
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
        };
        // Nothing left to gain: the rest is rounding.
        let Some((moved, moved_slack)) = better else { break };
        (w, slack) = (moved, moved_slack);
        if -slope <= 1e-16 * before {
            break;
        }
    }
    let primal = objective(cost, &w, &slack);
    let mut sum = vec![0.0; n];
    for ((x, t), s) in x.iter().zip(t).zip(&slack) {
        let a = 2.0 * cost * s;
        x.iter().chain([&1.0]).zip(&mut sum).for_each(|(x, sum)| *sum += a * t * x);
    }
    let dual = slack.iter().map(|s| 2.0 * cost * s - cost * s * s).sum::<f64>() - 0.5 * dot(&sum, &sum);
    Ok(Machine { w, primal, dual })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `max(0, 1 − t w·[x 1])` of each row.
fn slacks(x: &[Vec<f64>], t: &[f64], w: &[f64]) -> Vec<f64> {
    let bias = w.last().copied().unwrap_or(0.0);
    x.iter().zip(t).map(|(x, t)| (1.0 - t * (dot(x, w) + bias)).max(0.0)).collect()
}

fn objective(cost: f64, w: &[f64], slack: &[f64]) -> f64 {
    0.5 * dot(w, w) + cost * dot(slack, slack)
}

/// Gradient, and the lower triangle of the generalised Hessian.
fn derivatives(x: &[Vec<f64>], t: &[f64], cost: f64, w: &[f64], slack: &[f64]) -> (Vec<f64>, Triangle) {
    let n = w.len();
    let mut gradient = w.to_vec();
    let mut hessian: Vec<Vec<f64>> = (0..n).map(|i| (0..=i).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let mut row = vec![1.0; n];
    for ((x, t), s) in x.iter().zip(t).zip(slack).filter(|(_, s)| **s > 0.0) {
        row[..n - 1].copy_from_slice(x);
        for i in 0..n {
            gradient[i] -= 2.0 * cost * t * s * row[i];
            let factor = 2.0 * cost * row[i];
            hessian[i].iter_mut().zip(&row).for_each(|(h, r)| *h += factor * r);
        }
    }
    (gradient, Triangle(hessian))
}
