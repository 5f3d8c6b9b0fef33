//! What is remembered between programs about an adapter and its driver: small JSON files in the folder that the request names.

use crate::storage::{self, Files};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Variants that a tuner measured to be the fastest: computation -> variant.
pub const TUNED: &str = "tuned.json";
/// Features that `doctor` found to compute wrong results, which later programs do without.
pub const SWITCHED_OFF: &str = "switched-off.json";
/// Whether `doctor` saw every case compute the same bits in shaders without wgpu's checks.
pub const UNCHECKED: &str = "unchecked.json";

/// What was remembered about one adapter and driver under this version of the kernels. Without a folder it is always empty.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: Option<PathBuf>,
    key: String,
}

impl Cache {
    pub(super) fn new(folder: Option<PathBuf>, adapter: &str, backend: &str, driver: &str) -> Cache {
        Cache { folder, key: format!("{adapter}|{backend}|{driver}|{}", env!("CARGO_PKG_VERSION")) }
    }

    /// The entry of `file` for this adapter and driver; none where the file is missing or damaged, or has no such entry.
    pub fn recall<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        serde_json::from_value(self.read(file).remove(&self.key)?).ok()
    }

    /// Replaces the entry of `file` for this adapter and driver, or removes it. `false` when that could not be written.
    pub fn remember<T: Serialize>(&self, file: &str, value: Option<&T>) -> bool {
        let mut known = self.read(file);
        let changed = match value.map(serde_json::to_value) {
            Some(Ok(value)) => known.insert(self.key.clone(), value.clone()) != Some(value),
            Some(Err(_)) => return false,
            None => known.remove(&self.key).is_some(),
        };
        !changed || self.write(file, &Value::Object(known)).is_some()
    }

    fn read(&self, file: &str) -> Map<String, Value> {
        let text = self.folder.as_ref().and_then(|f| std::fs::read_to_string(f.join(file)).ok());
        text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }

    fn write(&self, file: &str, known: &Value) -> Option<()> {
        // Programs that start together may write the same file at the same time.
        static WRITES: AtomicUsize = AtomicUsize::new(0);
        let mark = format!(".{}-{}", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
        let folder = self.folder.as_ref()?;
        std::fs::create_dir_all(folder).ok()?;
        storage::replace(&mut Files, &folder.join(file), serde_json::to_string_pretty(known).ok()?.as_bytes(), &mark).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_outlive_the_program() {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("emotone");
        let cache = |adapter: &str| Cache::new(Some(folder.clone()), adapter, "Vulkan", "1.0");
        assert_eq!(cache("a card").recall::<u32>("x.json"), None);
        assert!(cache("a card").remember("x.json", Some(&32)) && cache("another").remember("x.json", Some(&"text")));
        assert_eq!(cache("a card").recall("x.json"), Some(32));
        assert_eq!(cache("another").recall("x.json"), Some("text".to_string()));
        assert_eq!(cache("a third").recall::<u32>("x.json"), None);
        assert!(cache("a card").remember::<u32>("x.json", None));
        assert_eq!(cache("a card").recall::<u32>("x.json"), None);
        assert_eq!(std::fs::read_dir(&folder).expect("folder").count(), 1, "something is left behind");
        std::fs::write(folder.join("x.json"), "{ half").expect("write");
        assert_eq!(cache("another").recall::<String>("x.json"), None);
        let below_a_file = Cache::new(Some(folder.join("x.json")), "a card", "Vulkan", "1.0");
        assert!(!below_a_file.remember("x.json", Some(&1)) && below_a_file.remember::<u32>("x.json", None));
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let cache = Cache::new(None, "a card", "Vulkan", "1.0");
        assert!(!cache.remember("x.json", Some(&1)) && cache.remember::<u32>("x.json", None));
        assert_eq!(cache.recall::<u32>("x.json"), None);
    }
}
