//! Flags of a system: what to do, files, and settings of the network under their own names.

use anyhow::{Context as _, Result, bail};
use emotone::train::config::Config;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Value;

/// Flags that another implementation takes and that change nothing here.
const IGNORED: [&str; 4] = ["probes", "seed", "threads", "device"];
/// Flags of a measurement, which a comparison may be called with as well.
const SCRIPTS: [&str; 2] = ["batch", "steps"];
/// Flags of what the inputs' shape tells, where the network has no setting of that name.
const TOLD: [&str; 7] = ["channels", "size", "height", "frames", "features", "length", "dim"];

/// What to do, and the values of flags by name.
pub struct Flags {
    /// `forward`, `grads` or `bench`.
    pub what: String,
    values: BTreeMap<String, String>,
}

impl Flags {
    /// Reads `WHAT --flag value --flag=value ...`.
    pub fn parse(words: &[String]) -> Result<Self> {
        let (what, mut rest) = words.split_first().context("say what to do: forward, grads or bench")?;
        let mut values = BTreeMap::new();
        while let Some((word, after)) = rest.split_first() {
            let flag = word.strip_prefix("--").with_context(|| format!("{word:?}: a flag begins with --"))?;
            rest = after;
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_string()),
                None => {
                    let (value, after) = rest.split_first().with_context(|| format!("--{flag} needs a value"))?;
                    rest = after;
                    (flag, value.clone())
                }
            };
            values.insert(name.replace('-', "_"), value);
        }
        IGNORED.iter().for_each(|name| drop(values.remove(*name)));
        Ok(Flags { what: what.clone(), values })
    }

    /// The file that a flag names.
    pub fn path(&mut self, name: &str) -> Result<PathBuf> {
        Ok(self.values.remove(name).with_context(|| format!("--{name} is missing"))?.into())
    }

    /// The value of a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a flag, which then counts as read.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// A number, or what it is by default.
    pub fn number(&mut self, name: &str, default: usize) -> Result<usize> {
        self.values.remove(name).map_or(Ok(default), |v| v.parse().with_context(|| format!("--{name} {v}: must be a number")))
    }

    /// A number that stays with the flags, for it may be a setting too.
    pub fn count(&self, name: &str, default: usize) -> Result<usize> {
        self.values.get(name).map_or(Ok(default), |v| v.parse().with_context(|| format!("--{name} {v}: must be a number")))
    }

    /// Whether a condition is set.
    pub fn yes(&mut self, name: &str) -> bool {
        self.values.remove(name).is_some_and(|v| yes(&v))
    }

    /// Sets what is left in `[model]`; values are read as those of the settings: words, numbers, lists as `3,4,6,3`, 1, true or yes.
    pub fn settings(self, config: &mut Config) -> Result<()> {
        for (name, value) in self.values {
            if SCRIPTS.contains(&name.as_str()) {
                continue;
            }
            let value = match config.model.0.get(&name) {
                Some(Value::Boolean(_)) => yes(&value).to_string(),
                Some(Value::String(_)) => format!("{value:?}"),
                Some(_) => value,
                None if TOLD.contains(&name.as_str()) => continue,
                None => {
                    let known: Vec<&str> = config.model.0.keys().map(String::as_str).collect();
                    bail!("--{name}: {} has no such setting, but {}", config.model.name(), known.join(", "));
                }
            };
            config.set(&format!("model.{name}={value}"))?;
        }
        Ok(())
    }
}

fn yes(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "1" | "true" | "yes")
}
