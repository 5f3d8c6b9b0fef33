//! A trained model, ready to be asked: nothing but the checkpoint is needed.

use super::config::Loss;
use super::inference::Inference;
use super::metrics::argmax;
use super::recipe::{Recipe, io};
use super::views::{Views, average};
use crate::data::Loaded;
use crate::frontend::Extractor;
use crate::gpu::Device;
use crate::models::Solver;
use crate::nn::Weights;
use crate::nn::file::{self, Metadata};
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
    /// What its answers are about, and which of its outputs stand for these.
    classes: Vec<String>,
    chosen: Vec<usize>,
    extractor: Extractor,
    /// What it looks at instead of the one input, where asked to.
    views: Option<Views>,
    inference: Inference,
    device: Arc<Device>,
}

impl Predictor {
    /// Loads a model file.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for files that are no models, with missing, unknown or misshapen tensors; device faults.
    pub fn load(device: &Arc<Device>, path: &Path, batch: usize) -> Result<Self> {
        let (weights, metadata) = file::read(path)?;
        Self::of(device, (&weights, &metadata), batch).map_err(|e| located(path, e))
    }

    /// The network of a model file's contents.
    ///
    /// # Errors
    /// [`Error::Graph`] for contents that are no model's, with missing, unknown or misshapen tensors; device faults.
    pub fn of(device: &Arc<Device>, (weights, metadata): (&Weights, &Metadata), batch: usize) -> Result<Self> {
        let recipe = Recipe::from_metadata(metadata).map_err(Error::Graph)?;
        let task = recipe.answered_task()?.to_string();
        let results = [&*io::logits(&task), io::EMBEDDING];
        let inference = Inference::new(device, &recipe, weights, batch, &results, recipe.options())?;
        let extractor = Extractor::new(device, &recipe.config.inputs()?);
        let classes = recipe.outputs(&task).to_vec();
        let chosen = (0..classes.len()).collect();
        Ok(Predictor { recipe, task, classes, chosen, extractor, views: None, inference, device: device.clone() })
    }

    /// From now on answers are about these of its classes alone, in this order: the probabilities of the others are those of none.
    ///
    /// # Errors
    /// [`Error::Config`] naming classes that it does not know or that are named twice, and those there are.
    pub fn choose(&mut self, classes: &[String]) -> Result<()> {
        let known = self.recipe.outputs(&self.task);
        let twice = classes.iter().enumerate().any(|(i, c)| classes[..i].contains(c));
        match self.places(classes).filter(|chosen| !chosen.is_empty() && !twice) {
            Some(chosen) => (self.classes, self.chosen) = (classes.to_vec(), chosen),
            None => {
                let unknown: Vec<&str> = classes.iter().filter(|c| !known.contains(c)).map(String::as_str).collect();
                let wrong = if unknown.is_empty() {
                    "classes are named once, and at least one".into()
                } else {
                    format!("no class {}", unknown.join(", "))
                };
                return Err(Error::Config(format!("{wrong}; the model tells {} apart", known.join(", "))));
            }
        }
        Ok(())
    }

    /// From now on answers are averages over the [views](crate::frontend::views::views) of each clip. Embeddings stay those of the whole.
    ///
    /// # Errors
    /// [`Error::Config`] for a network that takes no images.
    pub fn look_at_views(&mut self) -> Result<()> {
        self.views = Some(Views::new(&self.device, &self.recipe.config.inputs()?)?);
        Ok(())
    }

    /// What its answers are about: classes in the order of [`Prediction::probabilities`].
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What each of its logits stands for, whatever its answers are about.
    pub fn outputs(&self) -> &[String] {
        self.recipe.outputs(&self.task)
    }

    /// The outputs that stand for some classes; `None` where one of these is unknown.
    pub(super) fn places(&self, classes: &[String]) -> Option<Vec<usize>> {
        classes.iter().map(|class| self.outputs().iter().position(|output| output == class)).collect()
    }

    /// Where the logits of as many recordings of each class lie, where that was found.
    pub fn centre(&self) -> Option<&[f32]> {
        self.recipe.calibration.get(&self.task).map(|c| c.centre.as_slice()).filter(|centre| !centre.is_empty())
    }

    /// SHA-256 of its weights.
    ///
    /// # Errors
    /// Device faults.
    pub fn weights_sha256(&self) -> Result<String> {
        Ok(file::sha256(&self.inference.weights()?))
    }

    /// Whether it answers with a number, not with a class.
    pub fn says_numbers(&self) -> bool {
        self.recipe.config.task[&self.task].loss.of_numbers()
    }

    /// What the network takes of each clip (mono, 16 kHz): (C, H, W) of an image, (T, F) of a sequence, (F) of a vector.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn inputs<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        self.extractor.extract(clips)
    }

    /// What it looks at to answer about each clip: its input, or its views.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub(super) fn looks<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Vec<f32>>> {
        match &mut self.views {
            Some(views) => views.of(clips),
            None => self.extractor.extract(clips),
        }
    }

    /// Logits of each of what [`Predictor::looks`] made, of all its outputs; of several views those that their mean answer has.
    ///
    /// # Errors
    /// Device faults.
    pub(super) fn logits(&self, looks: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
        if self.views.is_none() {
            return self.inference.run(&io::logits(&self.task), looks.len(), &|i| &looks[i]);
        }
        let answers = average(&self.inference, &self.recipe, &self.task, looks)?;
        Ok(answers.iter().map(|answer| self.recipe.logits_of(&self.task, answer)).collect())
    }

    /// Whether it learns from recordings it is adapted to: a machine on features that is solved does.
    ///
    /// # Errors
    /// [`Error::Config`] for a network that is not there.
    pub(super) fn self_trains(&self) -> Result<bool> {
        // What all answers have in common is left out, which a softmax does not hear.
        let softmax = self.recipe.config.task[&self.task].loss != Loss::Bce;
        Ok(softmax && self.views.is_none() && self.recipe.config.network()?.solver().is_some_and(Solver::on_features))
    }

    /// [`Predictor::logits`], and the embeddings beside them.
    ///
    /// # Errors
    /// Device faults.
    pub(super) fn logits_and_embeddings(&self, looks: &[Vec<f32>]) -> Result<[Vec<Vec<f32>>; 2]> {
        self.inference.run_each([&*io::logits(&self.task), io::EMBEDDING], looks.len(), &|i| &looks[i])
    }

    /// The device it is on.
    pub(super) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// What it says where its outputs have these logits.
    pub(super) fn say(&self, logits: &[f32]) -> Prediction {
        let chosen: Vec<f32> = self.chosen.iter().map(|&k| logits[k]).collect();
        let probabilities = self.recipe.answer(&self.task, &chosen);
        Prediction { class: argmax(&probabilities), probabilities }
    }

    /// Probabilities for each clip.
    ///
    /// # Errors
    /// Empty clips; device faults.
    pub fn predict<S: AsRef<[f32]> + Sync>(&mut self, clips: &[S]) -> Result<Vec<Prediction>> {
        let looks = self.looks(clips)?;
        Ok(self.logits(&looks)?.iter().map(|l| self.say(l)).collect())
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
        Ok(logits.iter().map(|l| self.say(l)).collect())
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

/// An error of reading a model's contents, with the file they were in.
pub(super) fn located(path: &Path, error: Error) -> Error {
    match error {
        Error::Graph(reason) => Error::Checkpoint { path: path.to_path_buf(), reason },
        e @ Error::Shape { .. } => Error::Checkpoint { path: path.to_path_buf(), reason: e.to_string() },
        other => other,
    }
}
