//! What a checkpoint must carry so that nothing else is needed: configuration, class and speaker names, normalisation.

use super::config::Config;
use super::config::StageName as Stage;
use super::loss::emotion_loss;
use crate::augment::{self, Levels, PairInputs};
use crate::compile::Options;
use crate::graph::{Graph, Var};
use crate::kernels::choices::Choices;
use crate::models::res_trans::ResTrans;
use crate::nn::file::Metadata;
use crate::nn::{Context, Params};
use crate::{Error, Result, error::one_line, ops};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// The network and its surroundings, independent of weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recipe {
    /// The whole configuration, front end and image included.
    pub config: Config,
    /// Emotion classes in the order of the logits.
    pub classes: Vec<String>,
    /// Training speakers in the order of the speaker logits.
    pub speakers: Vec<String>,
    /// Mean of each image channel over the training split.
    pub mean: Vec<f32>,
    /// Standard deviation of each image channel over the training split.
    pub deviation: Vec<f32>,
    /// Hash of the training data.
    pub data_hash: String,
    /// Variants chosen by measurement, so that the same ones compute later on.
    #[serde(default, skip_serializing_if = "Choices::is_empty")]
    pub choices: Choices,
}

/// What enters the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Images, before normalisation.
    Images,
    /// Maps of a frozen CNN, computed beforehand.
    Maps,
}

/// A stage's graph up to its loss.
pub struct Training {
    /// The graph.
    pub graph: Graph,
    /// Scalar loss.
    pub loss: Var,
    /// Parameters to train, by name.
    pub used: Vec<(String, Var)>,
}

/// Names of program inputs and outputs.
pub mod port {
    /// Images (B, C, S, S) or maps.
    pub const X: &str = "x";
    /// Soft emotion labels (B, K).
    pub const EMOTION: &str = "emotion";
    /// Speaker labels (B, S).
    pub const SPEAKER: &str = "speaker";
    /// Optimiser scalars (8).
    pub const HYPER: &str = "hyper";
    /// Factor of the loss, with half precision.
    pub const LOSS_SCALE: &str = "loss_scale";
    /// Loss.
    pub const LOSS: &str = "loss";
    /// Gradient norm before clipping.
    pub const NORM: &str = "norm";
    /// Maps of the CNN.
    pub const MAPS: &str = "maps";
}

impl Recipe {
    /// The network.
    pub fn model(&self) -> ResTrans {
        self.config.model.res_trans(self.classes.len(), self.speakers.len(), self.config.image.channels, self.config.image.size)
    }

    /// Shape of one network input.
    pub fn input_shape(&self, source: Source) -> Vec<usize> {
        let (c, s) = (self.config.image.channels, self.config.image.size);
        match source {
            Source::Images => vec![c, s, s],
            Source::Maps => vec![8 * self.config.model.width, s / 32, s / 32],
        }
    }

    /// Whether images of a stage are mixed with each other. Speakers are not: half a voice is nobody's.
    pub fn mixes(&self, stage: Stage) -> bool {
        let a = &self.config.augment;
        self.config.stage(stage).augment && !stage.uses_speaker() && a.mixup.ratio + a.horizontal_mixup.ratio > 0.0
    }

    /// `(x − mean) / deviation` per channel.
    fn normalise(&self, g: &mut Graph, x: Var) -> Result<Var> {
        if self.mean.len() == 1 {
            let s = 1.0 / self.deviation[0];
            return ops::affine(g, x, s, -self.mean[0] * s);
        }
        let mut channels = Vec::new();
        for (c, (mean, deviation)) in self.mean.iter().zip(&self.deviation).enumerate() {
            let plane = ops::slice(g, x, 1, c, c + 1)?;
            channels.push(ops::affine(g, plane, 1.0 / deviation, -mean / deviation)?);
        }
        ops::concat(g, &channels, 1)
    }

    fn maps(&self, cx: &mut Context, source: Source, x: Var) -> Result<Var> {
        match source {
            Source::Maps => Ok(x),
            Source::Images => {
                let x = self.normalise(cx.g, x)?;
                self.model().features(cx, x)
            }
        }
    }

    /// How to compile its graphs, in single precision.
    pub fn options(&self) -> Options {
        Options { choices: Arc::new(self.choices.clone()), ..Options::default() }
    }

    /// Logits and maps of `batch` inputs, without randomness. Outputs are named by [`port`].
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn inference(&self, params: &mut Params, batch: usize, source: Source) -> Result<Graph> {
        let mut g = Graph::new();
        let x = g.input(port::X, [&[batch], &self.input_shape(source)[..]].concat());
        let mut cx = Context::new(&mut g, params, false);
        let maps = self.maps(&mut cx, source, x)?;
        let emotion = self.model().emotion(&mut cx, maps)?;
        let speaker = self.model().speaker(&mut cx, maps)?;
        g.output(port::EMOTION, emotion);
        g.output(port::SPEAKER, speaker);
        g.output(port::MAPS, maps);
        Ok(g)
    }

    /// Augmentation, network and loss of a stage; returns the graph, its loss and the parameters used.
    ///
    /// # Errors
    /// Shape errors of the network.
    pub fn training(&self, params: &mut Params, stage: Stage, batch: usize, source: Source) -> Result<Training> {
        let train = &self.config.train;
        let mut g = Graph::new();
        let mut x = g.input(port::X, [&[batch], &self.input_shape(source)[..]].concat());
        let mut cx = Context::new(&mut g, params, true);
        if stage.freezes_cnn() && train.bn_frozen {
            cx.frozen_statistics = |scope| scope.starts_with("cnn.");
        }
        if source == Source::Images && self.config.stage(stage).augment {
            let (rng, _) = cx.random();
            let pairs = self.mixes(stage).then(|| PairInputs::declare(cx.g, batch));
            let levels = Levels { low: 0.0, high: 1.0, fill: self.mean.first().copied().unwrap_or(0.0) };
            x = augment::augment(cx.g, x, rng, pairs.as_ref(), &self.config.augment, &levels)?;
        }
        let maps = self.maps(&mut cx, source, x)?;
        let mut total: Option<Var> = None;
        if stage.uses_emotion() {
            let logits = self.model().emotion(&mut cx, maps)?;
            let target = cx.g.input(port::EMOTION, [batch, self.classes.len()]);
            total = Some(emotion_loss(cx.g, train, logits, target)?);
        }
        if stage.uses_speaker() {
            let logits = self.model().speaker(&mut cx, maps)?;
            let target = cx.g.input(port::SPEAKER, [batch, self.speakers.len()]);
            let loss = ops::cross_entropy(cx.g, logits, target, None, train.label_smoothing as f32)?;
            total = Some(match total {
                None => loss,
                Some(emotion) => {
                    let weighted = ops::scale(cx.g, loss, train.joint_alpha as f32)?;
                    ops::add(cx.g, emotion, weighted)?
                }
            });
        }
        let loss = total.ok_or_else(|| Error::Graph(format!("stage {stage} has no loss")))?;
        let used = cx.used().iter().filter(|(name, _)| stage.trains(name)).map(|(n, v)| (n.clone(), *v)).collect();
        Ok(Training { graph: g, loss, used })
    }

    /// The recipe as checkpoint metadata.
    ///
    /// # Errors
    /// None for a valid configuration.
    pub fn to_metadata(&self) -> Result<Metadata> {
        let text = serde_json::to_string(self).map_err(|e| Error::Config(e.to_string()))?;
        Ok(Metadata::from([("recipe".to_string(), text), ("version".to_string(), env!("CARGO_PKG_VERSION").to_string())]))
    }

    /// Reads the recipe back. A key of training that did not exist when the model was made has no say in what it computes, and is taken
    /// from preset `paper`; all others must be there.
    ///
    /// # Errors
    /// When it is missing, does not parse or contradicts itself.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self, String> {
        let text = metadata.get("recipe").ok_or("no recipe in the metadata: not an emotone model")?;
        let mut value: Value = serde_json::from_str(text).map_err(|e| one_line(format!("recipe: {e}")))?;
        let paper = Config::preset("paper").and_then(|c| serde_json::to_value(c).map_err(|e| Error::Config(e.to_string())));
        let paper = paper.map_err(|e| e.to_string())?;
        for section in ["train", "stage", "augment"] {
            if let Some(given) = value.get_mut("config").and_then(|c| c.get_mut(section)) {
                complete(given, &paper[section]);
            }
        }
        let recipe: Self = serde_json::from_value(value).map_err(|e| one_line(format!("recipe: {e}")))?;
        recipe.config.check().map_err(|e| format!("recipe: {e}"))?;
        let (channels, mean, deviation) = (recipe.config.image.channels, &recipe.mean, &recipe.deviation);
        if recipe.classes.is_empty() {
            return Err("recipe: no classes".into());
        }
        if mean.len() != channels || deviation.len() != channels {
            return Err(format!("recipe: {} means and {} deviations for {channels} channels", mean.len(), deviation.len()));
        }
        match mean.iter().all(|m| m.is_finite()) && deviation.iter().all(|d| d.is_finite() && *d > 0.0) {
            true => Ok(recipe),
            false => Err(format!("recipe: channels of mean {mean:?} and deviation {deviation:?} cannot be normalised")),
        }
    }
}

/// Adds to objects the keys they lack.
fn complete(given: &mut Value, whole: &Value) {
    if let (Value::Object(given), Value::Object(whole)) = (given, whole) {
        for (key, value) in whole {
            complete(given.entry(key).or_insert_with(|| value.clone()), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_that_contradicts_itself_is_refused() {
        let recipe = || Recipe {
            config: Config::preset("tiny").expect("preset"),
            classes: vec!["joy".into(), "fear".into()],
            speakers: Vec::new(),
            mean: vec![0.5],
            deviation: vec![0.25],
            data_hash: String::new(),
            choices: Choices::new(),
        };
        let refused = |change: fn(&mut Recipe)| {
            let mut r = recipe();
            change(&mut r);
            Recipe::from_metadata(&r.to_metadata().expect("text")).map(|_| ()).expect_err("a contradiction")
        };
        assert!(Recipe::from_metadata(&recipe().to_metadata().expect("text")).is_ok());
        assert!(refused(|r| r.classes.clear()).contains("no classes"));
        assert!(refused(|r| r.deviation.clear()).contains("1 means and 0 deviations for 1 channels"));
        assert!(refused(|r| r.mean.push(0.0)).contains("2 means"));
        assert!(refused(|r| r.deviation[0] = 0.0).contains("cannot be normalised"));
        assert!(refused(|r| r.config.image.size = 31).contains("image.size"));
        assert!(Recipe::from_metadata(&Metadata::new()).is_err());
        // What an earlier version did not know: a key of training is filled in, one of the front end is not.
        let without = |section: &str, key: &str| {
            let mut metadata = recipe().to_metadata().expect("text");
            let text = metadata.get_mut("recipe").expect("recipe");
            let mut value: Value = serde_json::from_str(text).expect("json");
            assert!(value["config"][section].as_object_mut().expect("section").remove(key).is_some());
            *text = value.to_string();
            Recipe::from_metadata(&metadata)
        };
        assert_eq!(without("train", "precision").expect("a recipe").config.train.precision.to_string(), "f32");
        assert!(without("stage", "single").is_ok());
        assert!(without("frontend", "hop").expect_err("a gap").contains("missing field `hop`"));
    }
}
