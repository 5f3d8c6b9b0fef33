//! Training: configuration, tasks, data, the stages of a run, its state on disk, metrics and reports; and the trained model.

mod anomaly;
pub mod config;
pub mod dataset;
pub mod distil;
pub mod early_stop;
pub mod events;
mod font;
pub mod inference;
pub mod learner;
pub mod lessons;
pub mod loss_scale;
mod metadata;
pub mod metrics;
pub mod picture;
pub mod predictions;
pub mod predictor;
pub mod recipe;
pub mod report;
pub mod run;
pub mod schedule;
mod settle;
pub mod solving;
pub mod state;
pub mod step;
pub mod task;
pub mod teacher;
pub mod trainer;
