//! The best epoch so far, and when to give up.

use serde::{Deserialize, Serialize};

/// Follows a validation metric (larger is better) over the epochs of a stage. Serialisable, so that a resumed run stops where an
/// uninterrupted one does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStop {
    /// Largest metric so far.
    pub best: Option<f64>,
    /// The epoch it belongs to.
    pub best_epoch: usize,
    /// Epochs since then.
    pub stale: usize,
    /// Epochs without improvement after which to stop; 0 for never.
    pub patience: usize,
}

impl EarlyStop {
    /// Nothing seen yet.
    pub fn new(patience: usize) -> Self {
        EarlyStop { best: None, best_epoch: 0, stale: 0, patience }
    }

    /// Takes the metric of an epoch and says whether it is the best so far. Equal is not better; NaN never is.
    pub fn observe(&mut self, epoch: usize, metric: f64) -> bool {
        let better = !metric.is_nan() && self.best.is_none_or(|best| metric > best);
        if better {
            (self.best, self.best_epoch, self.stale) = (Some(metric), epoch, 0);
        } else {
            self.stale += 1;
        }
        better
    }

    /// Whether the patience is used up.
    pub fn stop(&self) -> bool {
        self.patience > 0 && self.stale >= self.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_when_nothing_improves_for_as_long_as_patience_lasts() {
        let mut e = EarlyStop::new(2);
        let seen =
            [(0.5, true, false), (0.6, true, false), (0.6, false, false), (0.7, true, false), (f64::NAN, false, false), (0.1, false, true)];
        for (epoch, (metric, better, stop)) in seen.into_iter().enumerate() {
            assert_eq!((e.observe(epoch, metric), e.stop()), (better, stop), "epoch {epoch}");
        }
        assert_eq!((e.best, e.best_epoch), (Some(0.7), 3));
        let mut never = EarlyStop::new(0);
        assert!((0..100).all(|epoch| !(never.observe(epoch, f64::NAN) || never.stop())));
        assert_eq!(never.best, None);
    }

    #[test]
    fn survives_serialisation_before_and_after_the_first_epoch() {
        let mut e = EarlyStop::new(3);
        for epoch in 0..2 {
            let text = serde_json::to_string(&e).unwrap();
            assert_eq!(serde_json::from_str::<EarlyStop>(&text).unwrap(), e);
            e.observe(epoch, 0.1 + 0.2);
        }
    }
}
