//! Recordings that something of is taken away together: all of them, or those of a speaker.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Recordings that what a group is drawn to weighs as much as.
const WEIGHT: f64 = 5.0;

/// Recordings of a speaker, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// How many (windows of recordings count each).
    pub count: usize,
    /// Their mean: of logits by class, or of features.
    pub mean: Vec<f64>,
}

impl Group {
    /// The group of these vectors.
    pub fn of<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Self {
        let mut group = Group::default();
        for vector in vectors {
            group.mean.resize(vector.len(), 0.0);
            group.count += 1;
            group.mean.iter_mut().zip(vector).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        group.mean.iter_mut().for_each(|sum| *sum /= group.count as f64);
        group
    }

    /// The part of what its mean says that so many recordings can be believed.
    pub fn share(&self) -> f64 {
        self.count as f64 / (self.count as f64 + WEIGHT)
    }

    /// Its mean, drawn to `reference`.
    pub fn drawn_to(&self, reference: &[f64]) -> Vec<f64> {
        self.mean.iter().zip(reference).map(|(mean, reference)| reference + self.share() * (mean - reference)).collect()
    }
}

/// All recordings and those of each known speaker, by a vector of each recording.
pub(super) fn grouped(vectors: &[Vec<f32>], speakers: &[Option<&str>]) -> (Group, BTreeMap<String, Group>) {
    let known: BTreeMap<&str, Vec<&[f32]>> = speakers.iter().zip(vectors).fold(BTreeMap::new(), |mut known, (speaker, vector)| {
        speaker.iter().for_each(|s| known.entry(*s).or_insert_with(Vec::new).push(vector.as_slice()));
        known
    });
    let speakers = known.into_iter().map(|(speaker, own)| (speaker.to_string(), Group::of(own))).collect();
    (Group::of(vectors.iter().map(Vec::as_slice)), speakers)
}

/// How far a speaker lies from all recordings, as far as so many of theirs say; nothing of somebody unknown.
pub(super) fn apart(all: &Group, speakers: &BTreeMap<String, Group>, speaker: Option<&str>) -> Vec<f64> {
    let own = speaker.and_then(|s| speakers.get(s));
    let apart = |own: &Group| all.mean.iter().zip(&own.mean).map(|(all, mean)| own.share() * (mean - all)).collect();
    own.map_or_else(|| vec![0.0; all.mean.len()], apart)
}
