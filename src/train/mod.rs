//! Configuration, metrics and reports of training.

pub mod config;
pub mod early_stop;
mod font;
pub mod metrics;
pub mod picture;
pub mod report;
pub mod schedule;
