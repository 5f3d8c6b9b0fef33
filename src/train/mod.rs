//! Configuration, metrics and reports of training.

pub mod config;
mod font;
pub mod metrics;
pub mod picture;
pub mod report;
