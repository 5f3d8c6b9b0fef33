//! The configuration of a run: presets, TOML files, overrides on the command line; checked, printable, hashed.
//!
//! A file needs only what differs from its preset (`preset = "small"` at the top; `small` when it names none). Unknown keys are errors.
//! `train.lr` and `train.epochs` stand for those of every stage.
//!
//! ```
//! use emotone::train::config::Config;
//!
//! let mut config = Config::parse("preset = \"tiny\"\n[train]\nbatch = 16\n", "example")?;
//! config.set("stage.emotion.epochs=2")?;
//! config.check()?;
//! assert_eq!((config.train.batch, config.stage["emotion"].epochs), (16, 2));
//! config.set("train.lr=0.001")?;
//! assert_eq!(config.stage["finetune"].lr, 0.001);
//! assert!(config.set("train.bacth=3").unwrap_err().to_string().contains("did you mean `train.batch`?"));
//! # Ok::<(), emotone::Error>(())
//! ```

mod check;
mod compare;
mod merge;
mod preset;
mod section;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use self::compare::Difference;
use self::merge::{Dotted, complete, differences, merge, modernise, parse_table, single, spread};
pub use self::section::*;
pub use self::words::*;
use crate::frontend::{Inputs, Signals};
use crate::models::{Input, Model, Network};
use crate::{Error, Result, error::located, hash::sha256, text};

/// Everything that determines a run besides its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The built-in configuration it started from.
    pub preset: String,
    /// Samples to mel bands.
    pub frontend: Frontend,
    /// Mel bands to images, for networks that take images.
    pub image: Image,
    /// Samples to sequences of features, for networks that take sequences.
    pub sequence: Sequence,
    /// Samples to frames of log-mel bands, for networks that take frames.
    pub frames: Frames,
    /// Samples to vectors of statistics, for networks that take vectors.
    pub vector: Vector,
    /// Recorded signals, for networks that take signals.
    pub signal: Signal,
    /// What training does to images and frames; other inputs are not augmented.
    pub augment: Augment,
    /// The network.
    pub model: Model,
    /// What its heads learn, by the name of the task.
    pub task: BTreeMap<String, Task>,
    /// How it learns.
    pub train: Train,
    /// How it learns from a teacher, where a run has one.
    pub distil: Distil,
    /// What differs between stages, by their names.
    pub stage: BTreeMap<String, Stage>,
}

impl Config {
    /// Names of the built-in configurations, from the cheapest.
    pub const PRESETS: &'static [&'static str] = preset::NAMES;

    /// A built-in configuration.
    ///
    /// # Errors
    /// [`Error::Config`] listing the names when `name` is none of them.
    pub fn preset(name: &str) -> Result<Self> {
        Self::from_table(&preset::table(name)?)
    }

    /// Reads a TOML file and checks it.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] as [`Config::parse`] and [`Config::check`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let config = Self::parse(&text, &text::path(path))?;
        config.check()?;
        Ok(config)
    }

    /// Parses TOML on top of the preset it names; `origin` stands in front of errors. Ranges are not checked yet, so that overrides may
    /// follow.
    ///
    /// # Errors
    /// [`Error::Config`] for bad TOML, unknown keys (with the nearest known one) and values of the wrong type.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let at = |e: Error| match e {
            Error::Config(reason) => Error::Config(format!("{origin}: {reason}")),
            other => other,
        };
        let mut over = parse_table(text).map_err(at)?;
        let base = match over.remove("preset") {
            Some(Value::String(name)) => Self::preset(&name).map_err(at)?,
            Some(other) => return Err(at(Error::Config(format!("preset = {other}: must be one of {}", Self::PRESETS.join(", "))))),
            None => Self::preset("small").map_err(at)?,
        };
        base.with(over).map_err(at)
    }

    /// Applies one override `section.key=value`. The value is written as in TOML; quotes around words may be left out, and a list may be
    /// given as `a,b`. Ranges are not checked yet: call [`Config::check`] after the last override.
    ///
    /// # Errors
    /// [`Error::Config`] for a missing `=`, an unknown key (with the nearest known one) or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(Error::Config(format!("{assignment:?}: an override is written section.key=value")));
        };
        let (key, text) = (key.trim(), text.trim());
        let is_list = self.table()?.pointer(key).is_some_and(Value::is_array);
        let parsed = |text: &str| format!("v = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        let scalar = |text: &str| parsed(text).unwrap_or_else(|| Value::String(text.to_string()));
        let value = match parsed(text) {
            Some(Value::Array(list)) => Value::Array(list),
            _ if is_list => Value::Array(text.trim_matches(['[', ']']).split(',').map(|part| scalar(part.trim())).collect()),
            _ => scalar(text),
        };
        if key == "preset" {
            return Err(Error::Config(format!("{assignment:?}: a preset is what values are laid over; choose one with --preset")));
        }
        *self = self.with(single(key, value))?;
        Ok(())
    }

    /// This configuration with the values of `over` in place of its own. Another network starts from its own settings and brings what
    /// else of a configuration goes with it, under the values that were given before.
    fn with(&self, mut over: Table) -> Result<Self> {
        modernise(&mut over);
        let mut table = self.table()?;
        if let Some(name) = over.pointer("model.name").and_then(Value::as_str).filter(|name| *name != self.model.name()) {
            let built_in = |network: &str| Self::from_table(&preset::table_for(&self.preset, network)?)?.table();
            let mut given = differences(&built_in(self.model.name())?, &table);
            given.remove("model");
            table = built_in(name)?;
            merge(&mut table, &given)?;
        }
        spread(&mut over, &table);
        merge(&mut table, &over)?;
        Self::from_table(&table)
    }

    /// Reads a configuration of which every value is given. The path of a bad value is not part of every message, so sections are read
    /// one by one.
    fn from_table(table: &Table) -> Result<Self> {
        Ok(Config {
            preset: section(table, "preset")?,
            frontend: section(table, "frontend")?,
            image: section(table, "image")?,
            sequence: section(table, "sequence")?,
            frames: section(table, "frames")?,
            vector: section(table, "vector")?,
            signal: section(table, "signal")?,
            augment: section(table, "augment")?,
            model: section(table, "model")?,
            task: section(table, "task")?,
            train: section(table, "train")?,
            distil: section(table, "distil")?,
            stage: section(table, "stage")?,
        })
    }

    /// Reads a configuration that an earlier version stored. A key of training that did not exist then has no say in what a model
    /// computes, and neither has a section about inputs that no network of that version took: they are taken from preset `paper`. All
    /// others must be there.
    ///
    /// # Errors
    /// [`Error::Config`] naming what is missing or wrong.
    pub fn stored(mut table: Table) -> Result<Self> {
        modernise(&mut table);
        let paper = preset::table("paper")?;
        for name in ["preset", "train", "distil", "stage", "augment", "task"] {
            complete(&mut table, &[(name.to_string(), paper[name].clone())].into_iter().collect());
        }
        for name in ["sequence", "frames", "vector", "signal"] {
            table.entry(name).or_insert_with(|| paper[name].clone());
        }
        Self::from_table(&table)
    }

    fn table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|e| Error::Config(e.to_string()))
    }

    /// Values of one stage.
    ///
    /// # Errors
    /// [`Error::Config`] listing the stages when there is none of that name.
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        self.stage.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.stage.keys().map(String::as_str).collect();
            let hint = hint(name, names.iter().copied());
            Error::Config(format!("train.stages: {name:?} is not one of {}{hint}", names.join(", ")))
        })
    }

    /// The stages to run, in order.
    ///
    /// # Errors
    /// As [`Config::stage`].
    pub fn stages(&self) -> Result<Vec<(&str, &Stage)>> {
        self.train.stages.iter().map(|name| Ok((name.as_str(), self.stage(name)?))).collect()
    }

    /// The front end that feeds the network.
    ///
    /// # Errors
    /// As [`Config::network`].
    pub fn inputs(&self) -> Result<Inputs> {
        let frontend = self.frontend.clone();
        Ok(match self.network()?.input() {
            Input::Image => Inputs::Images(frontend, self.image.clone()),
            Input::Sequence => Inputs::Sequences(frontend, self.sequence.clone()),
            Input::Frames => Inputs::Frames(frontend, self.frames.clone()),
            Input::Vector => Inputs::Vectors(frontend, self.vector.clone()),
            Input::Signal { ecg, eeg, audio, length } => Inputs::Signals(Signals {
                channels: [ecg, eeg],
                length,
                signal: self.signal.clone(),
                audio: (audio > 0).then(|| (frontend, Image { channels: audio, ..self.image.clone() })),
            }),
        })
    }

    /// Shape of one network input, without the batch.
    ///
    /// # Errors
    /// As [`Config::inputs`].
    pub fn input_shape(&self) -> Result<Vec<usize>> {
        Ok(self.inputs()?.shape())
    }

    /// Shape of what the network sees of an input: all of it, but for images of which it sees a part (`augment.daarip.crop`).
    ///
    /// # Errors
    /// As [`Config::inputs`].
    pub fn seen_shape(&self) -> Result<Vec<usize>> {
        let inputs = self.inputs()?;
        Ok(match &inputs {
            Inputs::Images(_, image) => {
                let (rows, columns) = self.augment.daarip.window(image.extents());
                vec![image.channels, rows, columns]
            }
            inputs => inputs.shape(),
        })
    }

    /// The network, which takes inputs of [`Config::seen_shape`].
    ///
    /// # Errors
    /// [`Error::Config`] for unknown or bad settings.
    pub fn network(&self) -> Result<Box<dyn Network>> {
        self.model.network()
    }

    /// The whole configuration as TOML, keys in fixed order; [`Config::parse`] reads it back to the same values.
    ///
    /// # Errors
    /// [`Error::Config`] when a value has no TOML form (a seed beyond 2^63).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::Config(e.to_string()))
    }

    /// Whether all values that determine a run are those of `other`, whatever preset they were laid over.
    pub fn same_values(&self, other: &Self) -> bool {
        *self == Config { preset: self.preset.clone(), ..other.clone() }
    }

    /// SHA-256 of [`Config::to_toml`], in hexadecimal: equal values, equal hash, however they were given.
    ///
    /// # Errors
    /// As [`Config::to_toml`].
    pub fn hash(&self) -> Result<String> {
        Ok(sha256(self.to_toml()?.as_bytes()))
    }
}

fn section<T: serde::de::DeserializeOwned>(table: &Table, name: &str) -> Result<T> {
    let value = table.get(name).cloned().unwrap_or(Value::Table(Table::new()));
    value.try_into().map_err(|e| Error::Config(located(name, &e)))
}

#[cfg(test)]
mod tests;
