//! What the training steps of a recipe take, and the batch size that fits.

use super::config::Stage;
use super::learner::Learner;
use super::recipe::{Recipe, Source};
use super::solving::{self, solved};
use crate::gpu::Device;
use crate::nn::Weights;
use crate::{Error, Result};
use std::sync::Arc;

/// Compiles a training step of each stage without running it, for `train --plan`.
///
/// # Errors
/// Shape errors; [`Error::OutOfMemory`] with the batch size that fits.
pub fn plans(device: &Arc<Device>, recipe: &Recipe) -> Result<Vec<(String, String)>> {
    if solved(recipe)? {
        return solving::plans(device, recipe);
    }
    let mut plans = compile(device, recipe, Source::Raw).map_err(|e| with_fitting_batch(device, recipe, Source::Raw, e))?;
    // What the other choice would cost.
    let mut other = recipe.clone();
    other.config.train.recompute = !recipe.config.train.recompute;
    if let Ok(others) = compile(device, &other, Source::Raw) {
        for ((_, text), (_, other)) in plans.iter_mut().zip(others) {
            let figures = other.lines().rev().nth(1).unwrap_or_default().to_string();
            text.push_str(&format!("\ntrain.recompute = {}: {figures}", !recipe.config.train.recompute));
        }
    }
    Ok(plans)
}

fn compile(device: &Arc<Device>, recipe: &Recipe, source: Source) -> Result<Vec<(String, String)>> {
    let build = |(name, stage): (&str, &Stage)| {
        let learner = Learner::new(device, recipe, stage, source, &Weights::new())?;
        let text = format!("{}\n{:.1} MB of parameters and optimiser state", learner.plan(), learner.state_bytes() as f64 / 1e6);
        Ok((name.to_string(), text))
    };
    recipe.config.stages()?.into_iter().map(build).collect()
}

/// Adds to an error for lack of memory the batch size that fits, where there is one.
pub(super) fn with_fitting_batch(device: &Arc<Device>, recipe: &Recipe, source: Source, error: Error) -> Error {
    match error {
        Error::OutOfMemory { needed, available, .. } => {
            Error::OutOfMemory { needed, available, fits_batch: largest_batch(device, recipe, source) }
        }
        Error::Allocation { what, bytes, held, allocations, .. } => {
            // Releases what the stage that failed held.
            let _ = device.wait();
            Error::Allocation { what, bytes, held, allocations, fits_batch: largest_batch(device, recipe, source) }
        }
        other => other,
    }
}

/// The configured batch size halved until the training steps of all stages fit the device.
fn largest_batch(device: &Arc<Device>, recipe: &Recipe, source: Source) -> Option<usize> {
    let mut recipe = recipe.clone();
    while recipe.config.train.batch > 1 {
        recipe.config.train.batch /= 2;
        recipe.config.train.micro_batches = 1;
        if compile(device, &recipe, source).is_ok() {
            return Some(recipe.config.train.batch);
        }
    }
    None
}
