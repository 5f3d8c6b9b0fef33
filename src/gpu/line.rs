//! A line of a shader and where it comes from.

use crate::Error;

/// A line of source, perhaps changed since.
#[derive(Clone)]
pub(super) struct Line {
    pub text: String,
    pub file: String,
    pub number: usize,
}

impl Line {
    /// The error that names it.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::Wgsl { file: self.file.clone(), line: self.number, message: message.into() }
    }
}
