//! A folder of recordings without a manifest: which corpus is it?

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use super::{
    Corpus, Utterance,
    corpus::folder_name,
    iemocap,
    names::{Named, Place, SCHEMES},
    split::side,
    walk::{Tree, walk},
};
use crate::{Error, Result};

/// Reads the folder `root` as [`super::open`] describes.
pub(super) fn read(root: &Path) -> Result<Corpus> {
    of_tree(root, &walk(root)?)
}

/// Reads what a walk found below the folder `root`.
fn of_tree(root: &Path, tree: &Tree) -> Result<Corpus> {
    let recordings = &tree.recordings;
    if recordings.is_empty() {
        return Err(nothing(root, tree));
    }
    let evaluations: Vec<PathBuf> = tree.texts.iter().filter(|p| is_evaluation(p)).cloned().collect();
    let mut corpus = if evaluations.is_empty() { by_names(root, recordings)? } else { iemocap::read(root, recordings, &evaluations)? };
    let mut left_out = tree.left_out.clone();
    left_out.extend(std::mem::take(&mut corpus.left_out));
    Ok(Corpus { notes: [tree.notes(), corpus.notes].concat(), left_out, ..corpus })
}

fn nothing(root: &Path, tree: &Tree) -> Error {
    let said = [tree.notes(), tree.left_out.lines(None)].concat();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) };
    Error::Data(format!("{}: no recordings below it{said}, and no manifest.csv", root.display()))
}

/// A text directly in a folder called `EmoEvaluation`.
fn is_evaluation(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("txt"))
        && path.parent().and_then(Path::file_name).is_some_and(|f| f == "EmoEvaluation")
}

/// By the naming scheme of a known corpus, else a folder per class.
fn by_names(root: &Path, recordings: &[PathBuf]) -> Result<Corpus> {
    let best = SCHEMES
        .iter()
        .map(|scheme| (scheme, recordings.iter().filter(|p| by_scheme(scheme.read, p).is_some()).count()))
        .max_by_key(|(_, fitting)| *fitting);
    match best {
        Some((scheme, fitting)) if fitting * 20 >= recordings.len() * 19 => {
            let mut corpus = Corpus { name: scheme.name.into(), ..Corpus::default() };
            for path in recordings {
                match by_scheme(scheme.read, path) {
                    Some(named) => corpus.utterances.push(utterance(root, path, named)),
                    None => corpus.left_out.add(format!("not named as in {}", scheme.name), root.join(path)),
                }
            }
            Ok(corpus)
        }
        _ => by_class(root, recordings),
    }
}

/// Every recording below `root`, with what a layout says of it; nothing is known of those that no layout knows.
pub(super) fn heard(root: &Path) -> Result<Corpus> {
    let tree = walk(root)?;
    if tree.recordings.is_empty() {
        return Err(nothing(root, &tree));
    }
    let mut corpus = match super::manifest_in(root) {
        Some(manifest) => super::manifest::read_heard(&manifest)?,
        None => of_tree(root, &tree).unwrap_or_else(|_| Corpus {
            name: folder_name(root),
            notes: tree.notes(),
            left_out: tree.left_out.clone(),
            ..Corpus::default()
        }),
    };
    let known: HashSet<PathBuf> = corpus.utterances.iter().map(|u| u.path.clone()).collect();
    let others = tree.recordings.iter().map(|p| root.join(p)).filter(|p| !known.contains(p));
    corpus.utterances.extend(others.map(|path| Utterance { path, ..Utterance::default() }));
    let heard: HashSet<&Path> = corpus.utterances.iter().map(|u| u.path.as_path()).collect();
    corpus.left_out.retain(|path| !heard.contains(path));
    Ok(corpus)
}

fn by_scheme(read: fn(&Place<'_>) -> Option<Named>, path: &Path) -> Option<Named> {
    read(&Place { folders: folders(path), stem: path.file_stem()?.to_str()? })
}

fn folders(path: &Path) -> Vec<&str> {
    path.parent().map(|p| p.iter().filter_map(|f| f.to_str()).collect()).unwrap_or_default()
}

fn utterance(root: &Path, path: &Path, named: Named) -> Utterance {
    Utterance {
        path: root.join(path),
        label: named.label.into(),
        speaker: named.speaker,
        split: named.split,
        fold: None,
        extra: named.extra.into_iter().map(|(k, v)| (k.into(), v)).collect(),
    }
}

/// A folder per class.
fn by_class(root: &Path, recordings: &[PathBuf]) -> Result<Corpus> {
    let sides = recordings.iter().all(|p| folders(p).first().is_some_and(|f| side(f).is_some()));
    let skip = usize::from(sides);
    let mut utterances = Vec::with_capacity(recordings.len());
    for path in recordings {
        let folders = folders(path);
        let Some(label) = folders.get(skip) else {
            return Err(Error::Data(format!(
                "{}: the corpus is not recognised: {} lies in no class folder, most file names follow no known scheme, and there is no manifest.csv",
                root.display(),
                path.display()
            )));
        };
        utterances.push(Utterance {
            path: root.join(path),
            label: (*label).into(),
            speaker: folders.get(skip + 1).map(|f| (*f).into()).unwrap_or_default(),
            split: sides.then(|| folders[0].to_ascii_lowercase()),
            ..Default::default()
        });
    }
    let mut corpus = Corpus { name: folder_name(root), utterances, ..Corpus::default() };
    if corpus.labels().len() < 2 {
        return Err(Error::Data(format!("{}: only one class folder, {}", root.display(), corpus.labels().join(""))));
    }
    if corpus.utterances.iter().any(|u| u.speaker.is_empty()) {
        let believed = speakers_from_names(&mut corpus);
        corpus.notes.push(if believed {
            "speakers are taken from file names, up to the first '_' or '-'".into()
        } else {
            "speakers are unknown: neither CLASS/SPEAKER/ folders nor SPEAKER_ file names were found".into()
        });
    }
    Ok(corpus)
}

/// Sets speakers from file names where they look like speakers; otherwise clears them all.
fn speakers_from_names(corpus: &mut Corpus) -> bool {
    let prefix = |u: &Utterance| {
        let stem = u.path.file_stem()?.to_str()?;
        Some(stem[..stem.find(['_', '-'])?].to_string()).filter(|p| !p.is_empty())
    };
    let prefixes: Option<Vec<String>> = corpus.utterances.iter().map(prefix).collect();
    let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (u, p) in corpus.utterances.iter().zip(prefixes.iter().flatten()) {
        classes.entry(p).or_default().insert(&u.label);
    }
    // A prefix met in one class only is the class, a take or a recording, not a person.
    let people = classes.values().filter(|c| c.len() > 1).count();
    let believed = classes.len() >= 2 && people * 2 > classes.len();
    let found = if believed { prefixes.unwrap_or_default() } else { vec![String::new(); corpus.utterances.len()] };
    corpus.utterances.iter_mut().zip(found).for_each(|(u, s)| u.speaker = s);
    believed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::open;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        dir
    }

    fn summary(corpus: &Corpus) -> Vec<(&str, &str)> {
        corpus.utterances.iter().map(|u| (u.label.as_str(), u.speaker.as_str())).collect()
    }

    #[test]
    fn a_known_corpus() {
        let mut files: Vec<String> = (1..=24).map(|a| format!("Actor_{a:02}/03-01-05-01-02-01-{a:02}.wav")).collect();
        files.extend(["Actor_01/extra.wav".into(), "readme.txt".into(), ".hidden.wav".into(), "__MACOSX/x.wav".into()]);
        let dir = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let corpus = open(dir.path()).unwrap();
        assert_eq!((corpus.name.as_str(), corpus.utterances.len(), corpus.speakers().len()), ("ravdess", 24, 24));
        assert_eq!(corpus.labels(), ["anger"]);
        let left = corpus.left_out.lines(None);
        assert!(left.len() == 1 && left[0].contains("not named as in ravdess") && left[0].ends_with("extra.wav"), "{left:?}");
    }

    #[test]
    fn class_and_speaker_folders() {
        let dir = tree(&["joy/ann/1.wav", "joy/bob/1.FLAC", "fear/ann/1.mp3", "fear/bob/deep/1.ogg"]);
        let corpus = open(dir.path()).unwrap();
        assert_eq!(summary(&corpus), [("fear", "ann"), ("fear", "bob"), ("joy", "ann"), ("joy", "bob")]);
        assert!(corpus.notes.is_empty());
    }

    #[test]
    fn speakers_from_file_names() {
        let dir = tree(&["train/joy/ann_1.wav", "train/fear/ann-2.wav", "test/joy/bob_1.wav", "test/fear/bob_2.wav"]);
        let corpus = open(dir.path()).unwrap();
        assert_eq!(summary(&corpus), [("fear", "bob"), ("joy", "bob"), ("fear", "ann"), ("joy", "ann")]);
        assert_eq!(corpus.utterances[0].split.as_deref(), Some("test"));
    }

    #[test]
    fn what_is_no_speaker_is_not_believed() {
        for files in [
            ["joy/joy_1.wav", "joy/joy_2.wav", "fear/fear_1.wav", "fear/fear_2.wav"],
            ["joy/r1_a.wav", "joy/r2_a.wav", "fear/r3_a.wav", "fear/r4_a.wav"],
            ["joy/rec_1.wav", "joy/rec_2.wav", "fear/rec_3.wav", "fear/rec_4.wav"],
            ["joy/1.wav", "joy/a_2.wav", "fear/a_1.wav", "fear/2.wav"],
        ] {
            let corpus = open(tree(&files).path()).unwrap();
            assert!(corpus.speakers().is_empty() && corpus.notes[0].contains("unknown"), "{files:?}");
        }
    }

    #[test]
    fn what_is_not_recognised_is_refused() {
        for files in [&["notes.txt"][..], &["a.wav", "b.wav"], &["joy/a.wav"], &["joy/a.wav", "fear/b.wav", "c.wav"]] {
            assert!(open(tree(files).path()).is_err(), "{files:?}");
        }
        assert!(open(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn a_manifest_comes_first() {
        let dir = tree(&["joy/a.wav", "fear/b.wav"]);
        std::fs::write(dir.path().join("manifest.csv"), "path,label,speaker\njoy/a.wav,calm,x\n").unwrap();
        assert_eq!(summary(&open(dir.path()).unwrap()), [("calm", "x")]);
    }
}
