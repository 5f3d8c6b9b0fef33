//! A trained model, ready to be asked: nothing but the checkpoint is needed.

use super::config::Loss;
use super::learner::run_batches;
use super::recipe::{Recipe, Source, port};
use super::trainer::argmax;
use crate::compile::{Program, States};
use crate::features::Extractor;
use crate::gpu::Device;
use crate::nn::{Params, file};
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// What a model says about one recording or window.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Probability of each class, in the order of [`Recipe::classes`]; they sum to one unless the model was trained with `bce`.
    pub probabilities: Vec<f32>,
    /// Index of the most probable class.
    pub class: usize,
}

/// A network with its weights on a device.
pub struct Predictor {
    /// Configuration, classes and front end.
    pub recipe: Recipe,
    extractor: Extractor,
    program: Program,
    batch: usize,
}

impl Predictor {
    /// Loads a model file.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for files that are no models, with missing, unknown or misshapen tensors; device faults.
    pub fn load(device: &Arc<Device>, path: &Path, batch: usize) -> Result<Self> {
        let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
        let (weights, metadata) = file::read(path)?;
        let recipe = Recipe::from_metadata(&metadata).map_err(bad)?;
        let mut params = Params::new(|_| false);
        let graph = recipe.inference(&mut params, batch, Source::Images)?;
        if let Some(name) = weights.keys().find(|n| params.get(n).is_none()) {
            return Err(bad(format!("tensor {name} belongs to no parameter of the network")));
        }
        let mut states = States::new(device);
        params.allocate(&mut states)?;
        params.upload(&states, &weights, true).map_err(|e| bad(e.to_string()))?;
        let program = Program::new(&graph, &states, recipe.options())?;
        let extractor = Extractor::new(device, &recipe.config.frontend, &recipe.config.image);
        Ok(Predictor { recipe, extractor, program, batch })
    }

    /// The (C, S, S) image the network sees of each clip (mono, 16 kHz).
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn images<S: AsRef<[f32]>>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        self.extractor.extract(clips)
    }

    /// Probabilities for each clip.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn predict<S: AsRef<[f32]>>(&mut self, clips: &[S]) -> Result<Vec<Prediction>> {
        let images = self.images(clips)?;
        let logits = run_batches(&self.program, self.batch, port::EMOTION, images.len(), &|i| images[i].clone())?;
        let independent = self.recipe.config.train.loss == Loss::Bce;
        Ok(logits.iter().map(|l| prediction(l, independent)).collect())
    }

    /// Mean of each of the CNN's maps: a vector per clip.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn embeddings<S: AsRef<[f32]>>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        let images = self.images(clips)?;
        let maps = run_batches(&self.program, self.batch, port::MAPS, images.len(), &|i| images[i].clone())?;
        let width = 8 * self.recipe.config.model.width;
        let mean = |plane: &[f32]| plane.iter().sum::<f32>() / plane.len() as f32;
        Ok(maps.iter().map(|m| m.chunks(m.len() / width).map(mean).collect()).collect())
    }
}

/// Softmax of the logits, or their sigmoids where classes are independent.
fn prediction(logits: &[f32], independent: bool) -> Prediction {
    let top = logits.iter().fold(f32::MIN, |m, &l| m.max(l));
    let mut probabilities: Vec<f32> = match independent {
        true => logits.iter().map(|l| 1.0 / (1.0 + (-l).exp())).collect(),
        false => logits.iter().map(|l| (l - top).exp()).collect(),
    };
    if !independent {
        let sum: f32 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= sum);
    }
    Prediction { class: argmax(&probabilities), probabilities }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_stable_for_large_logits() {
        let p = prediction(&[1000.0, 1000.0, -1000.0], false);
        assert_eq!((p.class, p.probabilities), (0, vec![0.5, 0.5, 0.0]));
        assert_eq!(prediction(&[0.0, 3.0], true).probabilities[0], 0.5);
    }
}
