//! Layers from ops, and the named parameters they hold.

pub mod attention;
mod context;
pub mod file;
pub mod layers;
mod params;
pub mod transformer;

pub use context::{Context, RNG};
pub use params::{FROZEN, GRADIENTS, Init, Param, Params, STATISTICS, TRAINABLE, Weights};
