//! Features of a frozen trunk, computed once for all stages and runs on the same recordings that have the same trunk.

use super::config::Precision;
use super::events::{Event, Observer};
use super::inference::Inference;
use super::recipe::{Recipe, io};
use crate::compile::Options;
use crate::gpu::Device;
use crate::hash::sha256;
use crate::models::TRUNK;
use crate::nn::{Weights, file};
use crate::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// Features of each recording.
type Rows = Arc<Vec<Vec<f32>>>;

/// The features that were computed last, and of what.
#[derive(Clone, Default)]
pub struct Features(Arc<Mutex<Option<(String, Rows)>>>);

impl Features {
    /// Features of all `inputs`, which are always the same ones, by the trunk of `recipe` with `weights`.
    ///
    /// # Errors
    /// Device faults.
    pub fn of(
        &self,
        device: &Arc<Device>,
        recipe: &Recipe,
        weights: &Weights,
        inputs: &[Vec<f32>],
        observe: &mut Observer,
    ) -> Result<Rows> {
        let key = key(recipe, weights)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rows)) = last.as_ref().filter(|(known, _)| *known == key) {
            return Ok(rows.clone());
        }
        // Whoever needs those of another trunk needs these no more.
        *last = None;
        observe(Event::Preparing("features of the frozen trunk", 0, inputs.len()));
        let half = recipe.config.train.precision == Precision::F16;
        let options = Options { half, ..recipe.options() };
        let inference = Inference::new(device, recipe, weights, recipe.config.train.rows(), &[io::FEATURES], options)?;
        let rows = Arc::new(inference.run(io::FEATURES, inputs.len(), &|i| &inputs[i])?);
        observe(Event::Preparing("features of the frozen trunk", inputs.len(), inputs.len()));
        *last = Some((key, rows.clone()));
        Ok(rows)
    }
}

/// What features follow from besides the inputs: the trunk's weights, the normalisation, variants of kernels, and the configuration without
/// its seed, which says nothing else of them.
fn key(recipe: &Recipe, weights: &Weights) -> Result<String> {
    let mut config = recipe.config.clone();
    config.train.seed = 0;
    let scope = format!("{}.", config.network()?.scope(TRUNK));
    let trunk = weights.iter().filter(|(name, _)| scope == "." || name.starts_with(&scope));
    let trunk: Weights = trunk.map(|(name, values)| (name.clone(), values.clone())).collect();
    let tuned = serde_json::to_string(&recipe.tuned).map_err(|e| Error::Config(e.to_string()))?;
    let parts = [config.to_toml()?, format!("{:?} {:?}", recipe.mean, recipe.std), tuned, file::sha256(&trunk)];
    Ok(sha256(parts.join("|").as_bytes()))
}
