//! emotone: speech-emotion networks on any GPU, every kernel written by hand in WGSL.
#![warn(missing_docs)]

pub mod error;

pub use error::{Error, Result};
