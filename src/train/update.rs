//! The update of all parameters: clipping, the optimiser and the moving average, each one launch.

use super::config::{Config, Optimiser, Train};
use super::recipe::port;
use crate::graph::{Graph, StateRef, Var};
use crate::nn::TRAINABLE;
use crate::{Result, ops};

/// State buffers laid out as the trainable parameters.
pub(super) const MOMENT1: &str = "moment1";
pub(super) const MOMENT2: &str = "moment2";
pub(super) const AVERAGE: &str = "average";

/// A state buffer from its start.
pub(super) fn whole(g: &mut Graph, buffer: &str, extent: usize) -> Var {
    g.state(StateRef { buffer: buffer.into(), offset: 0 }, [extent])
}

/// Clipping, the update and the moving average over the whole parameter buffer; the gradients are `grown` times those meant.
pub(super) fn optimise(g: &mut Graph, config: &Config, gradients: &str, extent: usize, grown: Option<Var>) -> Result<()> {
    let t = &config.train;
    let (p, d) = (whole(g, TRAINABLE, extent), whole(g, gradients, extent));
    let hyper = g.input(port::HYPER, [8]);
    let max_norm = if t.clip_norm > 0.0 { t.clip_norm as f32 } else { f32::MAX };
    let (norm, scale) = match grown {
        Some(factor) => ops::clip_scaled(g, d, factor, max_norm)?,
        None => ops::clip(g, d, max_norm)?,
    };
    g.output(port::NORM, norm);
    let (m, v) = (whole(g, MOMENT1, extent), whole(g, MOMENT2, extent));
    match t.optimiser {
        Optimiser::Adamw => ops::adamw(g, p, d, m, v, hyper, Some(scale))?,
        Optimiser::Sgd => ops::sgd(g, p, d, m, hyper, Some(scale))?,
        Optimiser::Rmsprop => ops::rmsprop(g, p, d, m, v, hyper, Some(scale))?,
    }
    if t.ema > 0.0 {
        let average = whole(g, AVERAGE, extent);
        ops::ema(g, average, p, t.ema)?;
    }
    Ok(())
}

/// The optimiser's scalars for update number `t`.
pub(super) fn hyper(train: &Train, lr: f64, t: u64) -> [f32; 8] {
    match train.optimiser {
        Optimiser::Adamw => ops::hyper_adamw(lr, train.weight_decay, train.betas, train.eps, t),
        Optimiser::Sgd => ops::hyper_sgd(lr, train.weight_decay, train.momentum),
        Optimiser::Rmsprop => ops::hyper_rmsprop(lr, train.weight_decay, train.momentum, 0.99, train.eps),
    }
}
