//! Layers from ops, and the named parameters they hold.

mod context;
pub mod file;
mod params;

pub use context::{Context, RNG};
pub use params::{FROZEN, GRADIENTS, Init, Param, Params, STATISTICS, TRAINABLE, Weights};
