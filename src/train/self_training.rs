//! What recordings teach a model about themselves, without labels: the second step of [adaptation](super::adapt).
//!
//! A machine that is solved on features learns its own centred answers to the recordings again, on the recordings' own features
//! ([`models::self_train`](crate::models::self_train)). What that comes to is linear in a recording's answers and its features, so it is kept
//! with the statistics, and answers later recordings of the same place and people too.
//!
//! Features are centred as answers are, but by all that the recordings have in common: a speaker's are off by `n_s/(n_s + 5) · (mean_s − mean)` more.

use super::group::{apart, grouped};
use crate::Result;
use crate::gpu::Device;
use crate::models::{SelfTraining, self_train};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was learnt from recordings: `own · o + weight · x − off` is answered for the centred answers o and the features x of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taught {
    /// Classes that were answered about.
    pub classes: Vec<String>,
    /// The factor of the answers.
    pub own: f64,
    /// By class, of each feature.
    pub weight: Vec<Vec<f32>>,
    /// By class, what the weights say of all recordings' mean.
    pub off: Vec<f64>,
    /// The same of how far a known speaker is from it.
    pub speakers: BTreeMap<String, Vec<f64>>,
    /// The share of the answers that could be learnt again.
    pub explained: f64,
}

impl Taught {
    /// By the centred answers `o` about `classes` to recordings with these features; their speakers are named where they are known. `None` where
    /// the recordings are all alike.
    ///
    /// # Errors
    /// Device faults.
    pub fn by(
        device: &Arc<Device>,
        classes: &[String],
        o: &[Vec<f64>],
        features: &[Vec<f32>],
        speakers: &[Option<&str>],
    ) -> Result<Option<Self>> {
        let (all, groups) = grouped(features, speakers);
        let centred = |(x, speaker): (&Vec<f32>, &Option<&str>)| {
            let own = apart(&all, &groups, *speaker);
            x.iter().zip(all.mean.iter().zip(&own)).map(|(x, (mean, own))| (f64::from(*x) - mean - own) as f32).collect::<Vec<f32>>()
        };
        let centred: Vec<Vec<f32>> = features.iter().zip(speakers).map(centred).collect();
        let rows: Vec<&[f32]> = centred.iter().map(Vec::as_slice).collect();
        let Some(SelfTraining { own, weight, explained }) =
            self_train(Some(device), &rows, &o.iter().map(|o| level(o)).collect::<Vec<_>>())?
        else {
            return Ok(None);
        };
        let says = |x: &[f64]| weight.iter().map(|w| w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum()).collect::<Vec<f64>>();
        let off = says(&all.mean);
        let speakers = groups.keys().map(|s| (s.clone(), says(&apart(&all, &groups, Some(s))))).collect();
        Ok(Some(Taught { classes: classes.to_vec(), own, off, speakers, weight, explained }))
    }

    /// What is answered for the centred answers `o` and the features `x` of a recording of a speaker, or of somebody unknown.
    pub fn answer(&self, o: &[f64], x: &[f32], speaker: Option<&str>) -> Vec<f64> {
        let speaker = speaker.and_then(|s| self.speakers.get(s));
        let o = level(o);
        let of = |class: usize| {
            let learnt: f64 = self.weight[class].iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            self.own * o[class] + learnt - self.off[class] - speaker.map_or(0.0, |s| s[class])
        };
        (0..o.len()).map(of).collect()
    }

    /// Features that are weighed.
    pub fn width(&self) -> usize {
        self.weight.first().map_or(0, Vec::len)
    }

    /// Whether its numbers fit together, of a model that tells `classes` apart.
    pub fn consistent(&self, classes: &[String]) -> bool {
        let k = self.classes.len();
        let width = self.width();
        let finite = |values: &Vec<f64>| values.len() == k && values.iter().all(|v| v.is_finite());
        let weight = self.weight.len() == k && self.weight.iter().all(|w| w.len() == width && w.iter().all(|v| v.is_finite()));
        self.own > 0.0
            && k > 0
            && width > 0
            && weight
            && self.own.is_finite()
            && finite(&self.off)
            && self.speakers.values().all(finite)
            && self.classes.iter().all(|c| classes.contains(c))
    }
}

/// A recording's answers less what all of them have in common, which a softmax does not hear.
fn level(o: &[f64]) -> Vec<f64> {
    let mean = o.iter().sum::<f64>() / o.len().max(1) as f64;
    o.iter().map(|v| v - mean).collect()
}
