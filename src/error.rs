//! The library's error: every variant names what was asked, what was found and, where there is one, the way out.

use crate::text::path as shown;
use std::path::PathBuf;

/// Everything that can go wrong in the library. Programs print it with `{:#}` through `anyhow`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An op was given shapes or attributes it cannot take.
    #[error("{op}: expected {expected}, got {got}")]
    Shape {
        /// Name of the op.
        op: String,
        /// What the op takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// The graph was used in a way it cannot mean (gradient of a non-scalar, write before read, unknown name).
    #[error("graph: {0}")]
    Graph(String),
    /// A shader did not preprocess, parse or validate.
    #[error("{file}:{line}: {message}")]
    Wgsl {
        /// Source file the message points at, after includes are undone.
        file: String,
        /// Line in that file, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// No adapter, or none of that name.
    #[error("no usable GPU adapter{}: found {}. On Linux without a GPU, run through `tools/with-gpu`, which installs software Vulkan",
        wanted.as_ref().map(|w| format!(" named {w:?}")).unwrap_or_default(), if found.is_empty() { "none".to_string() } else { found.join(", ") })]
    NoAdapter {
        /// What the user asked for.
        wanted: Option<String>,
        /// Names of what there is.
        found: Vec<String>,
    },
    /// The adapter fails the start-up check, or lacks a limit or feature the engine needs.
    #[error("adapter {adapter}: {reason}")]
    Adapter {
        /// Adapter name.
        adapter: String,
        /// What is missing or wrong and what to do about it.
        reason: String,
    },
    /// The device was lost while working.
    #[error("the GPU device was lost: {0}")]
    DeviceLost(String),
    /// The driver refused an operation.
    #[error("GPU: {0}")]
    Gpu(String),
    /// A program needs more device memory than there is.
    #[error("out of device memory: {needed} bytes needed, {available} available{}", fits_batch.map(|b| format!("; batch size {b} fits (--batch {b})")).unwrap_or_default())]
    OutOfMemory {
        /// Bytes the program needs.
        needed: u64,
        /// Bytes the device grants.
        available: u64,
        /// The largest batch size that fits, where known.
        fits_batch: Option<usize>,
    },
    /// The driver could not allocate what had seemed to fit.
    #[error("the driver could not allocate {bytes} bytes for {what}, with {held} bytes in {allocations} allocations held already{}",
        fits_batch.map(|b| format!("; batch size {b} fits (--batch {b})")).unwrap_or_default())]
    Allocation {
        /// What the memory is for.
        what: String,
        /// Bytes asked for.
        bytes: u64,
        /// Bytes the device holds for this program.
        held: u64,
        /// Allocations they are in.
        allocations: usize,
        /// The largest batch size that fits, where known.
        fits_batch: Option<usize>,
    },
    /// A recording cannot be used.
    #[error("{}: {reason}", shown(path))]
    Audio {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A checkpoint or weight file cannot be used.
    #[error("{}: {reason}", shown(path))]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A manifest line cannot be used.
    #[error("{}:{line}: {reason}", shown(path))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Line number from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// A corpus or a split cannot be used.
    #[error("data: {0}")]
    Data(String),
    /// A configuration value is unknown or out of range.
    #[error("config: {0}")]
    Config(String),
    /// The numbers stopped being finite.
    #[error("non-finite value: {0}")]
    NonFinite(String),
    /// The user asked to stop; the state is saved.
    #[error("interrupted")]
    Interrupted,
    /// A file could not be read or written.
    #[error("{}: {cause}", shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
}

impl Error {
    /// A shape error of `op`.
    pub fn shape(op: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::Shape { op: op.into(), expected: expected.into(), got: got.into() }
    }

    /// Attaches a path to an I/O error.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Error::Io { path, cause }
    }
}

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The text of an error that quotes foreign bytes: one line, not longer than a screen has room for.
pub(crate) fn one_line(text: impl std::fmt::Display) -> String {
    const MOST: usize = 400;
    let text = text.to_string();
    let mut line: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        line.push_str(" ...");
    }
    line
}

/// An error of reading the section `section` of a configuration, with the path of the key in front.
pub(crate) fn located(section: &str, e: &toml::de::Error) -> String {
    let text = e.to_string();
    let (reason, key) = text.trim_end().split_once("\nin `").map_or((text.trim_end(), ""), |(r, k)| (r, k.trim_end_matches('`')));
    format!("{section}{}{key}: {reason}", if key.is_empty() { "" } else { "." })
}
