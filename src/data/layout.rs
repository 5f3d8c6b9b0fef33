//! Folders of recordings without a manifest and of no known corpus: which folder, or which part of a name, says the emotion, and which the
//! speaker. Emotion words decide, in several languages; where nothing does, the user is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::emotions::{folded, known, noun, parts, word_in};
use super::reading::{Origin, Reading};
use super::{Corpus, Utterance, corpus::folder_name, sides::side};
use crate::{Error, Result};

/// Part of the recordings that must say their emotion where it stands in names of files.
const NAMED: f64 = 0.95;
/// What folders of speakers are called before their number.
const PEOPLE: &[&str] = &[
    "",
    "s",
    "sp",
    "spk",
    "spkr",
    "speaker",
    "actor",
    "actress",
    "p",
    "pp",
    "sub",
    "subj",
    "subject",
    "participant",
    "f",
    "m",
    "female",
    "male",
    "voice",
    "vp",
    "id",
    "user",
    "person",
    "talker",
    "child",
    "sprecher",
    "locuteur",
    "sujet",
];

/// Where a recording lies: folders below the corpus's, and the name without extension.
struct Place {
    folders: Vec<String>,
    stem: String,
}

/// Reads recordings below `root`, whose paths are relative to it.
///
/// # Errors
/// [`Error::Data`] that asks for the flag which settles what nothing decides.
pub(super) fn read(root: &Path, recordings: &[PathBuf], reading: &Reading) -> Result<Corpus> {
    let places: Vec<Place> = recordings.iter().map(|p| place(p)).collect();
    let mut corpus = Corpus { name: folder_name(root), ..Corpus::default() };
    let found = Found::of(root, &places, reading)?;
    for (path, place) in recordings.iter().zip(&places) {
        let folders: Vec<&str> = place.folders.iter().map(String::as_str).collect();
        let label = match found.emotion.of(&folders, &place.stem) {
            Some(text) if found.words => word_in(text).unwrap_or(text),
            Some(text) => text,
            None => {
                let why = format!("the emotion stands in {}, and this has none there", found.emotion);
                corpus.left_out.add(why, root.join(path));
                continue;
            }
        };
        let speaker = found.speaker.as_ref().and_then(|s| s.of(&folders, &place.stem)).unwrap_or_default().to_string();
        let split = found.side.and_then(|at| folders.get(at)).map(|f| f.to_ascii_lowercase());
        corpus.utterances.push(Utterance { path: root.join(path), label: label.into(), speaker, split, ..Utterance::default() });
    }
    refuse_one_class(root, &corpus)?;
    corpus.notes.extend(found.notes);
    if found.speaker.is_none() {
        let told = speakers_by_name(&mut corpus, &found.emotion);
        corpus.speaker_notes.push(told);
    }
    corpus.notes.extend(contradictions(&corpus, &found.emotion));
    Ok(corpus)
}

fn place(path: &Path) -> Place {
    let folders = path.parent().map(|p| p.iter().map(|f| f.to_string_lossy().into_owned()).collect()).unwrap_or_default();
    Place { folders, stem: path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default() }
}

fn refuse_one_class(root: &Path, corpus: &Corpus) -> Result<()> {
    match corpus.labels().as_slice() {
        [_, _, ..] => Ok(()),
        labels => Err(Error::Data(format!(
            "{}: only one class ({}), there is nothing to tell apart: name the folder above it",
            root.display(),
            labels.join("")
        ))),
    }
}

/// What was found out about a layout.
struct Found {
    emotion: Origin,
    /// Whether emotions are words among others there.
    words: bool,
    speaker: Option<Origin>,
    /// The folder, from 0, that names a side.
    side: Option<usize>,
    notes: Vec<String>,
}

impl Found {
    fn of(root: &Path, places: &[Place], reading: &Reading) -> Result<Found> {
        let least = places.iter().map(|p| p.folders.len()).filter(|n| *n > 0).min().unwrap_or(0);
        let loose = places.iter().filter(|p| p.folders.is_empty()).count();
        let levels = Levels { root, places, least: if loose * 20 > places.len() { 0 } else { least } };
        let side = (0..levels.least).find(|&at| levels.names(at).all(|f| side(f).is_some()));
        // What all recordings have in common tells nothing.
        let telling: Vec<usize> = (0..levels.least).filter(|&at| Some(at) != side && levels.distinct(at).len() > 1).collect();
        let mut found = Found { emotion: Origin::Nowhere, words: false, speaker: reading.speaker.clone(), side, notes: Vec::new() };
        if let Some(origin) = &reading.emotion {
            found.emotion = origin.clone();
            if let Origin::Column(name) = origin {
                return Err(Error::Data(format!(
                    "{}: --emotion-from column:{name} is for manifests, and this is a folder without one",
                    root.display()
                )));
            }
            return Ok(found);
        }
        let at = levels.emotion(&telling)?;
        match at {
            Some(at) => {
                found.emotion = Origin::Folder(at as isize + 1);
                found.words = levels.names(at).any(|f| known(f).is_none() && word_in(f).is_some());
            }
            None => match levels.emotion_in_names() {
                Some(part) => {
                    (found.emotion, found.words) = (part, true);
                    found.notes.push("emotions are words in names of files; --emotion-from folder:N or name:N says otherwise".into());
                }
                None => {
                    let at = levels.class(&telling)?;
                    found.emotion = Origin::Folder(at as isize + 1);
                }
            },
        }
        if found.speaker.is_none() {
            found.speaker = found.speaker_folder(&levels, &telling);
        }
        Ok(found)
    }

    /// The folder that names speakers, where one does, beside that of the emotion.
    fn speaker_folder(&mut self, levels: &Levels, telling: &[usize]) -> Option<Origin> {
        let emotion = if let Origin::Folder(n) = self.emotion { Some(n.unsigned_abs() - 1) } else { None };
        let before = telling.iter().copied().find(|&at| emotion.is_none_or(|e| at < e));
        let at = before.or_else(|| telling.iter().copied().find(|&at| emotion.is_some_and(|e| at > e)))?;
        if before.is_some() {
            let names = levels.distinct(at).into_iter().take(3).collect::<Vec<_>>().join(", ");
            let way = "--speaker-from and --emotion-from say otherwise";
            self.notes.push(format!("folder {} names the speaker ({names}, ...), {} the emotion; {way}", at + 1, self.emotion));
        }
        Some(Origin::Folder(at as isize + 1))
    }
}

/// The folders of recordings, by how far they are from the corpus's.
struct Levels<'a> {
    root: &'a Path,
    places: &'a [Place],
    /// Folders that every recording has above it.
    least: usize,
}

impl<'a> Levels<'a> {
    fn names(&self, at: usize) -> impl Iterator<Item = &'a str> {
        self.places.iter().filter_map(move |p| p.folders.get(at)).map(String::as_str)
    }

    fn distinct(&self, at: usize) -> BTreeSet<&'a str> {
        self.names(at).collect()
    }

    /// The folder with emotion words: those of at least half the recordings, and of two emotions.
    fn emotion(&self, telling: &[usize]) -> Result<Option<usize>> {
        let share = |at: usize| self.names(at).filter(|f| word_in(f).is_some()).count() as f64 / self.places.len().max(1) as f64;
        let several = |at: usize| self.names(at).filter_map(word_in).filter_map(noun).collect::<BTreeSet<_>>().len() > 1;
        let mut fit: Vec<(f64, usize)> = telling.iter().map(|&at| (share(at), at)).filter(|(s, at)| *s >= 0.5 && several(*at)).collect();
        fit.sort_by(|a, b| b.0.total_cmp(&a.0));
        match fit.as_slice() {
            [(first, _), (second, _), ..] if first - second < 0.3 => {
                let both: Vec<usize> = fit.iter().map(|(_, at)| *at).collect();
                Err(self.ask("hold emotion words", &both))
            }
            _ => Ok(fit.first().map(|(_, at)| *at)),
        }
    }

    /// The emotion in names of files, where nearly all have one there.
    fn emotion_in_names(&self) -> Option<Origin> {
        let words: Vec<&str> = self.places.iter().filter_map(|p| word_in(&p.stem)).collect();
        let enough = words.len() as f64 >= NAMED * self.places.len() as f64;
        let several = words.iter().filter_map(|w| noun(w)).collect::<BTreeSet<_>>().len() > 1;
        (enough && several).then_some(Origin::Stem)
    }

    /// The folder of classes whose names are no emotion words: the only one that tells recordings apart, or the one beside that of speakers.
    fn class(&self, telling: &[usize]) -> Result<usize> {
        let people = |at: usize| self.distinct(at).iter().all(|f| is_person(f));
        match telling {
            [] if self.least > 0 => Ok(0),
            [] => Err(Error::Data(format!(
                "{}: the corpus is not recognised: {} of {} recordings lie in no folder of a class, their names hold no emotion words and follow no known scheme, and there is no manifest.csv; \
                 put them into a folder per class, write a manifest (path,label,speaker), or say --emotion-from name:N",
                self.root.display(),
                self.places.iter().filter(|p| p.folders.is_empty()).count().max(1),
                self.places.len()
            ))),
            [only] => Ok(*only),
            [first, second, ..] => match (people(*first), people(*second)) {
                (true, false) => Ok(*second),
                (false, true) => Ok(*first),
                _ => Err(self.ask("may name the class, and none holds emotion words", &[*first, *second])),
            },
        }
    }

    fn ask(&self, what: &str, at: &[usize]) -> Error {
        let told = |at: &usize| format!("{} ({})", at + 1, self.distinct(*at).into_iter().take(4).collect::<Vec<_>>().join(", "));
        let folders = at.iter().map(told).collect::<Vec<_>>().join(" and ");
        let flags = at.iter().map(|at| format!("--emotion-from folder:{}", at + 1)).collect::<Vec<_>>().join(" or ");
        Error::Data(format!("{}: folders {folders} below it {what}: say {flags}", self.root.display()))
    }
}

/// Whether a folder is called as one of a person is: a number, perhaps behind a word for people.
fn is_person(name: &str) -> bool {
    let name = folded(name).replace('_', "");
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    word.len() < name.len() && PEOPLE.contains(&word)
}

/// Sets speakers from names of files where they look like speakers: the first part, up to a `_` or `-`, or the second behind the emotion.
/// Otherwise they are unknown. What to tell.
fn speakers_by_name(corpus: &mut Corpus, emotion: &Origin) -> String {
    let first = |u: &Utterance| {
        let stem = u.path.file_stem()?.to_str()?;
        let (head, rest) = stem.split_once(['_', '-'])?;
        let behind = *emotion == Origin::Stem && word_in(head).is_some();
        let second = || rest.split(['_', '-']).next().filter(|p| parts(p).iter().any(|part| part.chars().any(char::is_alphabetic)));
        let name = if behind { second()? } else { head };
        Some(name.to_string()).filter(|p| !p.is_empty())
    };
    let names: Option<Vec<String>> = corpus.utterances.iter().map(first).collect();
    let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (u, name) in corpus.utterances.iter().zip(names.iter().flatten()) {
        classes.entry(name).or_default().insert(&u.label);
    }
    // A name met in one class only is the class, a take or a recording, not a person.
    let people = classes.values().filter(|c| c.len() > 1).count();
    let believed = classes.len() >= 2 && people * 2 > classes.len();
    let told = classes.keys().take(3).copied().collect::<Vec<_>>().join(", ");
    let note = match believed {
        true => format!("speakers are taken from file names, up to the first '_' or '-' ({told}, ...); --speaker-from says otherwise"),
        false => "speakers are unknown: neither folders nor SPEAKER_ file names tell them; --speaker-from folder:N or name:N says where they stand".into(),
    };
    let found = if believed { names.unwrap_or_default() } else { vec![String::new(); corpus.utterances.len()] };
    corpus.utterances.iter_mut().zip(found).for_each(|(u, s)| u.speaker = s);
    note
}

/// How many recordings have another emotion in their names than their folders say.
fn contradictions(corpus: &Corpus, emotion: &Origin) -> Option<String> {
    let Origin::Folder(_) = emotion else { return None };
    let other = |u: &&Utterance| {
        let own = u.path.file_stem().and_then(|s| s.to_str()).and_then(word_in).and_then(noun);
        own.zip(noun(&u.label)).is_some_and(|(own, label)| own != label)
    };
    let found: Vec<&Utterance> = corpus.utterances.iter().filter(other).collect();
    let first = found.first()?;
    let (n, all) = (found.len(), corpus.utterances.len());
    Some(format!(
        "{n} of {all} recordings have another emotion in their names than in their folders, which count: {} is {}",
        first.path.display(),
        first.label
    ))
}

#[cfg(test)]
mod tests;
