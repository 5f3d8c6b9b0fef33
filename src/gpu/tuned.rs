//! Variants that a tuner measured to be the fastest on an adapter and driver, kept for later runs.

use super::Capabilities;
use super::cache;
use std::collections::BTreeMap;

const FILE: &str = "tuned.json";

/// Computation -> variant, as measured so far on this adapter and driver; empty where nothing was.
pub fn recall(caps: &Capabilities) -> BTreeMap<String, String> {
    cache::file(FILE).and_then(|f| cache::recall(&f).remove(&cache::key(&caps.adapter, &caps.backend, &caps.driver))).unwrap_or_default()
}

/// Keeps what was measured. `false` when it could not be kept.
pub fn remember(caps: &Capabilities, choices: &BTreeMap<String, String>) -> bool {
    let Some(file) = cache::file(FILE) else { return false };
    let mut known = cache::recall(&file);
    known.insert(cache::key(&caps.adapter, &caps.backend, &caps.driver), choices.clone());
    cache::remember(&file, &known).is_some()
}
