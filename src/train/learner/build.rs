//! What a learner is made of: the optimiser, state on the device, and the programs.

use crate::compile::{Options, States};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::models::{Network, TRUNK};
use crate::nn::gradients::{self, GRADIENTS};
use crate::nn::optimiser::{EMA, Optimiser, Rule};
use crate::nn::{Params, Rates, STATISTICS, Weights};
use crate::train::anomaly::Anomaly;
use crate::train::config::{Optimiser as Method, Stage, Train};
use crate::train::recipe::{Recipe, StageGraph, io};
use crate::{Error, Result, ops};
use std::sync::Arc;

/// Copy of the weights' average, and of the trained weights while the average stands in for them.
pub(super) const EMA_BACKUP: &str = "ema_backup";
const STATISTICS_BACKUP: &str = "statistics_backup";
/// Sum of the gradients of micro-batches or workers.
pub(super) const SUM: &str = "gradient_sum";

/// What every pass of a stage is made of.
pub(super) struct Making {
    pub recipe: Recipe,
    pub stage: Stage,
    pub optimiser: Optimiser,
    pub rates: Rates,
    /// Parts that a batch comes in, of all workers together.
    pub parts: u32,
    pub options: Options,
}

/// The optimiser that `[train]` asks for; its learning rate is the schedule's.
pub(super) fn method(t: &Train) -> Optimiser {
    let rule = match t.optimiser {
        Method::Adamw => Rule::AdamW { betas: t.betas, eps: t.eps },
        Method::Sgd => Rule::Sgd { momentum: t.momentum },
        Method::Rmsprop => Rule::RmsProp { alpha: t.betas[1], momentum: t.momentum, eps: t.eps },
    };
    Optimiser { rule, lr: 0.0, weight_decay: t.weight_decay, clip_norm: t.clip_norm, ema: t.ema }
}

/// At which rates the parameters of a stage learn.
pub(super) fn rates(params: &Params, network: &dyn Network, stage: &Stage) -> Rates {
    let trunk = if stage.trunk_lr > 0.0 { stage.trunk_lr / stage.lr } else { 1.0 };
    Rates::of(params, |p| match params.group(&p.name) {
        Some(TRUNK) => trunk * stage.layer_decay.powi(network.blocks_above(&p.name) as i32),
        _ => 1.0,
    })
}

/// Creates all state and puts the weights there.
pub(super) fn state(device: &Arc<Device>, params: &Params, optimiser: &Optimiser, seed: u64, weights: &Weights) -> Result<States> {
    let mut states = States::new(device);
    params.allocate(&mut states)?;
    params.upload(&states, &params.initial(seed), true)?;
    params.upload(&states, weights, false)?;
    optimiser.allocate(params, &mut states)?;
    for (_, copy, elements) in restored(params, optimiser) {
        states.create(copy, elements)?;
    }
    Ok(states)
}

/// Buffers that a step changes whatever its gradients are, their copies and lengths.
fn restored(params: &Params, optimiser: &Optimiser) -> Vec<(&'static str, &'static str, usize)> {
    let statistics = params.extent(STATISTICS);
    let mut all = Vec::new();
    if statistics > 0 {
        all.push((STATISTICS, STATISTICS_BACKUP, statistics));
    }
    if optimiser.ema > 0.0 {
        all.push((EMA, EMA_BACKUP, gradients::extent(params)));
    }
    all
}

/// Forward and backward pass, with the update where a batch comes in one part, and the search for bad numbers in it.
pub(super) fn gradient(built: StageGraph, params: &Params, making: &Making) -> Result<(Graph, Anomaly)> {
    let Making { recipe, optimiser, rates, parts, options, .. } = making;
    let StageGraph { graph: mut g, loss, used, .. } = built;
    let mut scaled = if *parts > 1 { ops::scale(&mut g, loss, 1.0 / *parts as f32)? } else { loss };
    let loss_scale = options.half.then(|| g.input(io::LOSS_SCALE, [1]));
    if let Some(factor) = loss_scale {
        let shape = g.shape(scaled).clone();
        let factor = ops::reshape(&mut g, factor, shape)?;
        scaled = ops::mul(&mut g, scaled, factor)?;
    }
    let forward = g.nodes().len();
    gradients::store_gradients(&mut g, params, &used, scaled)?;
    g.output(io::LOSS, loss);
    let anomaly = Anomaly::new(g.clone(), options.clone(), restored(params, optimiser));
    if *parts == 1 {
        optimiser.update(&mut g, params, rates, GRADIENTS, loss_scale)?;
    } else {
        for (sum, grads) in gradients::parts(&mut g, params, SUM).into_iter().zip(gradients::parts(&mut g, params, GRADIENTS)) {
            ops::accumulate(&mut g, sum, grads, 1.0)?;
        }
    }
    Ok((if recipe.config.train.recompute { g.recompute(forward) } else { g }, anomaly))
}

/// The update from the sum of gradients, which is 0 afterwards.
pub(super) fn update(params: &Params, making: &Making) -> Result<Graph> {
    let Making { optimiser, rates, options, .. } = making;
    let mut g = Graph::new();
    let factor = options.half.then(|| g.input(io::LOSS_SCALE, [1]));
    optimiser.update(&mut g, params, rates, SUM, factor)?;
    gradients::parts(&mut g, params, SUM).into_iter().try_for_each(|sum| ops::fill(&mut g, sum, 0.0))?;
    Ok(g)
}

pub(super) fn no_half(device: &Device) -> Error {
    let caps = device.caps();
    Error::Adapter {
        adapter: caps.adapter.clone(),
        reason: "train.precision = f16 needs half-precision numbers in shaders, which it does not offer; use --precision f32, or another adapter with --adapter".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Config;

    /// RMSprop's decay of squares is the second of `train.betas`, as the configuration says.
    #[test]
    fn every_optimiser_takes_its_values_from_the_configuration() {
        let scalars = |optimiser: &str| {
            let mut config = Config::preset("tiny").unwrap();
            for s in
                [format!("train.optimiser={optimiser}").as_str(), "train.betas=0.8,0.95", "train.momentum=0.7", "train.weight_decay=0.01"]
            {
                config.set(s).unwrap();
            }
            method(&config.train).scalars(0.5, 1)
        };
        assert_eq!(scalars("rmsprop")[..4], [0.5, 0.01, 0.7, 0.95]);
        assert_eq!(scalars("adamw")[..4], [0.5, 0.01, 0.8, 0.95]);
        assert_eq!(scalars("sgd")[..3], [0.5, 0.01, 0.7]);
    }
}
