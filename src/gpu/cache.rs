//! What is remembered between programs, per adapter and driver: small JSON files in the user's cache folder.

use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What stands for an adapter with its driver under this version of the kernels.
pub(super) fn key(adapter: &str, backend: &str, driver: &str) -> String {
    format!("{adapter}|{backend}|{driver}|{}", env!("CARGO_PKG_VERSION"))
}

/// Where `name` is kept; none where the system has no home.
pub(super) fn file(name: &str) -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|h| h.join(".cache"))).or_else(|| var("LOCALAPPDATA"))?;
    Some(cache.join("emotone").join(name))
}

/// The entries so far; none where the file is missing or damaged.
pub(super) fn recall<T: DeserializeOwned>(file: &Path) -> BTreeMap<String, T> {
    let text = std::fs::read_to_string(file).ok();
    text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
}

/// Replaces the file as a whole, so that programs that start together never read half of it.
pub(super) fn remember<T: Serialize>(file: &Path, known: &BTreeMap<String, T>) -> Option<()> {
    let dir = file.parent()?;
    std::fs::create_dir_all(dir).ok()?;
    let mut tmp = tempfile::NamedTempFile::new_in(dir).ok()?;
    tmp.write_all(serde_json::to_string_pretty(known).ok()?.as_bytes()).ok()?;
    tmp.persist(file).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_outlive_the_program() {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("emotone").join("x.json");
        assert!(recall::<u32>(&file).is_empty());
        let known = BTreeMap::from([("a card".to_string(), 32)]);
        assert_eq!(remember(&file, &known), Some(()));
        assert_eq!(recall(&file), known);
        std::fs::write(&file, "{ half").expect("write");
        assert!(recall::<u32>(&file).is_empty());
        assert_eq!(remember(&file.join("below a file"), &known), None);
    }
}
