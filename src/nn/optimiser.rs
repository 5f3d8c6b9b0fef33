//! The update of all parameters: clipping, the optimiser's rule and the moving average, a few launches over flat buffers.

use super::gradients::{GRADIENTS, extent, parts, region};
use super::{Params, Rates, TRAINABLE};
use crate::compile::States;
use crate::graph::{Graph, Var};
use crate::{Result, ops};

/// State buffer of the gradients' moving average, laid out as [`TRAINABLE`].
pub const EXP_AVG: &str = "exp_avg";
/// State buffer of the squared gradients' moving average, laid out as [`TRAINABLE`].
pub const EXP_AVG_SQ: &str = "exp_avg_sq";
/// State buffer of the weights' moving average, laid out as [`TRAINABLE`].
pub const EMA: &str = "ema";
/// Program input of the optimiser scalars, which change from update to update; see [`Optimiser::scalars`].
pub const SCALARS: &str = "optimiser";
/// Program output: the global gradient norm before clipping.
pub const NORM: &str = "norm";

/// How a gradient becomes a change of weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Adam with decoupled weight decay; see [`ops::adamw`].
    AdamW {
        /// Decay rates of both averages.
        betas: [f64; 2],
        /// Added to the denominator.
        eps: f64,
    },
    /// Gradient descent; see [`ops::sgd`].
    Sgd {
        /// Decay rate of the average.
        momentum: f64,
    },
    /// RMSprop; see [`ops::rmsprop`].
    RmsProp {
        /// Decay rate of the squares' average.
        alpha: f64,
        /// Decay rate of the steps' average.
        momentum: f64,
        /// Added to the denominator.
        eps: f64,
    },
}

/// A rule with what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimiser {
    /// How a gradient becomes a change of weights.
    pub rule: Rule,
    /// Learning rate.
    pub lr: f64,
    /// Decay of all weights per step, times the learning rate.
    pub weight_decay: f64,
    /// Largest global gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    /// Decay of the weights' moving average per step; 0 for none.
    pub ema: f64,
}

impl Optimiser {
    /// AdamW with PyTorch's defaults, without decay.
    pub fn adamw(lr: f64) -> Self {
        Optimiser { rule: Rule::AdamW { betas: [0.9, 0.999], eps: 1e-8 }, lr, weight_decay: 0.0, clip_norm: 0.0, ema: 0.0 }
    }

    /// Gradient descent with momentum.
    pub fn sgd(lr: f64, momentum: f64) -> Self {
        Optimiser { rule: Rule::Sgd { momentum }, ..Self::adamw(lr) }
    }

    /// Optimiser scalars of update number `t`, from 1, at learning rate `lr`: what a program's input [`SCALARS`] takes.
    pub fn scalars(&self, lr: f64, t: u64) -> [f32; ops::OPTIMISER_SCALARS] {
        match self.rule {
            Rule::AdamW { betas, eps } => ops::adamw_scalars(lr, self.weight_decay, betas, eps, t),
            Rule::Sgd { momentum } => ops::sgd_scalars(lr, self.weight_decay, momentum),
            Rule::RmsProp { alpha, momentum, eps } => ops::rmsprop_scalars(lr, self.weight_decay, momentum, alpha, eps),
        }
    }

    /// The scalars of each of `rates`, one after the other: what the input takes where parameters have rates of their own.
    pub fn scalars_at(&self, rates: &Rates, lr: f64, t: u64) -> Vec<f32> {
        rates.at(lr).flat_map(|lr| self.scalars(lr, t)).collect()
    }

    /// Names of the state buffers it keeps, each laid out as [`TRAINABLE`].
    pub fn buffers(&self) -> Vec<&'static str> {
        let mut names = vec![EXP_AVG];
        if !matches!(self.rule, Rule::Sgd { .. }) {
            names.push(EXP_AVG_SQ);
        }
        if self.ema > 0.0 {
            names.push(EMA);
        }
        names
    }

    /// Creates its buffers and the gradients', all zero; the weights' average starts at the weights, which are already there.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Error::OutOfMemory).
    pub fn allocate(&self, params: &Params, states: &mut States) -> Result<()> {
        let extent = extent(params);
        for name in [GRADIENTS].into_iter().chain(self.buffers()) {
            states.create(name, extent)?;
        }
        if self.ema > 0.0 { states.copy(TRAINABLE, EMA, extent) } else { Ok(()) }
    }

    /// Adds the update of all of `params` from the buffer `gradients`, which holds `loss_scale` times the gradient where that is given.
    /// A gradient whose norm is not finite changes nothing. Declares the input [`SCALARS`], which takes [`Optimiser::scalars_at`], and the output
    /// [`NORM`].
    ///
    /// # Errors
    /// Shape errors of the ops.
    pub fn update(&self, g: &mut Graph, params: &Params, rates: &Rates, gradients: &str, loss_scale: Option<Var>) -> Result<()> {
        let cuts = rates.cuts(extent(params));
        let all = |g: &mut Graph, name: &str| cuts.iter().map(|(at, _)| region(g, name, at.clone())).collect::<Vec<_>>();
        let (ps, ds) = (all(g, TRAINABLE), all(g, gradients));
        let scalars = scalars(g, rates)?;
        let max_norm = if self.clip_norm > 0.0 { self.clip_norm as f32 } else { f32::MAX };
        let whole = if rates.count() > 1 { parts(g, params, gradients) } else { ds.clone() };
        let d = match whole.as_slice() {
            [d] => *d,
            // The norm of the parts' norms is that of all.
            many => {
                let norms = many.iter().map(|d| Ok(ops::clip(g, *d, f32::MAX)?.0)).collect::<Result<Vec<_>>>()?;
                ops::concat(g, &norms, 0)?
            }
        };
        let (norm, scale) = match loss_scale {
            Some(factor) => ops::clip_scaled(g, d, factor, max_norm)?,
            None => ops::clip(g, d, max_norm)?,
        };
        g.output(NORM, norm);
        let first = all(g, EXP_AVG);
        let second = if matches!(self.rule, Rule::Sgd { .. }) { Vec::new() } else { all(g, EXP_AVG_SQ) };
        for (i, ((p, d), m)) in ps.iter().zip(&ds).zip(&first).enumerate() {
            let scalars = scalars[cuts[i].1];
            match (self.rule, second.get(i)) {
                (Rule::AdamW { .. }, Some(v)) => ops::adamw(g, *p, *d, *m, *v, scalars, Some(scale))?,
                (Rule::RmsProp { .. }, Some(v)) => ops::rmsprop(g, *p, *d, *m, *v, scalars, Some(scale))?,
                _ => ops::sgd(g, *p, *d, *m, scalars, Some(scale))?,
            }
        }
        if self.ema > 0.0 {
            for (average, p) in all(g, EMA).into_iter().zip(ps) {
                ops::ema(g, average, p, self.ema)?;
            }
        }
        Ok(())
    }
}

/// The optimiser scalars of each rate, from the one input of all.
fn scalars(g: &mut Graph, rates: &Rates) -> Result<Vec<Var>> {
    const N: usize = ops::OPTIMISER_SCALARS;
    let all = g.input(SCALARS, [rates.count() * N]);
    match rates.count() {
        1 => Ok(vec![all]),
        n => (0..n).map(|i| ops::slice(g, all, 0, i * N, (i + 1) * N)).collect(),
    }
}
