//! Replacing a file: whatever interrupts it, afterwards the file has its whole old content or its whole new content.

use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What the replacement asks of the file system, one operation at a time, so that tests can fail each.
pub trait Storage {
    /// Makes `path` an empty file.
    fn create(&mut self, path: &Path) -> io::Result<()>;
    /// Appends to a file.
    fn append(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Returns when the file's content is on the medium.
    fn sync(&mut self, path: &Path) -> io::Result<()>;
    /// The whole content.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;
    /// Puts `from` in the place of `to` in one step.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Returns when the folder's entries are on the medium.
    fn sync_folder(&mut self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system.
pub struct Files;

impl Storage for Files {
    fn create(&mut self, path: &Path) -> io::Result<()> {
        File::create(path).map(drop)
    }
    fn append(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.write_all(bytes)
    }
    fn sync(&mut self, path: &Path) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.sync_all()
    }
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        // Not every platform lets a folder be opened; there the file system keeps the order itself.
        File::open(path).map_or(Ok(()), |d| d.sync_all())
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// Replaces the file `path` by `bytes`; see [`replace`].
///
/// # Errors
/// [`Error::Io`] with the path; the old file is then untouched, or fully replaced.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(&mut Files, path, bytes, "")
}

/// Replaces the file `path` by a value as indented JSON.
///
/// # Errors
/// As [`write()`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::io(path)(e.into()))?;
    write(path, format!("{text}\n").as_bytes())
}

/// Reads back what [`write_json`] wrote.
///
/// # Errors
/// [`Error::Io`] naming the file when it cannot be read or holds something else.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    serde_json::from_str(&text).map_err(|e| Error::io(path)(e.into()))
}

/// Replaces `path` by `bytes`: a sibling is written, flushed, read back, renamed into place, and the folder flushed. The sibling's name
/// is `path`'s with `mark`. A constant mark lets the next attempt overwrite what an interruption left behind; programs that may write
/// the same file at the same time need a mark each.
///
/// # Errors
/// [`Error::Io`] with the path; the old file is then untouched, or fully replaced.
pub fn replace(storage: &mut dyn Storage, path: &Path, bytes: &[u8], mark: &str) -> Result<()> {
    let sibling = sibling(path, mark);
    let written = write_through(storage, &sibling, bytes).map_err(Error::io(path));
    if written.is_err() {
        // It may not exist, and the first error is the one to tell.
        let _ = storage.remove(&sibling);
    }
    written?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    storage.rename(&sibling, path).and_then(|()| storage.sync_folder(folder)).map_err(Error::io(path))
}

fn write_through(storage: &mut dyn Storage, sibling: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = storage.create(sibling).and_then(|()| storage.append(sibling, bytes)).and_then(|()| storage.sync(sibling));
    written.map_err(|e| match e.kind() {
        kind @ (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) => {
            let wanted = format!("no room for its {} bytes ({e}); what was there is untouched", bytes.len());
            io::Error::new(kind, format!("{wanted}: make room, then run again (training goes on with --resume)"))
        }
        _ => e,
    })?;
    if storage.read(sibling)? != bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "what was written does not read back"));
    }
    Ok(())
}

fn sibling(path: &Path, mark: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(mark);
    name.push(".partial");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A medium that loses what was not flushed. The `fail`th operation from now on fails; with `dead`, so do all after it.
    #[derive(Clone, Default)]
    struct Medium {
        /// Content and how much of it is on the medium.
        files: BTreeMap<PathBuf, (Vec<u8>, usize)>,
        /// Entries as of the last flush of the folder.
        entries: BTreeMap<PathBuf, (Vec<u8>, usize)>,
        operations: usize,
        fail: Option<usize>,
        dead: bool,
        full: bool,
    }

    impl Medium {
        fn operate(&mut self) -> io::Result<()> {
            self.operations += 1;
            match self.fail {
                Some(k) if self.operations == k || self.dead && self.operations > k => {
                    Err(if self.full { io::ErrorKind::StorageFull.into() } else { io::Error::other("injected") })
                }
                _ => Ok(()),
            }
        }

        /// What is found after a power cut: with or without the renames since the folder was flushed, unflushed content cut short.
        fn after_power_cut(&self, renamed: bool) -> BTreeMap<PathBuf, Vec<u8>> {
            let entries = if renamed { &self.files } else { &self.entries };
            entries.iter().map(|(p, (content, safe))| (p.clone(), content[..*safe].to_vec())).collect()
        }
    }

    impl Storage for Medium {
        fn create(&mut self, path: &Path) -> io::Result<()> {
            self.operate()?;
            self.files.insert(path.into(), (Vec::new(), 0));
            Ok(())
        }
        fn append(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            let outcome = self.operate();
            // A failed write leaves a part.
            let part = if outcome.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
            self.files.get_mut(path).ok_or(io::ErrorKind::NotFound)?.0.extend(part);
            outcome
        }
        fn sync(&mut self, path: &Path) -> io::Result<()> {
            self.operate()?;
            let f = self.files.get_mut(path).ok_or(io::ErrorKind::NotFound)?;
            f.1 = f.0.len();
            Ok(())
        }
        fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
            self.operate()?;
            Ok(self.files.get(path).ok_or(io::ErrorKind::NotFound)?.0.clone())
        }
        fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
            self.operate()?;
            let f = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
            self.files.insert(to.into(), f);
            Ok(())
        }
        fn sync_folder(&mut self, _: &Path) -> io::Result<()> {
            self.operate()?;
            self.entries = self.files.clone();
            Ok(())
        }
        fn remove(&mut self, path: &Path) -> io::Result<()> {
            self.operate()?;
            self.files.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
        }
    }

    const OLD: &[u8] = b"the old checkpoint";
    const NEW: &[u8] = b"the new checkpoint, longer";

    #[test]
    fn any_failed_operation_leaves_the_old_content_or_the_new() {
        let path = Path::new("run/state");
        let mut old = Medium::default();
        replace(&mut old, path, OLD, "").unwrap();
        let operations = old.operations;
        assert!(operations >= 6, "{operations} operations");
        let mut whole = [0, 0];
        for k in 1..=operations {
            for dead in [false, true] {
                let mut medium = Medium { fail: Some(k), dead, operations: 0, ..old.clone() };
                let outcome = replace(&mut medium, path, NEW, "");
                assert!(outcome.is_err(), "operation {k} failed unseen");
                for (running, found) in [(true, medium.files[path].0.clone())]
                    .into_iter()
                    .chain([false, true].map(|r| (false, medium.after_power_cut(r)[path].clone())))
                {
                    assert!(
                        found == OLD || found == NEW,
                        "operation {k}, dead {dead}, running {running}: {:?}",
                        String::from_utf8_lossy(&found)
                    );
                    whole[usize::from(found == NEW)] += 1;
                }
                // The next attempt, with nothing in its way, succeeds whatever was left behind.
                medium.fail = None;
                replace(&mut medium, path, NEW, "").unwrap();
                assert_eq!(medium.after_power_cut(false)[path], NEW);
                assert_eq!(medium.files.len(), 1, "{:?}", medium.files.keys());
            }
        }
        assert!(whole.iter().all(|n| *n > 0), "{whole:?}");
    }

    #[test]
    fn a_full_disk_is_named_with_the_way_out() {
        let path = Path::new("run/state");
        let mut medium = Medium::default();
        replace(&mut medium, path, OLD, "").unwrap();
        (medium.fail, medium.operations, medium.full) = (Some(2), 0, true);
        let message = replace(&mut medium, path, NEW, "").unwrap_err().to_string();
        assert!(message.contains("run/state") && message.contains("no room for its 26 bytes") && message.contains("--resume"), "{message}");
        assert_eq!(medium.files[path].0, OLD);
    }
}
