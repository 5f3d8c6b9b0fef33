//! Corpora: lists of labelled utterances.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::LeftOut;
use crate::audio::{Channel, Part};
use crate::{Error, Result};

/// One labelled recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Utterance {
    /// The recording.
    pub path: PathBuf,
    /// What of it: a stretch, a channel; by default all.
    pub part: Part,
    /// The name of the recording that it is a window of, where a long one was cut into windows: those of one recording are never on two sides.
    pub window_of: Option<String>,
    /// Emotion class.
    pub label: String,
    /// Who speaks; empty where nobody knows.
    pub speaker: String,
    /// Side given by the corpus: train, valid or test, in the corpus's own words.
    pub split: Option<String>,
    /// Cross-validation fold given by the corpus.
    pub fold: Option<String>,
    /// Everything else the manifest or the file name says.
    pub extra: BTreeMap<String, String>,
}

impl Utterance {
    /// What it is called: the path of its recording, and which part of it, as in a media fragment.
    pub fn name(&self) -> String {
        let Part { start_s, end_s, channel } = self.part;
        let path = self.path.display();
        let time =
            (start_s > 0.0 || end_s.is_some()).then(|| format!("t={start_s:.3},{}", end_s.map_or_else(String::new, |e| format!("{e:.3}"))));
        let channel = (channel != Channel::Mix).then(|| format!("channel={channel}"));
        let said: Vec<String> = [time, channel].into_iter().flatten().collect();
        if said.is_empty() { path.to_string() } else { format!("{path}#{}", said.join("&")) }
    }

    /// The value of a manifest column, whichever field keeps it; `None` where it is absent or empty.
    pub fn column(&self, name: &str) -> Option<&str> {
        let value = match name {
            // Numbers in the place of classes are kept beside the others.
            "label" if self.label.is_empty() => self.extra.get(name).map(String::as_str),
            "label" => Some(self.label.as_str()),
            "speaker" => Some(self.speaker.as_str()),
            "split" => self.split.as_deref(),
            "fold" => self.fold.as_deref(),
            other => self.extra.get(other).map(String::as_str),
        };
        value.filter(|v| !v.is_empty())
    }
}

/// A named list of utterances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corpus {
    /// Short name, from the folder or the naming scheme.
    pub name: String,
    /// The utterances, in the order of the manifest or of their paths.
    pub utterances: Vec<Utterance>,
    /// What the reader should know: labels merged, recordings passed over.
    pub notes: Vec<String>,
    /// What who divides it by speaker should know besides: where speakers were found, or how many are unknown.
    pub speaker_notes: Vec<String>,
    /// Inputs that are not among the utterances.
    pub left_out: LeftOut,
    /// Columns of its manifest that mean nothing by themselves.
    pub unread: Vec<String>,
}

impl Corpus {
    /// The labels in alphabetical order, but for that of utterances without one: the position is the class index.
    pub fn labels(&self) -> Vec<String> {
        self.utterances.iter().map(|u| &u.label).filter(|l| !l.is_empty()).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// The known speakers in alphabetical order.
    pub fn speakers(&self) -> Vec<String> {
        self.utterances.iter().map(|u| &u.speaker).filter(|s| !s.is_empty()).collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Class index of every utterance under `labels`; of one without a label, one more than there are.
    ///
    /// # Errors
    /// [`Error::Data`] naming a label that is not among them.
    pub fn classes(&self, labels: &[String]) -> Result<Vec<usize>> {
        self.utterances
            .iter()
            .map(|u| {
                let at = if u.label.is_empty() { Some(labels.len()) } else { labels.iter().position(|l| *l == u.label) };
                at.ok_or_else(|| Error::Data(format!("{}: label {:?} is none of {}", u.path.display(), u.label, labels.join(", "))))
            })
            .collect()
    }

    /// Names of all columns any utterance has a value for.
    pub fn columns(&self) -> BTreeSet<&str> {
        let fixed = ["label", "speaker", "split", "fold"];
        let named = self.utterances.iter().flat_map(|u| u.extra.keys().map(String::as_str));
        named.chain(fixed).filter(|c| self.utterances.iter().any(|u| u.column(c).is_some())).collect()
    }
}

/// Renames and drops labels: `happy=happiness` renames, `calm=` drops.
pub type LabelMap = BTreeMap<String, String>;

/// Reads a label map such as `happy=happiness,calm=`.
///
/// # Errors
/// [`Error::Data`] for a part without `=`, without a left side, or naming a label twice.
pub fn parse_label_map(text: &str) -> Result<LabelMap> {
    let mut map = LabelMap::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (from, to) = part
            .split_once('=')
            .map(|(a, b)| (a.trim(), b.trim()))
            .filter(|(a, _)| !a.is_empty())
            .ok_or_else(|| Error::Data(format!("label map: {part:?} is not OLD=NEW (OLD= drops a class)")))?;
        if map.insert(from.into(), to.into()).is_some() {
            return Err(Error::Data(format!("label map: {from:?} is named twice")));
        }
    }
    Ok(map)
}

/// The name of a corpus kept in `folder`.
pub(super) fn folder_name(folder: &Path) -> String {
    let resolved = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    resolved.file_name().map_or_else(|| "corpus".into(), |n| n.to_string_lossy().into_owned())
}
