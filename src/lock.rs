//! One writer at a time in a folder of results: a lock of the operating system, which ends with the process that holds it.

use crate::{Error, Result, text};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// The file that is locked. It stays when the lock ends: taking it away could take it from under another process that has just opened it.
const NAME: &str = ".lock";
/// Characters of a command that are worth showing.
const SHOWN: usize = 200;

/// The right to write into a folder, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
    /// Why the folder could not be locked, where its file system has no locks.
    pub(crate) missing: Option<String>,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the process that has it; [`Error::Io`] where nothing can be written.
    pub(crate) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let io = || Error::io(&path);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io())?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.rewind()).map_err(io())?;
                file.write_all(holder().as_bytes()).and_then(|()| file.flush()).map_err(io())?;
                Ok(Lock { _file: file, missing: None })
            }
            Err(TryLockError::WouldBlock) => {
                // Where a lock keeps others from reading, nobody knows who has it.
                let mut text = String::new();
                let who = file.read_to_string(&mut text).ok().filter(|n| *n > 0).map_or("another process".to_string(), |_| text);
                let reason = format!("{who} is writing into this folder; wait until it ends, or choose another --out");
                Err(Error::Checkpoint { path: folder.to_path_buf(), reason })
            }
            Err(TryLockError::Error(e)) => {
                let missing = format!("{} cannot be locked ({e}): make sure that no other run writes into it", text::path(folder));
                Ok(Lock { _file: file, missing: Some(missing) })
            }
        }
    }
}

/// This process, for who finds the folder locked.
fn holder() -> String {
    let command: Vec<String> = std::env::args_os().map(|a| text::quoted(&a)).collect();
    let command: String = command.join(" ").chars().take(SHOWN).collect();
    format!("process {} ({command})", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_who_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let said = Lock::take(dir.path()).unwrap_err().to_string();
        let who = format!("process {} (", std::process::id());
        assert!(cfg!(windows) || said.contains(&who), "{said}");
        assert!(said.contains("--out") && said.contains(&text::path(dir.path())), "{said}");
        drop(lock);
        // The file that is left behind locks nobody out.
        assert!(dir.path().join(NAME).exists() && Lock::take(dir.path()).is_ok());
        assert!(matches!(Lock::take(&dir.path().join("no")), Err(Error::Io { .. })));
    }
}
