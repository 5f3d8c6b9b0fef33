//! The recipe as a checkpoint carries it, and what earlier versions wrote.

use super::calibration::Calibration;
use super::config::Config;
use super::recipe::Recipe;
use crate::nn::file::Metadata;
use crate::{Error, Result, error::one_line};
use serde_json::{Value, json};

/// What weights lack that are no model.
const NO_RECIPE: &str = "no recipe in the metadata: not an emotone model but bare weights (a run's state, or weights published for a network); name the \
                         model.safetensors of a run, or train from these: train --weights";

impl Recipe {
    /// The metadata that make a file a model.
    pub const KEY: &'static str = "recipe";

    /// The recipe as checkpoint metadata.
    ///
    /// # Errors
    /// None for a valid configuration.
    pub fn to_metadata(&self) -> Result<Metadata> {
        let text = serde_json::to_string(self).map_err(|e| Error::Config(e.to_string()))?;
        Ok(Metadata::from([(Self::KEY.to_string(), text), ("version".to_string(), env!("CARGO_PKG_VERSION").to_string())]))
    }

    /// Reads the recipe back, also that of an earlier version; see [`Config::stored`].
    ///
    /// # Errors
    /// When it is missing, does not parse or contradicts itself.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self, String> {
        let text = metadata.get(Self::KEY).ok_or(NO_RECIPE)?;
        Self::stored(text).and_then(Self::consistent).map_err(|e| format!("recipe: {e}"))
    }

    fn stored(text: &str) -> Result<Self, String> {
        let mut value: Value = serde_json::from_str(text).map_err(|e| one_line(e.to_string()))?;
        let object = value.as_object_mut().ok_or("not an object")?;
        let config = object.remove("config").ok_or("missing field `config`")?;
        let scale = scale(&config);
        let table = serde_json::from_value(config).map_err(|e| one_line(e.to_string()))?;
        let config = Config::stored(table).map_err(|e| one_line(e.to_string()))?;
        config.check().map_err(|e| e.to_string())?;
        object.insert("config".into(), serde_json::to_value(config).map_err(|e| one_line(e.to_string()))?);
        if let Some(std) = object.remove("deviation") {
            object.insert("std".into(), std);
        }
        // Earlier versions had both heads in every network, except for speakers that nobody knew.
        if let Some(classes) = object.remove("classes") {
            let speakers = object.remove("speakers").filter(|s| s.as_array().is_some_and(|s| !s.is_empty()));
            let mut heads = json!({ "emotion": classes });
            if let Some(speakers) = speakers {
                heads["speaker"] = speakers;
            }
            object.insert("heads".into(), heads);
        }
        let mut recipe: Recipe = serde_json::from_value(value).map_err(|e| one_line(e.to_string()))?;
        if let Some(scale) = scale {
            let task = recipe.answered_task().map_err(|e| e.to_string())?.to_string();
            recipe.calibration.entry(task).or_insert(Calibration::of_scale(scale));
        }
        Ok(recipe)
    }

    fn consistent(self) -> Result<Self, String> {
        let (mean, std) = (&self.mean, &self.std);
        let parts = self.config.inputs().map_err(|e| e.to_string())?.normalised();
        for (_, stage) in self.config.stages().map_err(|e| e.to_string())? {
            if let Some((task, _)) = stage.tasks().find(|(task, _)| self.outputs(task).is_empty()) {
                return Err(format!("no classes of task {task}"));
            }
        }
        for (task, c) in &self.calibration {
            let outputs = self.outputs(task).len();
            if !(c.temperature.is_finite() && c.temperature > 0.0) || !(c.centre.is_empty() || c.centre.len() == outputs) {
                return Err(format!("task {task} of {outputs} outputs with temperature {} and {} centres", c.temperature, c.centre.len()));
            }
        }
        if mean.len() != parts || std.len() != parts {
            return Err(format!("{} means and {} standard deviations for {parts} channels or features", mean.len(), std.len()));
        }
        match mean.iter().all(|m| m.is_finite()) && std.iter().all(|s| s.is_finite() && *s > 0.0) {
            true => Ok(self),
            false => Err(format!("inputs of mean {mean:?} and standard deviation {std:?} cannot be normalised")),
        }
    }
}

/// The factor of answers that earlier versions kept among the settings of networks that are solved.
fn scale(config: &Value) -> Option<f64> {
    let model = config.get("model").filter(|m| matches!(m["name"].as_str(), Some("svm" | "encoder")))?;
    model.get("scale").and_then(Value::as_f64).filter(|scale| scale.is_finite() && *scale > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        let mut config = Config::preset("tiny").expect("preset");
        config.train.stages = vec!["single".into()];
        Recipe::untrained(config, &["joy".into(), "fear".into()], &[]).expect("recipe")
    }

    #[test]
    fn a_recipe_that_contradicts_itself_is_refused() {
        let refused = |change: fn(&mut Recipe)| {
            let mut r = recipe();
            change(&mut r);
            Recipe::from_metadata(&r.to_metadata().expect("text")).map(|_| ()).expect_err("a contradiction")
        };
        assert!(Recipe::from_metadata(&recipe().to_metadata().expect("text")).is_ok());
        assert!(refused(|r| r.heads.clear()).contains("no classes of task emotion"));
        assert!(refused(|r| r.std.clear()).contains("1 means and 0 standard deviations for 1 channels or features"));
        assert!(refused(|r| r.mean.push(0.0)).contains("2 means"));
        assert!(refused(|r| r.std[0] = 0.0).contains("cannot be normalised"));
        let calibration = |temperature, centre| Calibration { centre, ..Calibration::of_scale(1.0 / temperature) };
        let of = |c: Calibration| {
            let mut r = recipe();
            r.calibration.insert("emotion".into(), c);
            Recipe::from_metadata(&r.to_metadata().expect("text")).map(|_| ())
        };
        assert!(of(calibration(0.5, vec![0.0; 2])).is_ok());
        assert!(of(calibration(-0.5, vec![])).expect_err("refused").contains("temperature -0.5"));
        assert!(of(calibration(0.5, vec![0.0; 3])).expect_err("refused").contains("2 outputs with temperature 0.5 and 3 centres"));
        assert!(refused(|r| r.config.image.size = 31).contains("image.size"));
        assert!(Recipe::from_metadata(&Metadata::new()).is_err());
    }

    /// The factor of a machine's answers that an earlier version kept among its settings.
    #[test]
    fn a_scale_of_an_earlier_version_is_a_temperature() {
        let mut config = Config::preset("tiny").expect("preset");
        ["model.name=svm", "train.stages=single"].iter().for_each(|s| config.set(s).expect("setting"));
        let r = Recipe::untrained(config, &["joy".into(), "fear".into()], &[]).expect("recipe");
        let mut metadata = r.to_metadata().expect("text");
        let text = metadata.get_mut("recipe").expect("recipe");
        let mut value: Value = serde_json::from_str(text).expect("json");
        value["config"]["model"]["scale"] = json!(4.0);
        *text = value.to_string();
        let read = Recipe::from_metadata(&metadata).expect("a recipe");
        assert_eq!((read.calibration["emotion"].temperature, read.calibration["emotion"].centre.len()), (0.25, 0));
        assert_eq!(read.answer("emotion", &[0.5, 0.0]), r.answer("emotion", &[2.0, 0.0]));
    }

    /// What an earlier version did not know: a key of training is filled in, one of the front end is not.
    #[test]
    fn a_recipe_outlives_new_keys_of_training() {
        let without = |section: &str, key: &str| {
            let mut metadata = recipe().to_metadata().expect("text");
            let text = metadata.get_mut("recipe").expect("recipe");
            let mut value: Value = serde_json::from_str(text).expect("json");
            assert!(value["config"][section].as_object_mut().expect("section").remove(key).is_some());
            *text = value.to_string();
            Recipe::from_metadata(&metadata)
        };
        assert_eq!(without("train", "precision").expect("a recipe").config.train.precision.to_string(), "f32");
        assert!(without("stage", "joint").is_ok());
        assert!(without("frontend", "hop").expect_err("a gap").contains("missing field `hop`"));
    }
}
