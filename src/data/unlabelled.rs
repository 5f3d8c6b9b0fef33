//! Recordings without labels, which join training where a teacher says what to learn of them.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Corpus, Loaded, Split, Utterance, load, manifest, walk::walk};
use crate::frontend::Signals;
use crate::{Error, Result};

/// Finds recordings in folders, however they lie and are called, and in manifests, whose labels are not read.
///
/// # Errors
/// [`Error::Io`], [`Error::Data`] or [`Error::Manifest`]: nothing there, or a broken manifest.
pub fn unlabelled(paths: &[PathBuf]) -> Result<Corpus> {
    let mut corpus = Corpus { name: "unlabelled".into(), ..Corpus::default() };
    for path in paths {
        if std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
            let found = walk(path)?;
            if found.recordings.is_empty() {
                return Err(Error::Data(format!("{}: no recordings", path.display())));
            }
            corpus.utterances.extend(found.recordings.into_iter().map(|p| Utterance { path: path.join(p), ..Utterance::default() }));
            corpus.left_out.extend(found.left_out);
        } else {
            let listed = manifest::read_unlabelled(path)?;
            corpus.utterances.extend(listed.utterances);
            corpus.left_out.extend(listed.left_out);
        }
    }
    let mut seen = HashSet::new();
    corpus.utterances.retain(|u| seen.insert(u.path.clone()));
    Ok(corpus)
}

impl Loaded {
    /// Adds recordings without labels behind the others, but for copies of labelled ones. Returns what to tell the user.
    ///
    /// # Errors
    /// As [`load`]; [`Error::Data`] where none is left.
    pub fn append_unlabelled(&mut self, corpus: &Corpus, signals: Option<&Signals>, skip_bad: bool) -> Result<Vec<String>> {
        let mut new = load(corpus, signals, skip_bad, &|_, _| ())?;
        new.corpus.utterances.iter_mut().for_each(|u| u.label.clear());
        self.append(new)
    }

    /// Adds the recordings without labels, which are those from number `first` on, to the training rows of `split`, but for speakers (where
    /// a manifest names them) of the validation or the test set. Returns what to tell the user.
    ///
    /// # Errors
    /// [`Error::Data`] where none is left.
    pub fn join_unlabelled(&self, split: &mut Split, first: usize) -> Result<Vec<String>> {
        let speaker = |i: usize| self.corpus.utterances[i].speaker.as_str();
        let held: HashSet<&str> = split.valid.iter().chain(&split.test).map(|&i| speaker(i)).filter(|s| !s.is_empty()).collect();
        let new: Vec<usize> = (first..self.clips.len()).filter(|&i| !held.contains(speaker(i))).collect();
        let (all, joined) = (self.clips.len() - first, new.len());
        let mut notes = Vec::new();
        if joined < all {
            let what = "unlabelled recordings are of speakers of the validation or the test set: left out";
            notes.push(format!("{} of {all} {what}", all - joined));
        }
        if joined == 0 {
            return Err(none_left(&notes));
        }
        let strangers = new.iter().filter(|&&i| speaker(i).is_empty()).count();
        let unknown = if strangers > 0 { format!(", {strangers} of unknown speakers, who may be tested ones") } else { String::new() };
        split.train.extend(new);
        split.description += &format!("; {joined} unlabelled recordings join training{unknown}");
        Ok(notes)
    }
}

fn none_left(notes: &[String]) -> Error {
    Error::Data(format!("no unlabelled recording is left to learn from: {}", notes.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::load_clips;
    use super::*;
    use crate::audio;

    /// Folders without order, copies, and speakers that are tested.
    #[test]
    fn what_would_leak_does_not_join() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, value: f32| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            audio::write_wav(&path, &[value; 50], 16_000).unwrap();
            path
        };
        let labelled: Vec<Utterance> = (0..6)
            .map(|i| Utterance {
                path: write(&format!("own/{i}.wav"), 0.1 * i as f32),
                label: ["a", "b"][i % 2].into(),
                speaker: format!("s{}", i / 2),
                ..Utterance::default()
            })
            .collect();
        let corpus = Corpus { name: "own".into(), utterances: labelled, ..Corpus::default() };
        let mut loaded = load_clips(&corpus, false, &|_, _| ()).unwrap();
        let hash = loaded.data_hash.clone();
        let mut split = loaded.split(&"loso:s2".parse().unwrap(), 1).unwrap();
        let trained = split.train.len();
        write("more/deep/x.wav", 0.75);
        write("more/copy.wav", 0.4);
        std::fs::write(dir.path().join("list.csv"), "path,speaker\nmore/tested.wav,s2\nmore/other.wav,s9\n").unwrap();
        write("more/tested.wav", 0.8);
        write("more/other.wav", 0.85);
        let listed = unlabelled(&[dir.path().join("list.csv")]).unwrap();
        assert!(loaded.append_unlabelled(&listed, None, false).unwrap().is_empty());
        let notes = loaded.join_unlabelled(&mut split, 6).unwrap();
        assert_eq!((notes.len(), split.train.len()), (1, trained + 1));
        assert!(notes[0].contains("1 of 2") && notes[0].contains("speakers of the validation"), "{notes:?}");
        std::fs::remove_file(dir.path().join("more/tested.wav")).unwrap();
        std::fs::remove_file(dir.path().join("more/other.wav")).unwrap();
        let found = unlabelled(&[dir.path().join("more")]).unwrap();
        assert_eq!(found.utterances.len(), 2);
        let notes = loaded.append_unlabelled(&found, None, false).unwrap();
        assert!(loaded.join_unlabelled(&mut split, 8).unwrap().is_empty());
        assert!(notes.len() == 1 && notes[0].contains("1 of 2 recordings are copies"), "{notes:?}");
        let last = *split.train.last().unwrap();
        assert_eq!((last, loaded.corpus.utterances[last].label.as_str(), loaded.clips.len()), (8, "", 9));
        assert!(loaded.corpus.utterances[last].path.ends_with("more/deep/x.wav"));
        assert!(split.description.contains("1 of unknown speakers") && loaded.data_hash != hash, "{}", split.description);
        let refused = [loaded.append_unlabelled(&found, None, false), loaded.join_unlabelled(&mut split, 9)];
        assert!(refused.into_iter().all(|r| r.unwrap_err().to_string().contains("recording is left")));
        assert!(unlabelled(&[dir.path().join("none")]).is_err());
    }
}
