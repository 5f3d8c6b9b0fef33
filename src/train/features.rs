//! Features of a frozen trunk, computed once for all stages and runs on the same recordings that have the same trunk.

use super::events::Observer;
use super::frozen::Frozen;
use super::recipe::Recipe;
use crate::hash::sha256;
use crate::models::TRUNK;
use crate::nn::{Weights, file};
use crate::{Error, Result};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Features of each recording.
type Rows = Arc<Vec<Vec<f32>>>;

/// The features that were computed last, and of what.
#[derive(Clone, Default)]
pub struct Features(Arc<Mutex<Option<(String, Rows)>>>);

impl Features {
    /// Features of all `inputs`, which are always the same ones, by a frozen trunk; `folder` keeps them for later runs.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when asked to stop; device faults.
    pub(super) fn of(&self, frozen: &Frozen, inputs: &[Vec<f32>], folder: Option<&Path>, observe: &mut Observer) -> Result<Rows> {
        let key = key(frozen.recipe, frozen.weights)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rows)) = last.as_ref().filter(|(known, _)| *known == key) {
            return Ok(rows.clone());
        }
        // Whoever needs those of another trunk needs these no more.
        *last = None;
        let rows = Arc::new(frozen.features(inputs, folder, observe)?);
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
