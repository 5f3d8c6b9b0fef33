//! Networks, one per file, built from a validated configuration.

mod config;
pub mod res_trans;
pub mod resnet;

pub use config::{LayerNormKind, Model, ModelName, NormPlace, Position, SpeakerHead, Token};
