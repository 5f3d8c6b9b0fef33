//! Configuration, metrics and reports of training.

mod font;
pub mod metrics;
pub mod picture;
pub mod report;
