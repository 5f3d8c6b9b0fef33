//! The configuration of a run: presets, TOML files, overrides on the command line; checked, printable, hashed.
//!
//! A file needs only what differs from its preset (`preset = "small"` at the top; `small` when it names none). Unknown keys are errors.
//!
//! ```
//! use emotone::train::config::Config;
//!
//! let mut config = Config::parse("preset = \"tiny\"\n[train]\nbatch = 16\n", "example")?;
//! config.set("stage.emotion.epochs=2")?;
//! config.check()?;
//! assert_eq!((config.train.batch, config.stage.emotion.epochs), (16, 2));
//! assert!(config.set("train.bacth=3").unwrap_err().to_string().contains("did you mean `train.batch`?"));
//! # Ok::<(), emotone::Error>(())
//! ```

mod check;
mod preset;
mod section;
mod words;

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use self::section::*;
pub use self::words::*;
use crate::{Error, Result, hash::sha256};

/// Everything that determines a run besides its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Samples to mel bands.
    pub frontend: Frontend,
    /// Mel bands to images.
    pub image: Image,
    /// What training does to images.
    pub augment: Augment,
    /// The network.
    pub model: Model,
    /// How it learns.
    pub train: Train,
    /// What differs between stages.
    pub stage: Stages,
}

impl Config {
    /// Reads a TOML file and checks it.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Config`] as [`Config::parse`] and [`Config::check`].
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let config = Self::parse(&text, &path.display().to_string())?;
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
        let mut over: Table = text.parse().map_err(|e: toml::de::Error| at(Error::Config(e.to_string().trim_end().to_string())))?;
        let base = match over.remove("preset") {
            Some(Value::String(name)) => Self::preset(&name).map_err(at)?,
            Some(other) => return Err(at(Error::Config(format!("preset = {other}: must be one of {}", Self::PRESETS.join(", "))))),
            None => Self::preset("small")?,
        };
        base.with(&over).map_err(at)
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
        let mut value = match parsed(text) {
            Some(Value::Array(list)) => Value::Array(list),
            _ if is_list => Value::Array(text.trim_matches(['[', ']']).split(',').map(|part| scalar(part.trim())).collect()),
            _ => scalar(text),
        };
        for part in key.rsplit('.') {
            value = Value::Table([(part.to_string(), value)].into_iter().collect());
        }
        let Value::Table(over) = value else { return Err(Error::Config(format!("{assignment:?}: no key"))) };
        *self = self.with(&over)?;
        Ok(())
    }

    /// This configuration with the values of `over` in place of its own.
    fn with(&self, over: &Table) -> Result<Self> {
        let mut table = self.table()?;
        let all = table.leaves("");
        merge(&mut table, over, "", &all)?;
        // The path of a bad value is not part of every message, so sections are read one by one.
        Ok(Config {
            frontend: section(&table, "frontend")?,
            image: section(&table, "image")?,
            augment: section(&table, "augment")?,
            model: section(&table, "model")?,
            train: section(&table, "train")?,
            stage: section(&table, "stage")?,
        })
    }

    fn table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|e| Error::Config(e.to_string()))
    }

    /// Values of one stage.
    pub fn stage(&self, name: StageName) -> &Stage {
        match name {
            StageName::Voiceprint => &self.stage.voiceprint,
            StageName::Emotion => &self.stage.emotion,
            StageName::Finetune => &self.stage.finetune,
            StageName::Single => &self.stage.single,
            StageName::Joint => &self.stage.joint,
        }
    }

    /// The whole configuration as TOML, keys in fixed order; [`Config::parse`] reads it back to the same values.
    ///
    /// # Errors
    /// [`Error::Config`] when a value has no TOML form (a seed beyond 2^63).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::Config(e.to_string()))
    }

    /// SHA-256 of [`Config::to_toml`], in hexadecimal: equal values, equal hash, however they were given.
    ///
    /// # Errors
    /// As [`Config::to_toml`].
    pub fn hash(&self) -> Result<String> {
        Ok(sha256(self.to_toml()?.as_bytes()))
    }
}

/// Look-up by dotted paths.
trait Dotted {
    fn pointer(&self, path: &str) -> Option<&Value>;
    fn leaves(&self, prefix: &str) -> Vec<String>;
}

impl Dotted for Table {
    fn pointer(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            None => self.get(path),
            Some((head, rest)) => self.get(head)?.as_table()?.pointer(rest),
        }
    }

    fn leaves(&self, prefix: &str) -> Vec<String> {
        let path = |key: &str| if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        self.iter()
            .flat_map(|(key, value)| match value {
                Value::Table(inner) => inner.leaves(&path(key)),
                _ => vec![path(key)],
            })
            .collect()
    }
}

fn section<T: serde::de::DeserializeOwned>(table: &Table, name: &str) -> Result<T> {
    let value = table.get(name).cloned().unwrap_or(Value::Table(Table::new()));
    value.try_into().map_err(|e: toml::de::Error| {
        let text = e.to_string();
        let (reason, inner) = text.trim_end().split_once("\nin `").map_or((text.trim_end(), ""), |(r, k)| (r, k.trim_end_matches('`')));
        Error::Config(format!("{name}{}{inner}: {reason}", if inner.is_empty() { "" } else { "." }))
    })
}

/// Replaces the values of `base` by those of `over`, which must be known and of the same type (integers pass for real numbers).
fn merge(base: &mut Table, over: &Table, prefix: &str, all: &[String]) -> Result<()> {
    for (key, value) in over {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let siblings: Vec<String> = base.keys().map(|k| if prefix.is_empty() { k.clone() } else { format!("{prefix}.{k}") }).collect();
        let Some(known) = base.get_mut(key) else { return Err(unknown(&path, key, &siblings, all)) };
        match (known, value) {
            (Value::Table(inner), Value::Table(over)) => merge(inner, over, &path, all)?,
            (known @ Value::Float(_), Value::Integer(i)) => *known = Value::Float(*i as f64),
            (Value::Array(list), Value::Array(new)) => {
                let real = list.iter().all(Value::is_float);
                let convert = |v: &Value| v.as_integer().filter(|_| real).map_or_else(|| v.clone(), |i| Value::Float(i as f64));
                *list = new.iter().map(convert).collect();
            }
            // Every integer of the configuration counts something.
            (Value::Integer(_), Value::Integer(i)) if *i < 0 => return Err(Error::Config(format!("{path} = {i}: must not be negative"))),
            (known, value) if known.same_type(value) => *known = value.clone(),
            (known, value) => return Err(Error::Config(format!("{path} = {value}: must be {}", kind(known)))),
        }
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a word in quotes",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section with keys of its own",
    }
}

/// The same key elsewhere first (`train.lr` for `stage.emotion.lr`), then a similar name in the same section.
fn unknown(path: &str, key: &str, siblings: &[String], all: &[String]) -> Error {
    let last = |p: &str| p.rsplit('.').next().unwrap_or_default().to_string();
    let names: Vec<String> = siblings.iter().map(|p| last(p)).collect();
    let near = nearest(key, names.iter().map(String::as_str)).and_then(|n| siblings.iter().find(|p| last(p) == n));
    let elsewhere: Vec<&str> = all.iter().filter(|p| last(p) == key).map(String::as_str).collect();
    let hint = match (elsewhere.as_slice(), near) {
        ([], None) => format!("known here: {}", names.join(", ")),
        ([], Some(near)) => format!("did you mean `{near}`?"),
        (elsewhere, _) => format!("did you mean `{}`?", elsewhere.join("`, `")),
    };
    Error::Config(format!("unknown key `{path}`; {hint}"))
}

#[cfg(test)]
mod tests;
