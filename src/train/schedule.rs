//! Learning-rate schedules: pure functions of the step.
//!
//! The rate of a step is the base rate times a warm-up factor times the schedule's factor. Steps and epochs count from 0 within a stage.

use super::config;
use crate::{Error, Result};

/// Linear warm-up: `(step + 1) / (steps + 1)` until it reaches 1, so that three steps take ¼, ½, ¾. `steps` may be a fraction.
pub fn warmup(step: u64, steps: f64) -> f64 {
    ((step + 1) as f64 / (steps.max(0.0) + 1.0)).min(1.0)
}

/// Step decay: `gamma^⌊(epoch − 1) / every⌋`. The decay is applied at the end of epochs 10, 20, ... (for `every` = 10), so epochs 0 to 10
/// have the base rate, 11 to 20 `gamma` times it, as in Res-Trans's released code. `every` = 0 never decays.
pub fn step_decay(epoch: u64, gamma: f64, every: u64) -> f64 {
    let power = epoch.saturating_sub(1).checked_div(every).unwrap_or(0);
    gamma.powf(power as f64)
}

/// Half a cosine: `(1 + cos(π·progress)) / 2` from 1 at progress 0 to 0 at progress 1 (Loshchilov & Hutter 2017, without restarts).
pub fn cosine(progress: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos())
}

/// The schedule of one stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    kind: config::Schedule,
    base: f64,
    gamma: f64,
    every: u64,
    warmup_steps: f64,
    steps_per_epoch: u64,
    steps: u64,
}

impl Schedule {
    /// The schedule that `train` asks for, of a stage of `steps_per_epoch` steps in each of its epochs.
    ///
    /// # Errors
    /// [`Error::Data`] when an epoch has no steps.
    pub fn new(train: &config::Train, stage: &config::Stage, steps_per_epoch: u64) -> Result<Self> {
        if steps_per_epoch == 0 {
            return Err(Error::Data("an epoch without a single batch: no training clip has a target of the stage".into()));
        }
        Ok(Schedule {
            kind: train.schedule,
            base: stage.lr,
            gamma: train.step_gamma,
            every: train.step_epochs as u64,
            warmup_steps: train.warmup_epochs * steps_per_epoch as f64,
            steps_per_epoch,
            steps: steps_per_epoch * stage.epochs as u64,
        })
    }

    /// Number of steps of the stage.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Learning rate of `step`. The cosine starts when the warm-up ends and would reach 0 one step after the last.
    pub fn at(&self, step: u64) -> f64 {
        let factor = match self.kind {
            config::Schedule::Constant => 1.0,
            config::Schedule::Step => step_decay(step / self.steps_per_epoch, self.gamma, self.every),
            config::Schedule::Cosine => {
                let after = (self.steps as f64 - self.warmup_steps).max(1.0);
                cosine((step as f64 - self.warmup_steps) / after)
            }
        };
        self.base * warmup(step, self.warmup_steps) * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Config;

    fn schedule(kind: config::Schedule, warmup_epochs: f64, epochs: usize) -> Schedule {
        let Config { mut train, stage, .. } = Config::preset("small").unwrap();
        (train.schedule, train.step_gamma, train.step_epochs, train.warmup_epochs) = (kind, 0.7, 10, warmup_epochs);
        let stage = config::Stage { epochs, lr: 2.0, ..stage["emotion"].clone() };
        Schedule::new(&train, &stage, 5).unwrap()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12, "{a} {b}");
    }

    #[test]
    fn step_decay_acts_after_epochs_10_20_30() {
        let factors = [(0, 1.0), (9, 1.0), (10, 1.0), (11, 0.7), (20, 0.7), (21, 0.49), (30, 0.49), (31, 0.343)];
        for (epoch, factor) in factors {
            close(step_decay(epoch, 0.7, 10), factor);
        }
        close(step_decay(1000, 0.7, 0), 1.0);
        let s = schedule(config::Schedule::Step, 0.0, 40);
        close(s.at(11 * 5 - 1), 2.0);
        close(s.at(11 * 5), 1.4);
    }

    #[test]
    fn warmup_is_linear_and_ends_at_the_base_rate() {
        for (step, factor) in [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1.0), (4, 1.0)] {
            close(warmup(step, 3.0), factor);
        }
        close(warmup(0, 0.0), 1.0);
        let s = schedule(config::Schedule::Constant, 0.6, 2);
        close(s.at(0), 0.5);
        close(s.at(3), 2.0);
        close(s.at(9), 2.0);
    }

    #[test]
    fn cosine_falls_from_the_end_of_the_warmup_to_zero() {
        close(cosine(0.0), 1.0);
        close(cosine(0.5), 0.5);
        close(cosine(1.0), 0.0);
        let s = schedule(config::Schedule::Cosine, 2.0, 6);
        assert_eq!(s.steps(), 30);
        close(s.at(10), 2.0);
        close(s.at(20), 1.0);
        close(s.at(30), 0.0);
        assert!((0..29).all(|t| if t < 10 { s.at(t) < s.at(t + 1) } else { s.at(t) > s.at(t + 1) }) && s.at(29) > 0.0);
        // A warm-up longer than the stage never meets the cosine.
        close(schedule(config::Schedule::Cosine, 9.0, 6).at(29), 2.0 * 30.0 / 46.0);
    }

    #[test]
    fn an_epoch_without_steps_is_refused() {
        let Config { train, stage, .. } = Config::preset("small").unwrap();
        assert!(Schedule::new(&train, &stage["emotion"], 0).unwrap_err().to_string().contains("batch"));
    }
}
