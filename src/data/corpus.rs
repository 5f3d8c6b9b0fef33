//! Corpora: lists of labelled utterances, and several of them made one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{LeftOut, emotions::folded, labels};
use crate::audio::{Channel, Part};
use crate::{Error, Result};

/// One labelled recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Utterance {
    /// The recording.
    pub path: PathBuf,
    /// What of it: a stretch, a channel; by default all.
    pub part: Part,
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
    /// What the reader should know: speakers unknown, labels merged.
    pub notes: Vec<String>,
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

/// Makes one corpus of several, applies the label map, and makes one class of each label's spellings.
///
/// With more than one corpus, speakers become `corpus/speaker`, so that speakers of different corpora never share a name;
/// corpora of the same name are numbered. The column `corpus` keeps the origin.
///
/// # Errors
/// [`Error::Data`] where there is no corpus, the map names a label nobody has, or nothing is left.
pub fn merge(mut corpora: Vec<Corpus>, label_map: &LabelMap) -> Result<Corpus> {
    let labels = labels::settle(&mut corpora, label_map)?;
    let (many, dropped) = (corpora.len() > 1, label_map.values().any(String::is_empty));
    let mut out = Corpus::default();
    let mut names: Vec<String> = Vec::new();
    for corpus in corpora {
        let repeats = names.iter().filter(|n| n.split('#').next() == Some(&corpus.name)).count();
        let name = if repeats == 0 { corpus.name.clone() } else { format!("{}#{}", corpus.name, repeats + 1) };
        for mut u in corpus.utterances {
            if u.label.is_empty() && dropped {
                continue;
            }
            if many {
                if !u.speaker.is_empty() {
                    u.speaker = format!("{name}/{}", u.speaker);
                }
                u.extra.insert("corpus".into(), name.clone());
            }
            out.utterances.push(u);
        }
        out.left_out.extend(corpus.left_out);
        out.unread.extend(corpus.unread);
        out.notes.extend(corpus.notes.into_iter().map(|n| if many { format!("{name}: {n}") } else { n }));
        names.push(name);
    }
    out.notes.extend(labels);
    out.notes.extend(one_name_per_speaker(&mut out.utterances));
    out.name = names.join("+");
    if out.utterances.is_empty() {
        return Err(Error::Data("no utterances are left".into()));
    }
    Ok(out)
}

/// Gives speakers whose names differ in capitals and spaces alone one name, or one of them might be tested by the voice of another.
fn one_name_per_speaker(utterances: &mut [Utterance]) -> Option<String> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    utterances.iter().for_each(|u| _ = names.entry(folded(&u.speaker)).or_default().insert(u.speaker.clone()));
    names.retain(|_, spelt| spelt.len() > 1);
    for u in utterances.iter_mut() {
        if let Some(first) = names.get(&folded(&u.speaker)).and_then(|spelt| spelt.first()) {
            u.speaker.clone_from(first);
        }
    }
    let first = names.values().next()?;
    let (n, spelt) = (names.len(), first.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(" and "));
    Some(format!("{n} speakers are spelt in several ways and taken for one each, such as {spelt}"))
}

/// The name of a corpus kept in `folder`.
pub(super) fn folder_name(folder: &Path) -> String {
    let resolved = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    resolved.file_name().map_or_else(|| "corpus".into(), |n| n.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str, rows: &[(&str, &str)]) -> Corpus {
        let utterances = rows.iter().map(|(l, s)| Utterance { label: (*l).into(), speaker: (*s).into(), ..Default::default() }).collect();
        Corpus { name: name.into(), utterances, ..Corpus::default() }
    }

    #[test]
    fn merging_keeps_speakers_apart_and_joins_labels() {
        let map = parse_label_map("happy=happiness, calm=").unwrap();
        let a = corpus("a", &[("happy", "01"), ("calm", "01"), ("anger", "02")]);
        let merged = merge(vec![a.clone(), corpus("b", &[("happiness", "01"), ("anger", "")]), a], &map).unwrap();
        assert_eq!(merged.name, "a+b+a#2");
        assert_eq!(merged.labels(), ["anger", "happiness"]);
        assert_eq!(merged.speakers(), ["a#2/01", "a#2/02", "a/01", "a/02", "b/01"]);
        assert_eq!(merged.utterances.len(), 6);
        assert_eq!(merged.utterances[2].column("corpus"), Some("b"));
        assert_eq!(merged.utterances[3].column("speaker"), None);
        assert_eq!(merged.classes(&merged.labels()).unwrap(), [1, 0, 1, 0, 1, 0]);
        assert!(merged.classes(&["anger".into()]).unwrap_err().to_string().contains("happiness"));
    }

    #[test]
    fn one_corpus_keeps_its_speakers() {
        assert_eq!(merge(vec![corpus("a", &[("x", "01")])], &LabelMap::new()).unwrap().speakers(), ["01"]);
    }

    #[test]
    fn bad_maps_are_refused() {
        for text in ["happy", "=x", "a=b,a=c"] {
            assert!(parse_label_map(text).is_err(), "{text}");
        }
        let map = parse_label_map("joy=happiness").unwrap();
        assert!(merge(vec![corpus("a", &[("happy", "1")])], &map).unwrap_err().to_string().contains("happy"));
        assert!(merge(vec![corpus("a", &[("happy", "1")])], &parse_label_map("happy=").unwrap()).is_err());
        assert!(merge(vec![], &LabelMap::new()).is_err());
    }
}
