//! Features of a frozen trunk, computed once for all stages and runs on the same recordings that have the same trunk.

use super::events::Observer;
use super::frozen::Frozen;
use crate::Result;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Features of each recording, of one version after the other.
type Versions = Vec<Arc<Vec<Vec<f32>>>>;

/// The features that were computed last, and of what.
#[derive(Clone, Default)]
pub struct Features(Arc<Mutex<Option<(String, Versions)>>>);

impl Features {
    /// Features of all `inputs`, which are always the same ones, version by version, by a frozen trunk; `folder` keeps them for later runs.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when asked to stop; device faults.
    pub(super) fn of(&self, frozen: &Frozen, inputs: &[&[Vec<f32>]], folder: Option<&Path>, observe: &mut Observer) -> Result<Versions> {
        let key = frozen.hash()?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = last.as_ref().filter(|(known, _)| *known == key) {
            return Ok(made.clone());
        }
        // Whoever needs those of another trunk needs these no more.
        *last = None;
        let all: Vec<&Vec<f32>> = inputs.iter().flat_map(|rows| *rows).collect();
        let mut made = frozen.features(&all, folder, observe)?.into_iter();
        let made: Versions = inputs.iter().map(|rows| Arc::new(made.by_ref().take(rows.len()).collect())).collect();
        *last = Some((key, made.clone()));
        Ok(made)
    }

    /// Those of this trunk, where they were the last that somebody asked for.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub(super) fn known(&self, frozen: &Frozen) -> Result<Option<Versions>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some((known, made)) if *known == frozen.hash()? => Ok(Some(made.clone())),
            _ => Ok(None),
        }
    }
}
