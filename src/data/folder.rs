//! A folder of recordings without a manifest: which corpus is it?

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    Corpus, Utterance,
    corpus::folder_name,
    iemocap, layout, manifest,
    names::{Named, Place, SCHEMES},
    reading::Reading,
    walk::{Tree, walk},
};
use crate::{Error, Result};

/// Reads the folder `root` as [`super::open`] describes.
pub(super) fn read(root: &Path, reading: &Reading) -> Result<Corpus> {
    of_tree(root, &walk(root)?, reading)
}

/// Reads what a walk found below the folder `root`.
fn of_tree(root: &Path, tree: &Tree, reading: &Reading) -> Result<Corpus> {
    let (recordings, copies) = without_copies(&tree.recordings);
    let recordings = &recordings;
    if recordings.is_empty() {
        return Err(nothing(root, tree));
    }
    if let Some(corpus) = dialogues(root, &tree.texts, reading)? {
        return Ok(corpus);
    }
    let evaluations: Vec<PathBuf> = tree.texts.iter().filter(|p| is_evaluation(p)).cloned().collect();
    let mut corpus =
        if evaluations.is_empty() { by_names(root, recordings, reading)? } else { iemocap::read(root, recordings, &evaluations)? };
    let mut left_out = tree.left_out.clone();
    copies
        .into_iter()
        .for_each(|path| left_out.add("a recording of the same name in another format lies beside it and is used", root.join(path)));
    left_out.extend(std::mem::take(&mut corpus.left_out));
    Ok(Corpus { notes: [tree.notes(), corpus.notes].concat(), left_out, ..corpus })
}

/// The manifest of a folder: one that is called so, or one that is called as other tools call theirs and names recordings.
pub(super) fn manifest_in(folder: &Path) -> Option<PathBuf> {
    let file = |name: &String| Some(folder.join(name)).filter(|p| p.is_file());
    let called = |stems: &[&str], extensions: &[&str]| -> Vec<String> {
        stems.iter().flat_map(|stem| extensions.iter().map(move |e| format!("{stem}.{e}"))).collect()
    };
    let own = called(&["manifest"], &["csv", "tsv", "jsonl", "json"]);
    let others = [called(&["metadata", "labels", "annotations"], &["csv", "tsv", "jsonl", "json"]), vec!["wav.scp".into()]].concat();
    let reads = |path: &PathBuf| manifest::read_as(path, &Reading { unlabelled: true, ..Reading::default() }).is_ok();
    own.iter().find_map(file).or_else(|| others.iter().filter_map(file).find(reads))
}

/// Recordings below `root` that are not in a corpus, by whatever path it names them.
fn strangers(root: &Path, recordings: &[PathBuf], corpus: &Corpus) -> Vec<PathBuf> {
    let known: HashSet<&Path> = corpus.utterances.iter().map(|u| u.path.as_path()).collect();
    let mut others: Vec<PathBuf> = recordings.iter().map(|p| root.join(p)).filter(|p| !known.contains(p.as_path())).collect();
    if !others.is_empty() {
        let real = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.into());
        let known: HashSet<PathBuf> = known.into_iter().map(real).collect();
        others.retain(|p| !known.contains(&real(p)));
    }
    others
}

/// What to tell of recordings in a folder that its manifest does not list.
pub(super) fn unlisted(root: &Path, corpus: &Corpus) -> Result<Option<String>> {
    let others = strangers(root, &walk(root)?.recordings, corpus);
    let said = |first: &PathBuf| {
        format!("{} recordings below {} are not in its manifest and not used, such as {}", others.len(), root.display(), first.display())
    };
    Ok(others.first().map(said))
}

/// MELD: a table of utterances for each side, which names no files.
fn dialogues(root: &Path, texts: &[PathBuf], reading: &Reading) -> Result<Option<Corpus>> {
    let tables: Vec<&PathBuf> = texts.iter().filter(|p| p.to_string_lossy().ends_with("_sent_emo.csv")).collect();
    let mut all = Corpus { name: folder_name(root), ..Corpus::default() };
    for table in &tables {
        let corpus = manifest::read_below(&root.join(table), root, reading)?;
        all.utterances.extend(corpus.utterances);
        all.left_out.extend(corpus.left_out);
        all.notes.extend(corpus.notes);
        all.speaker_notes.extend(corpus.speaker_notes);
        all.unread = corpus.unread;
    }
    Ok((!tables.is_empty()).then_some(all))
}

/// Recordings, and apart those that lie beside one of the same name whose format loses less.
fn without_copies(recordings: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let rank = |p: &Path| {
        let extension = p.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        ["wav", "wave", "flac", "aiff", "aif"].iter().position(|e| *e == extension).unwrap_or(5)
    };
    let mut best: HashMap<PathBuf, &PathBuf> = HashMap::new();
    for path in recordings {
        let kept = best.entry(path.with_extension("")).or_insert(path);
        if rank(path) < rank(kept) {
            *kept = path;
        }
    }
    recordings.iter().cloned().partition(|path| best.get(&path.with_extension("")).is_none_or(|kept| *kept == path))
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
fn by_names(root: &Path, recordings: &[PathBuf], reading: &Reading) -> Result<Corpus> {
    let best = SCHEMES
        .iter()
        .map(|scheme| (scheme, recordings.iter().filter(|p| by_scheme(scheme.read, p).is_some()).count()))
        .max_by_key(|(_, fitting)| *fitting);
    match best {
        Some((scheme, fitting)) if reading.emotion.is_none() && fitting * 20 >= recordings.len() * 19 => {
            let mut corpus = Corpus { name: scheme.name.into(), ..Corpus::default() };
            for path in recordings {
                match by_scheme(scheme.read, path) {
                    Some(named) => corpus.utterances.push(utterance(root, path, named)),
                    None => corpus.left_out.add(format!("not named as in {}", scheme.name), root.join(path)),
                }
            }
            Ok(corpus)
        }
        _ => layout::read(root, recordings, reading),
    }
}

/// Every recording below `root`, with what a layout says of it; nothing is known of those that no layout knows.
pub(super) fn heard(root: &Path) -> Result<Corpus> {
    let tree = walk(root)?;
    if tree.recordings.is_empty() {
        return Err(nothing(root, &tree));
    }
    let mut corpus = match manifest_in(root) {
        Some(manifest) => manifest::read_heard(&manifest)?,
        None => of_tree(root, &tree, &Reading { unlabelled: true, ..Reading::default() }).unwrap_or_else(|_| Corpus {
            name: folder_name(root),
            notes: tree.notes(),
            left_out: tree.left_out.clone(),
            ..Corpus::default()
        }),
    };
    let others = strangers(root, &tree.recordings, &corpus);
    corpus.utterances.extend(others.into_iter().map(|path| Utterance { path, ..Utterance::default() }));
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
        extra: named.extra.into_iter().map(|(k, v)| (k.into(), v)).collect(),
        ..Utterance::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::open;
    use crate::data::trees::{summary, tree};

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
    fn what_is_not_recognised_is_refused() {
        for files in [&["notes.txt"][..], &["a.wav", "b.wav"], &["joy/a.wav"], &["joy/a.wav", "fear/b.wav", "c.wav"]] {
            assert!(open(tree(files).path()).is_err(), "{files:?}");
        }
        assert!(open(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn a_manifest_comes_first() {
        let dir = tree(&["joy/a.wav", "fear/b.wav"]);
        std::fs::write(dir.path().join("manifest.csv"), "path,label,speaker\n./joy/a.wav,calm,x\n").unwrap();
        let corpus = open(dir.path()).unwrap();
        assert_eq!(summary(&corpus), [("calm", "x")]);
        assert!(corpus.notes.iter().any(|n| n.starts_with("1 recordings below") && n.ends_with("b.wav")), "{:?}", corpus.notes);
        let heard = crate::data::heard(dir.path()).unwrap();
        assert_eq!(summary(&heard), [("calm", "x"), ("", "")]);
    }
}
