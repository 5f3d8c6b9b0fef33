//! What two configurations have otherwise, key by key.

use super::Config;
use super::merge::Dotted as _;
use crate::Result;
use std::collections::BTreeSet;
use std::fmt;
use toml::Value;

/// A key whose value is another in each of two configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The key, with dots.
    pub key: String,
    /// Its value in the first; none where that has no such key.
    pub before: Option<String>,
    /// Its value in the second.
    pub now: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "not there".into());
        write!(f, "{} = {} ({} before)", self.key, value(&self.now), value(&self.before))
    }
}

impl Config {
    /// All keys, with dots.
    ///
    /// # Errors
    /// As [`Config::to_toml`].
    pub fn keys(&self) -> Result<Vec<String>> {
        Ok(self.table()?.leaves(""))
    }

    /// What is otherwise in `now`, whatever presets they were laid over.
    ///
    /// # Errors
    /// As [`Config::to_toml`].
    pub fn differences(&self, now: &Self) -> Result<Vec<Difference>> {
        let (ours, theirs) = (self.table()?, now.table()?);
        let keys: BTreeSet<String> = ours.leaves("").into_iter().chain(theirs.leaves("")).filter(|key| key != "preset").collect();
        let different = |key: String| {
            let (before, now) = (ours.pointer(&key), theirs.pointer(&key));
            (before != now).then(|| Difference { before: before.map(Value::to_string), now: now.map(Value::to_string), key })
        };
        Ok(keys.into_iter().filter_map(different).collect())
    }
}
