//! emotone: speech-emotion networks on any GPU, every kernel written by hand in WGSL.
#![warn(missing_docs)]

pub mod audio;
pub mod augment;
mod choice;
pub mod compile;
pub mod data;
pub mod error;
pub mod features;
pub mod gpu;
pub mod graph;
pub mod kernels;
pub mod models;
pub mod nn;
pub mod ops;
pub mod reference;
pub mod train;

pub use error::{Error, Result};
