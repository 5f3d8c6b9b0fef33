//! Adaptation without labels: answers about a group of recordings are centred by where the group itself lies, and then learnt from the recordings
//! themselves.
//!
//! Recordings of one speaker, place or microphone differ more from those of another by these than by emotion, so a model's logits of a group are all
//! off by about the same. What they are off by is taken away, and the centre that a group of as many recordings of each class has
//! ([`Calibration::centre`](super::calibration::Calibration::centre)) stays in its place:
//!
//! `f' = f − offset`, `offset = 0.8 n/(n + 5) · (mean − centre) + n_s/(n_s + 5) · (mean_s − mean)`
//!
//! of n recordings with the mean logits `mean`, n_s of them of the same known speaker. Few recordings, which may all be of one class, say little; and
//! a part of what all have in common is that one class is more frequent than another.
//!
//! Of machines that are solved on features there is a second step, [`self_training`](super::self_training).
//!
//! Where most recordings of a speaker are of one class, their mean says something of the class too, and adaptation takes that away. It shows in what can be
//! learnt again, and [`Predictor::statistics`](super::predictor::Predictor::statistics) looks there.

use super::group::{Group, apart, grouped};
use super::self_training::Taught;
use crate::{Error, Result, storage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// How much of what all recordings have in common is taken for the place's, and not for that of their classes. Five corpora, each asked by machines of the
/// other four: UAR 0.716 with all of it, 0.731 with this, 0.726 with half; 0.718, 0.727 and 0.716 where classes are equally frequent.
const COMMON: f64 = 0.8;

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
    /// What the recordings taught, where the model learns from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught: Option<Taught>,
    /// The share of answers centred by speaker that can be learnt again, and of those centred by all alike, where the first was so much less that speakers
    /// are not told apart.
    #[serde(skip)]
    pub doubt: Option<[f64; 2]>,
}

impl Statistics {
    /// Of recordings of which a model gave these logits; their speakers are named where they are known.
    pub fn of(weights_sha256: String, classes: &[String], logits: &[Vec<f32>], speakers: &[Option<&str>]) -> Self {
        let (all, speakers) = grouped(logits, speakers);
        Statistics { weights_sha256, classes: classes.to_vec(), all, speakers, taught: None, doubt: None }
    }

    /// What is subtracted from the logits of a recording of a speaker, or of somebody unknown.
    pub fn offset(&self, centre: &[f32], speaker: Option<&str>) -> Vec<f64> {
        let own = apart(&self.all, &self.speakers, speaker);
        let common = COMMON * self.all.share();
        self.all.mean.iter().zip(centre).zip(own).map(|((mean, centre), own)| common * (mean - f64::from(*centre)) + own).collect()
    }

    /// Whether its numbers fit together.
    fn consistent(&self) -> bool {
        let fits = |g: &Group| g.count > 0 && g.mean.len() == self.classes.len() && g.mean.iter().all(|m| (*m as f32).is_finite());
        let taught = self.taught.as_ref().is_none_or(|t| t.consistent(&self.classes));
        fits(&self.all) && self.speakers.values().all(fits) && taught
    }
}

/// [`Statistics`] of models that are asked together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// Of each, in their order.
    pub models: Vec<Statistics>,
}

impl Adaptation {
    /// Whether a model has learnt from the recordings.
    pub fn teaches(&self) -> bool {
        self.models.iter().any(|m| m.taught.is_some())
    }

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
            false => Err(bad(
                "the statistics contradict themselves: a count of 0, means that are not one per class, or weights that do not fit them"
                    .into(),
            )),
        }
    }

    /// Whether it is of models with these weights (their SHA-256) and classes, in this order, that answer about the classes `asked`.
    ///
    /// # Errors
    /// What differs, with both values.
    pub fn fits(&self, models: &[(String, &[String])], asked: &[String]) -> Result<(), String> {
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
            let alike = |taught: &[String]| taught.len() == asked.len() && asked.iter().all(|class| taught.contains(class));
            if let Some(taught) = of.taught.as_ref().filter(|taught| !alike(&taught.classes)) {
                let (taught, asked) = (taught.classes.join(","), asked.join(","));
                return Err(format!("taught by answers about {taught}, and asked about {asked}; --classes {taught} asks about the same"));
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

    fn close(got: &[f64], wanted: &[f64]) {
        let apart = got.iter().zip(wanted).fold(0.0, |m: f64, (g, w)| m.max((g - w).abs()));
        assert!(got.len() == wanted.len() && apart < 1e-9, "{got:?}, wanted {wanted:?}");
    }

    /// Five recordings of one speaker and fifteen of nobody known, by hand.
    #[test]
    fn means_are_drawn_to_what_they_are_a_part_of() {
        let logits: Vec<Vec<f32>> = (0..20).map(|i| if i < 5 { vec![4.0, 0.0] } else { vec![0.0, 2.0] }).collect();
        let speakers: Vec<Option<&str>> = (0..20).map(|i| (i < 5).then_some("a")).collect();
        let found = Statistics::of("hash".into(), &names(&["joy", "fear"]), &logits, &speakers);
        assert_eq!((found.all.count, &found.all.mean, found.speakers["a"].count), (20, &vec![1.0, 1.5], 5));
        let centre = [0.5, 0.5];
        let common = [0.8 * 0.8 * (1.0 - 0.5), 0.8 * 0.8 * (1.5 - 0.5)];
        close(&found.offset(&centre, None), &common);
        close(&found.offset(&centre, Some("stranger")), &common);
        close(&found.offset(&centre, Some("a")), &[common[0] + 0.5 * (4.0 - 1.0), common[1] + 0.5 * (0.0 - 1.5)]);
        // Where all are one speaker's, the two are the same group, which counts once.
        let alone = Statistics::of("hash".into(), &names(&["joy", "fear"]), &logits[..5], &speakers[..5]);
        close(&alone.offset(&centre, Some("a")), &[0.8 * 0.5 * (4.0 - 0.5), 0.8 * 0.5 * (0.0 - 0.5)]);
    }

    #[test]
    fn statistics_survive_their_file_and_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let taught = Taught {
            classes: names(&["fear", "joy"]),
            own: 0.5,
            weight: vec![vec![0.1, 0.2, 0.3], vec![-0.1, -0.2, 1e-9]],
            off: vec![0.25, 0.75],
            speakers: [("x".into(), vec![1.0, 2.0])].into(),
            explained: 0.5,
        };
        let of = Statistics::of("abc".into(), &names(&["joy", "fear"]), &[vec![0.1, 0.7], vec![0.3, 0.2]], &[Some("x"), None]);
        let of = Statistics { taught: Some(taught.clone()), ..of };
        let all = Adaptation { models: vec![of.clone()] };
        all.write(&path).unwrap();
        assert_eq!(Adaptation::read(&path).unwrap(), all);
        let (classes, others) = (names(&["joy", "fear"]), names(&["joy", "rage"]));
        let asked = taught.classes.clone();
        assert_eq!(all.fits(&[("abc".into(), &classes)], &asked), Ok(()));
        assert_eq!(all.fits(&[("abc".into(), &classes)], &classes), Ok(()), "in another order");
        let reason = all.fits(&[("abc".into(), &classes)], &classes[..1]).unwrap_err();
        assert!(reason.contains("about fear,joy, and asked about joy; --classes fear,joy"), "{reason}");
        let refused = |models: &[(String, &[String])], parts: &[&str]| {
            let reason = all.fits(models, &asked).unwrap_err();
            assert!(parts.iter().all(|part| reason.contains(part)), "{reason}");
        };
        refused(&[("abd".into(), &classes)], &["abc", "abd"]);
        refused(&[("abc".into(), &others)], &["joy, fear", "joy, rage"]);
        refused(&[], &["1 models", "0 are asked"]);
        let short = Group { count: 2, mean: vec![0.5] };
        let broken = |taught: Taught| Statistics { taught: Some(taught), ..of.clone() };
        for broken in [
            Statistics { all: short.clone(), ..of.clone() },
            Statistics { speakers: [("x".into(), short)].into(), ..of.clone() },
            broken(Taught { weight: vec![vec![1.0]], ..taught.clone() }),
            broken(Taught { own: -0.5, ..taught.clone() }),
            Statistics { all: Group { count: 2, mean: vec![0.5, 1e300] }, ..of.clone() },
            broken(Taught { weight: vec![vec![1.0], vec![1.0, 2.0]], ..taught.clone() }),
            broken(Taught { off: vec![], ..taught.clone() }),
            broken(Taught { speakers: [("x".into(), vec![1.0])].into(), ..taught.clone() }),
            broken(Taught { classes: names(&["joy", "rage"]), ..taught }),
        ] {
            Adaptation { models: vec![broken] }.write(&path).unwrap();
            assert!(Adaptation::read(&path).unwrap_err().to_string().contains("contradict themselves"));
        }
        std::fs::write(&path, "{}").unwrap();
        assert!(Adaptation::read(&path).unwrap_err().to_string().contains("no statistics of recordings"));
    }
}
