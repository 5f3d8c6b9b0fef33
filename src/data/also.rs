//! Corpora that join the training side of another, and are never tested.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Corpus, Loaded, labels::class_of, load, open, parse_label_map};
use crate::frontend::Signals;
use crate::{Error, Result};

/// Reads corpora for the classes of `home`: labels are renamed by `label_map` where they have these names, and recordings of other classes are
/// left out, which is noted. Speakers become `corpus/speaker`, the column `corpus` keeps the origin, and no corpus is called as one of `home`'s.
///
/// # Errors
/// As [`open`] and [`load`]; [`Error::Data`] for a corpus with none of the classes.
pub fn also(paths: &[PathBuf], label_map: &str, home: &Corpus, signals: Option<&Signals>, skip_bad: bool) -> Result<Loaded> {
    let (map, classes) = (parse_label_map(label_map)?, home.labels());
    let mut names: BTreeSet<String> = home.utterances.iter().filter_map(|u| u.column("corpus").map(String::from)).collect();
    let mut all = Corpus { name: "also".into(), ..Corpus::default() };
    for path in paths {
        let corpus = open(path)?;
        let name = (1..).map(|n| if n == 1 { corpus.name.clone() } else { format!("{}#{n}", corpus.name) }).find(|n| !names.contains(n));
        let name = name.unwrap_or_default();
        let (total, mut strange) = (corpus.utterances.len(), BTreeSet::new());
        let before = all.utterances.len();
        all.left_out.extend(corpus.left_out);
        for mut u in corpus.utterances {
            u.label = match map.get(&u.label) {
                Some(new) => new.clone(),
                None => class_of(&u.label, &classes).unwrap_or(&u.label).clone(),
            };
            if !classes.contains(&u.label) {
                strange.insert(u.label);
                continue;
            }
            if !u.speaker.is_empty() {
                u.speaker = format!("{name}/{}", u.speaker);
            }
            u.extra.insert("corpus".into(), name.clone());
            all.utterances.push(u);
        }
        let taken = all.utterances.len() - before;
        if taken == 0 {
            let (theirs, ours) = (strange.into_iter().collect::<Vec<_>>().join(", "), classes.join(", "));
            return Err(Error::Data(format!("{}: labels {theirs}, none of {ours}; rename them (--label-map OLD=NEW)", path.display())));
        }
        if taken < total {
            let strange: Vec<&str> = strange.iter().map(|l| if l.is_empty() { "none" } else { l.as_str() }).collect();
            all.notes.push(format!("{name}: {} of {total} recordings have other labels ({}): left out", total - taken, strange.join(", ")));
        }
        all.notes.extend(corpus.notes.into_iter().chain(corpus.speaker_notes).map(|n| format!("{name}: {n}")));
        names.insert(name);
    }
    load(&all, signals, skip_bad, &|_, _| ())
}

#[cfg(test)]
mod tests {
    use super::super::{load_clips, merge};
    use super::*;
    use crate::audio;
    use std::path::Path;

    /// A folder per class, and a speaker per folder in it.
    fn corpus(root: &Path, name: &str, labels: &[&str], value: f32) -> PathBuf {
        for (i, label) in labels.iter().enumerate() {
            for speaker in ["s1", "s2"] {
                let path = root.join(name).join(label).join(speaker).join(format!("{i}.wav"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                audio::write_wav(&path, &vec![value + 0.01 * i as f32; 50 + if speaker == "s1" { 0 } else { 9 }], 16_000).unwrap();
            }
        }
        root.join(name)
    }

    #[test]
    fn other_corpora_join_for_the_classes_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let home = open(&corpus(dir.path(), "own", &["anger", "joy"], 0.1)).unwrap();
        let home = merge(vec![home], &parse_label_map("").unwrap()).unwrap();
        let mut loaded = load_clips(&home, false, &|_, _| ()).unwrap();
        let (before, hash) = (loaded.clips.len(), loaded.data_hash.clone());
        let other = corpus(dir.path(), "other", &["angry", "joy", "fear"], 0.3);
        let copy = corpus(dir.path(), "again", &["anger", "joy"], 0.1);
        let joining = also(&[other.clone(), copy], "angry=anger", &home, None, false).unwrap();
        let notes = loaded.append(joining).unwrap();
        assert_eq!((before, loaded.clips.len()), (4, 8));
        assert!(notes.iter().any(|n| n.contains("other: 2 of 6") && n.contains("(fear)")), "{notes:?}");
        assert!(notes.iter().any(|n| n.contains("4 of 8") && n.contains("copies")), "{notes:?}");
        let added = &loaded.corpus.utterances[4..];
        assert!(added.iter().all(|u| u.column("corpus") == Some("other") && u.speaker.starts_with("other/")), "{added:?}");
        assert!(loaded.corpus.classes(&home.labels()).is_ok() && loaded.data_hash != hash);
        let none = also(&[other], "joy=happiness,angry=rage", &home, None, false).unwrap_err().to_string();
        assert!(none.contains("none of anger, joy") && none.contains("--label-map"), "{none}");
    }
}
