//! A trained model, ready to be asked: nothing but the checkpoint is needed.

use super::inference::Inference;
use super::metrics::argmax;
use super::recipe::{Recipe, io};
use crate::data::Loaded;
use crate::frontend::Extractor;
use crate::gpu::Device;
use crate::nn::file;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;

/// What a model says about one recording or window.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Probability of each class, in the order of [`Predictor::classes`]; they sum to one unless the model was trained with `bce`. A model
    /// of a number says the number.
    pub probabilities: Vec<f32>,
    /// Index of the most probable class.
    pub class: usize,
}

/// A network with its weights on a device.
pub struct Predictor {
    /// Configuration, classes and front end.
    pub recipe: Recipe,
    /// The task it answers.
    task: String,
    extractor: Extractor,
    inference: Inference,
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
        let task = recipe.answered_task()?.to_string();
        let results = [&*io::logits(&task), io::EMBEDDING];
        let inference = match Inference::new(device, &recipe, &weights, batch, &results, recipe.options()) {
            Err(e @ (Error::Graph(_) | Error::Shape { .. })) => return Err(bad(e.to_string())),
            inference => inference?,
        };
        let extractor = Extractor::new(device, &recipe.config.inputs()?);
        Ok(Predictor { recipe, task, extractor, inference })
    }

    /// What its answers are about: classes in the order of [`Prediction::probabilities`].
    pub fn classes(&self) -> &[String] {
        self.recipe.outputs(&self.task)
    }

    /// Whether it answers with a number, not with a class.
    pub fn says_numbers(&self) -> bool {
        self.recipe.config.task[&self.task].loss.of_numbers()
    }

    /// What the network takes of each clip (mono, 16 kHz): (C, S, S) of an image, (T, F) of a sequence, (F) of a vector.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn inputs<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        self.extractor.extract(clips)
    }

    /// Probabilities for each clip.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn predict<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Prediction>> {
        let inputs = self.inputs(clips)?;
        self.answers(&inputs)
    }

    /// What the network takes of each utterance of a loaded corpus, signals included.
    ///
    /// # Errors
    /// As [`Predictor::inputs`]; signals that were loaded for another network.
    pub fn inputs_of(&mut self, loaded: &Loaded) -> Result<Vec<Vec<f32>>> {
        let clips: Vec<&[f32]> = loaded.clips.iter().map(|c| c.samples.as_slice()).collect();
        let signals: Vec<&[f32]> = loaded.signals.iter().map(Vec::as_slice).collect();
        self.extractor.join(&signals, &clips)
    }

    /// Probabilities for each input of the network.
    ///
    /// # Errors
    /// Device faults.
    pub fn answers(&self, inputs: &[Vec<f32>]) -> Result<Vec<Prediction>> {
        let logits = self.inference.run(&io::logits(&self.task), inputs.len(), &|i| &inputs[i])?;
        let loss = self.recipe.config.task[&self.task].loss;
        let prediction = |l: &Vec<f32>| {
            let probabilities = loss.answer(l);
            Prediction { class: argmax(&probabilities), probabilities }
        };
        Ok(logits.iter().map(prediction).collect())
    }

    /// The network's embedding of each clip.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn embeddings<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        let inputs = self.inputs(clips)?;
        self.inference.run(io::EMBEDDING, inputs.len(), &|i| &inputs[i])
    }
}
