//! Features that `doctor` found to compute wrong results on an adapter and driver, which later programs do without.

use super::Capabilities;
use super::cache;

const FILE: &str = "switched-off.json";

/// Switches that are off on this adapter and driver.
pub(super) fn switched_off(adapter: &str, backend: &str, driver: &str) -> Vec<String> {
    cache::file(FILE).and_then(|f| cache::recall(&f).remove(&cache::key(adapter, backend, driver))).unwrap_or_default()
}

/// Makes later programs on this adapter and driver do without `switches`, or with everything again when there are none. `false` when
/// that could not be kept.
pub fn switch_off(caps: &Capabilities, switches: &[String]) -> bool {
    let Some(file) = cache::file(FILE) else { return false };
    let mut known = cache::recall(&file);
    let key = cache::key(&caps.adapter, &caps.backend, &caps.driver);
    match switches {
        [] => known.remove(&key).is_none() || cache::remember(&file, &known).is_some(),
        _ => {
            known.insert(key, switches.to_vec());
            cache::remember(&file, &known).is_some()
        }
    }
}
