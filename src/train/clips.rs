//! The recordings of a run as its folder lists them, for people, and for the run that goes on and finds other ones.

use super::dataset::Dataset;
use super::recordings::Recordings;
use crate::data::Utterance;
use crate::hash::hex;
use crate::{Error, Result, storage, text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;

/// Bytes of a recording's digest that are kept.
const DIGEST: usize = 8;

/// Where a run has a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// It is trained on.
    Train,
    /// It chooses the weights.
    Valid,
    /// It tests them.
    Test,
    /// It is in no part.
    None,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clip {
    /// Its file, from the root; or what else names it.
    pub path: String,
    /// Its class; empty where it has none.
    pub label: String,
    /// Who speaks; empty where nobody knows.
    pub speaker: String,
    /// What the run does with it.
    pub part: Part,
    /// The first bytes of the SHA-256 of its samples.
    pub sha256: String,
}

/// Recordings in the order in which they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clips(pub Vec<Clip>);

impl Clips {
    /// Those of a run.
    pub fn of(data: &Dataset) -> Self {
        let mut parts = vec![Part::None; data.names.len()];
        for (rows, part) in [(&data.split.train, Part::Train), (&data.split.valid, Part::Valid), (&data.split.test, Part::Test)] {
            rows.iter().for_each(|&i| parts[i] = part);
        }
        let clip = |(i, part): (usize, Part)| Clip {
            path: absolute(&data.names[i]),
            label: data.classes.get(data.class[i]).cloned().unwrap_or_default(),
            speaker: data.speaker[i].clone(),
            part,
            sha256: hex(&data.digests[i][..DIGEST]),
        };
        Clips(parts.into_iter().enumerate().map(clip).collect())
    }

    /// Those that were read, before they are divided.
    pub fn read_by(recordings: &Recordings) -> Self {
        let clips = recordings.utterances().iter().zip(recordings.digests());
        let clip = |(u, digest): (&Utterance, &[u8; 32])| Clip {
            path: absolute(&u.path.to_string_lossy()),
            label: u.label.clone(),
            speaker: u.speaker.clone(),
            part: Part::None,
            sha256: hex(&digest[..DIGEST]),
        };
        Clips(clips.map(clip).collect())
    }

    /// Writes them as CSV.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let bad = |e: csv::Error| Error::io(path)(std::io::Error::other(e));
        self.0.iter().try_for_each(|clip| table.serialize(clip)).map_err(bad)?;
        storage::write(path, &table.into_inner().map_err(|e| bad(e.into_error().into()))?)
    }

    /// Reads them back.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |e: csv::Error| Error::io(path)(std::io::Error::other(e));
        let rows = csv::Reader::from_path(path).map_err(bad)?.into_deserialize().collect::<Result<_, _>>();
        rows.map(Clips).map_err(bad)
    }

    /// Classes, and the speakers that are trained on.
    fn heads(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let speakers = self.0.iter().filter(|c| c.part == Part::Train && !c.speaker.is_empty()).map(|c| c.speaker.as_str());
        (self.0.iter().map(|c| c.label.as_str()).filter(|l| !l.is_empty()).collect(), speakers.collect())
    }

    /// How `now` differs from these, where the run on these goes on. Recordings that lie elsewhere now are known by their sound.
    pub fn compare(&self, now: &Self) -> Change {
        let (mut before, mut after): (Vec<&Clip>, Vec<&Clip>) = (self.0.iter().collect(), now.0.iter().collect());
        let mut both = matched(&mut before, &mut after, |clip| &clip.path);
        both.extend(matched(&mut before, &mut after, |clip| &clip.sha256));
        let paths = |clips: Vec<&Clip>| clips.into_iter().map(|clip| clip.path.clone()).collect();
        let mut change = Change {
            more: paths(after),
            fewer: paths(before),
            classes: self.heads().0 != now.heads().0,
            speakers: self.heads().1 != now.heads().1,
            ..Change::default()
        };
        for (was, is) in both {
            let path = text::printable(&is.path);
            let other = |what: &str, was: &str, is: &str| format!("{path} has {what} {is:?} ({was:?} before)");
            match () {
                _ if was.sha256 != is.sha256 => change.other.push(format!("{path} holds other sound than before")),
                _ if was.label != is.label => change.other.push(other("label", &was.label, &is.label)),
                _ if was.speaker != is.speaker => change.other.push(other("speaker", &was.speaker, &is.speaker)),
                _ if was.part != is.part => {
                    change.moved += 1;
                    let heard = matches!(was.part, Part::Train | Part::Valid) && is.part == Part::Test;
                    change.leaked.extend(heard.then(|| is.path.clone()));
                }
                _ => {}
            }
        }
        change
    }
}

/// Takes those out of both lists that have the same `key`, in their order: several recordings may be segments of one file.
fn matched<'a>(before: &mut Vec<&'a Clip>, after: &mut Vec<&'a Clip>, key: fn(&Clip) -> &String) -> Vec<(&'a Clip, &'a Clip)> {
    let mut by_key: HashMap<&str, VecDeque<&'a Clip>> = HashMap::new();
    before.iter().for_each(|clip| by_key.entry(key(clip)).or_default().push_back(clip));
    let mut both = Vec::new();
    after.retain(|clip| match by_key.get_mut(key(clip).as_str()).and_then(VecDeque::pop_front) {
        Some(was) => {
            both.push((was, *clip));
            false
        }
        None => true,
    });
    let left: BTreeSet<*const Clip> = by_key.into_values().flatten().map(std::ptr::from_ref).collect();
    before.retain(|clip| left.contains(&std::ptr::from_ref(*clip)));
    both
}

/// The path from wherever a run is gone on with.
fn absolute(path: &str) -> String {
    std::path::absolute(path).map_or_else(|_| path.to_string(), |path| path.to_string_lossy().into_owned())
}

/// How recordings differ from those before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Paths that were not there.
    pub more: Vec<String>,
    /// Paths that are no longer there.
    pub fewer: Vec<String>,
    /// What else is otherwise, a sentence for each recording.
    pub other: Vec<String>,
    /// Paths that were trained on and would be tested now.
    pub leaked: Vec<String>,
    /// How many are in another part.
    pub moved: usize,
    /// Whether the classes are others.
    pub classes: bool,
    /// Whether the speakers that are trained on are others.
    pub speakers: bool,
}

impl Change {
    /// Whether a run that learns step by step can go on with them: it only gets more to learn from, for the heads that it has.
    pub fn only_adds(&self, speakers: bool) -> bool {
        let kept = self.fewer.is_empty() && self.other.is_empty() && self.leaked.is_empty();
        let heads = !self.classes && (!speakers || !self.speakers);
        kept && heads && !self.more.is_empty()
    }

    /// What is otherwise, in words.
    pub fn describe(&self) -> String {
        let some = |what: &str, paths: &[String]| {
            (!paths.is_empty()).then(|| format!("{} {what}, such as {}", count(paths.len()), text::printable(&paths[0])))
        };
        let first = |sentences: &[String]| match sentences {
            [] => None,
            [one] => Some(one.clone()),
            [one, more @ ..] => Some(format!("{one}, and so on with {} more", more.len())),
        };
        let parts = [
            some("more than before", &self.more),
            some("fewer than before", &self.fewer),
            first(&self.other),
            some("trained on before and tested now", &self.leaked),
            (self.moved > 0 && self.leaked.is_empty()).then(|| format!("{} in another part of the split", count(self.moved))),
            self.classes.then(|| "the classes are others".to_string()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 recording".into() } else { format!("{n} recordings") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(path: &str, label: &str, speaker: &str, part: Part) -> Clip {
        Clip { path: path.into(), label: label.into(), speaker: speaker.into(), part, sha256: format!("{path}.") }
    }

    fn clips() -> Clips {
        let rows = [("a", "joy", "ann", Part::Train), ("b", "fear", "ben", Part::Valid), ("c", "joy", "cleo", Part::Test)];
        Clips(rows.map(|(path, label, speaker, part)| clip(path, label, speaker, part)).to_vec())
    }

    #[test]
    fn lists_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clips.csv");
        let mut list = clips();
        list.0[0].path = "a \"quoted\",\nname".into();
        list.write(&path).unwrap();
        assert_eq!(Clips::read(&path).unwrap(), list);
        assert!(Clips::read(&dir.path().join("no")).unwrap_err().to_string().contains("no"));
    }

    #[test]
    fn what_is_otherwise_is_named() {
        let changed = |change: &dyn Fn(&mut Vec<Clip>)| {
            let mut now = clips();
            change(&mut now.0);
            clips().compare(&now)
        };
        assert_eq!(changed(&|_| ()), Change::default());
        let more = changed(&|c| c.push(clip("d\n", "joy", "ann", Part::Train)));
        assert!(more.only_adds(true) && more.describe() == "1 recording more than before, such as d\\n", "{}", more.describe());
        let speaker = changed(&|c| c.push(clip("d", "joy", "dan", Part::Train)));
        assert!(speaker.only_adds(false) && !speaker.only_adds(true));
        let class = changed(&|c| c.push(clip("d", "calm", "ann", Part::Train)));
        assert!(!class.only_adds(false) && class.describe().contains("the classes are others"));
        let fewer = changed(&|c| drop(c.remove(0)));
        assert!(!fewer.only_adds(false) && fewer.describe().contains("1 recording fewer than before, such as a"));
        let leak = changed(&|c| {
            c.push(clip("d", "joy", "ann", Part::Train));
            c[0].part = Part::Test;
        });
        assert!(!leak.only_adds(false) && leak.describe().contains("trained on before and tested now, such as a"), "{}", leak.describe());
        let label = changed(&|c| c[1].label = "joy".into());
        assert!(label.describe().contains("b has label \"joy\" (\"fear\" before)"), "{}", label.describe());
        assert!(changed(&|c| c[2].sha256.clear()).describe().contains("c holds other sound"));
        // A corpus that was moved is the same one.
        let elsewhere = changed(&|c| c.iter_mut().for_each(|clip| clip.path.insert_str(0, "elsewhere/")));
        assert_eq!(elsewhere, Change::default());
        // A recording that was only tested may be trained on.
        assert!(changed(&|c| (c[2].part, c[0].label) = (Part::Train, "joy".into())).describe().contains("in another part"));
    }
}
