//! Configuration, metrics and reports of training.

mod anomaly;
pub mod config;
pub mod dataset;
pub mod early_stop;
pub mod events;
mod font;
pub mod learner;
pub mod loss;
pub mod loss_scale;
pub mod metrics;
pub mod picture;
pub mod predictor;
pub mod recipe;
pub mod report;
pub mod run;
pub mod schedule;
pub mod stage;
pub mod state;
pub mod trainer;
mod update;
