//! Layers from ops, and the named parameters they hold.

pub mod attention;
mod context;
pub mod file;
pub mod gradients;
pub mod layers;
mod maps;
pub mod optimiser;
mod params;
mod profiles;
mod rates;
pub mod recurrent;
mod training;
pub mod transformer;

pub use context::{Context, RNG, counter};
pub use gradients::GRADIENTS;
pub use maps::Maps;
pub use optimiser::Optimiser;
pub use params::{FROZEN, Init, Param, Params, STATISTICS, TRAINABLE, Weights};
pub use rates::Rates;
pub use training::Training;
