//! Adaptation without labels: answers about a group of recordings are centred by where the group itself lies.
//!
//! Recordings of one speaker, place or microphone differ more from those of another by these than by emotion, so a model's logits of a group are all
//! off by about the same. From each logit the mean of the group is subtracted, and the centre that a group of as many recordings of each class has
//! ([`Calibration::centre`](super::calibration::Calibration::centre)) put in its place:
//!
//! `f' = f − (m − centre)`, with `m = n / (n + 5) · mean + 5 / (n + 5) · centre` of the `n` recordings of the group. So few recordings, which may all
//! be of one class, say little. A speaker's mean is drawn the same way to that of all recordings, and theirs to the centre.
//!
//! Where most recordings of a group are of few classes, their mean says something of the classes too, and adaptation takes that away.

use crate::{Error, Result, storage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Recordings that what a group is drawn to weighs as much as.
const WEIGHT: f64 = 5.0;

/// Recordings of a speaker, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// How many (windows of recordings count each).
    pub count: usize,
    /// Mean of their logits, by class.
    pub mean: Vec<f64>,
}

impl Group {
    /// The group of these logits.
    pub fn of<'a>(logits: impl IntoIterator<Item = &'a [f32]>) -> Self {
        let mut group = Group::default();
        for l in logits {
            group.mean.resize(l.len(), 0.0);
            group.count += 1;
            group.mean.iter_mut().zip(l).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        group.mean.iter_mut().for_each(|sum| *sum /= group.count as f64);
        group
    }

    /// Its mean, drawn to `reference`.
    pub fn drawn_to(&self, reference: &[f64]) -> Vec<f64> {
        let share = self.count as f64 / (self.count as f64 + WEIGHT);
        self.mean.iter().zip(reference).map(|(mean, reference)| share * mean + (1.0 - share) * reference).collect()
    }
}

/// What a model's logits of some recordings come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// SHA-256 of the model's weights.
    pub weights_sha256: String,
    /// Classes, in the order of the means.
    pub classes: Vec<String>,
    /// All recordings.
    pub all: Group,
    /// Those of each known speaker.
    pub speakers: BTreeMap<String, Group>,
}

impl Statistics {
    /// Of recordings of which a model gave these logits; their speakers are named where they are known.
    pub fn of(weights_sha256: String, classes: &[String], logits: &[Vec<f32>], speakers: &[Option<&str>]) -> Self {
        let known: BTreeMap<&str, Vec<&[f32]>> = speakers.iter().zip(logits).fold(BTreeMap::new(), |mut known, (speaker, logits)| {
            speaker.iter().for_each(|s| known.entry(*s).or_insert_with(Vec::new).push(logits.as_slice()));
            known
        });
        Statistics {
            weights_sha256,
            classes: classes.to_vec(),
            all: Group::of(logits.iter().map(Vec::as_slice)),
            speakers: known.into_iter().map(|(speaker, own)| (speaker.to_string(), Group::of(own))).collect(),
        }
    }

    /// What is subtracted from the logits of a recording of a speaker, or of somebody unknown.
    pub fn offset(&self, centre: &[f32], speaker: Option<&str>) -> Vec<f32> {
        let centre: Vec<f64> = centre.iter().map(|&c| f64::from(c)).collect();
        let all = self.all.drawn_to(&centre);
        let own = speaker.and_then(|s| self.speakers.get(s)).filter(|own| own.count < self.all.count);
        let lies = own.map_or_else(|| all.clone(), |own| own.drawn_to(&all));
        lies.iter().zip(&centre).map(|(lies, centre)| (lies - centre) as f32).collect()
    }

    /// Whether its numbers fit together.
    fn consistent(&self) -> bool {
        let fits = |g: &Group| g.count > 0 && g.mean.len() == self.classes.len() && g.mean.iter().all(|m| m.is_finite());
        fits(&self.all) && self.speakers.values().all(fits)
    }
}

/// [`Statistics`] of models that are asked together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// Of each, in their order.
    pub models: Vec<Statistics>,
}

impl Adaptation {
    /// Writes it as indented JSON.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        storage::write_json(path, self)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] for a file that holds none.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
        let read: Self = serde_json::from_str(&text).map_err(|e| bad(format!("no statistics of recordings: {e}")))?;
        match read.models.iter().all(Statistics::consistent) {
            true => Ok(read),
            false => Err(bad("the statistics contradict themselves: a count of 0, or means that are not one per class".into())),
        }
    }

    /// Whether it is of models with these weights (their SHA-256) and classes, in this order.
    ///
    /// # Errors
    /// What differs, with both values.
    pub fn fits(&self, models: &[(String, &[String])]) -> Result<(), String> {
        if self.models.len() != models.len() {
            return Err(format!("statistics of {} models, and {} are asked", self.models.len(), models.len()));
        }
        for (of, (sha256, classes)) in self.models.iter().zip(models) {
            if of.classes != *classes {
                return Err(format!("statistics of classes {}, the model tells {} apart", of.classes.join(", "), classes.join(", ")));
            }
            if of.weights_sha256 != *sha256 {
                return Err(format!(
                    "statistics of another model: its weights are {:.12}, those of the one asked {sha256:.12}",
                    of.weights_sha256
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    fn close(got: &[f32], wanted: &[f64]) {
        let apart = got.iter().zip(wanted).fold(0.0, |m: f64, (g, w)| m.max((f64::from(*g) - w).abs()));
        assert!(got.len() == wanted.len() && apart < 1e-6, "{got:?}, wanted {wanted:?}");
    }

    /// Five recordings of one speaker and fifteen of nobody known, by hand.
    #[test]
    fn means_are_drawn_to_what_they_are_a_part_of() {
        let logits: Vec<Vec<f32>> = (0..20).map(|i| if i < 5 { vec![4.0, 0.0] } else { vec![0.0, 2.0] }).collect();
        let speakers: Vec<Option<&str>> = (0..20).map(|i| (i < 5).then_some("a")).collect();
        let found = Statistics::of("hash".into(), &names(&["joy", "fear"]), &logits, &speakers);
        assert_eq!((found.all.count, &found.all.mean, found.speakers["a"].count), (20, &vec![1.0, 1.5], 5));
        let centre = [0.5, 0.5];
        let all = [0.8 * 1.0 + 0.2 * 0.5, 0.8 * 1.5 + 0.2 * 0.5];
        close(&found.offset(&centre, None), &[all[0] - 0.5, all[1] - 0.5]);
        close(&found.offset(&centre, Some("stranger")), &[all[0] - 0.5, all[1] - 0.5]);
        close(&found.offset(&centre, Some("a")), &[0.5 * 4.0 + 0.5 * all[0] - 0.5, 0.5 * 0.0 + 0.5 * all[1] - 0.5]);
        // Where all are one speaker's, the two are the same group, which counts once.
        let alone = Statistics::of("hash".into(), &names(&["joy", "fear"]), &logits[..5], &speakers[..5]);
        close(&alone.offset(&centre, Some("a")), &[0.5 * (4.0 - 0.5), 0.5 * (0.0 - 0.5)]);
    }

    #[test]
    fn statistics_survive_their_file_and_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let of = Statistics::of("abc".into(), &names(&["joy", "fear"]), &[vec![0.1, 0.7], vec![0.3, 0.2]], &[Some("x"), None]);
        let all = Adaptation { models: vec![of.clone()] };
        all.write(&path).unwrap();
        assert_eq!(Adaptation::read(&path).unwrap(), all);
        let (classes, others) = (names(&["joy", "fear"]), names(&["joy", "rage"]));
        assert_eq!(all.fits(&[("abc".into(), &classes)]), Ok(()));
        let refused = |models: &[(String, &[String])], parts: &[&str]| {
            let reason = all.fits(models).unwrap_err();
            assert!(parts.iter().all(|part| reason.contains(part)), "{reason}");
        };
        refused(&[("abd".into(), &classes)], &["abc", "abd"]);
        refused(&[("abc".into(), &others)], &["joy, fear", "joy, rage"]);
        refused(&[], &["1 models", "0 are asked"]);
        let short = Group { count: 2, mean: vec![0.5] };
        for broken in [Statistics { all: short.clone(), ..of.clone() }, Statistics { speakers: [("x".into(), short)].into(), ..of }] {
            Adaptation { models: vec![broken] }.write(&path).unwrap();
            assert!(Adaptation::read(&path).unwrap_err().to_string().contains("contradict themselves"));
        }
        std::fs::write(&path, "{}").unwrap();
        assert!(Adaptation::read(&path).unwrap_err().to_string().contains("no statistics of recordings"));
    }
}
