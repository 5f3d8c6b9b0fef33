//! Where results go: standard output, a file, or a file for each recording.

use anyhow::{Context as _, Result, bail};
use emotone::text;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A place for results. Whatever is written is there at once.
pub struct Target {
    folder: Option<PathBuf>,
    /// Files made in the folder.
    made: HashSet<PathBuf>,
    /// The file that is written now; standard output where there is none.
    file: Option<(PathBuf, File)>,
}

impl Target {
    /// The place that --output names; a folder is one that is there or whose name ends in a slash.
    pub fn open(output: Option<&Path>) -> Result<Self> {
        let mut target = Target { folder: None, made: HashSet::new(), file: None };
        match output {
            None => {}
            Some(path) if path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) => {
                std::fs::create_dir_all(path).with_context(|| format!("--output {}", text::path(path)))?;
                target.folder = Some(path.into());
            }
            Some(path) => target.create(path.into())?,
        }
        Ok(target)
    }

    /// Whether each recording has a file of its own.
    pub fn is_folder(&self) -> bool {
        self.folder.is_some()
    }

    /// From now on results are those of this recording.
    pub fn turn_to(&mut self, recording: &str, suffix: &str) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = Path::new(recording);
        let part = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned());
        let stem = if recording == "-" { "stdin".into() } else { part(path.file_stem()).unwrap_or_else(|| "recording".into()) };
        // Recordings of one name in several folders are told apart by these, or by numbers.
        let above = part(path.parent().and_then(Path::file_name)).map(|above| format!("{above}_{stem}"));
        let numbered = (2..).map(|i| format!("{stem}-{i}"));
        let names = std::iter::once(stem.clone()).chain(above).chain(numbered);
        let free = names.map(|name| folder.join(format!("{name}.{suffix}"))).find(|file| !self.made.contains(file));
        let Some(file) = free else { bail!("{}: no free name for {recording}", text::path(folder)) };
        self.made.insert(file.clone());
        self.create(file)
    }

    fn create(&mut self, path: PathBuf) -> Result<()> {
        let file = File::create(&path).with_context(|| format!("--output {}", text::path(&path)))?;
        self.file = Some((path, file));
        Ok(())
    }

    /// Writes text, and lets it go on its way.
    pub fn write(&mut self, words: &str) -> Result<()> {
        match &mut self.file {
            Some((path, file)) => file.write_all(words.as_bytes()).with_context(|| text::path(path)),
            // Results of no recording at all have no file in a folder.
            None if self.folder.is_some() => Ok(()),
            None => {
                let mut out = io::stdout().lock();
                out.write_all(words.as_bytes())?;
                Ok(out.flush()?)
            }
        }
    }
}

/// Whether an error is that nobody reads standard output any longer.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
