//! The real corpora, where they are: `$EMOTONE_DATA` or `../shared/data` beside the repository.

use std::{collections::BTreeSet, path::PathBuf};

use super::*;

/// The folder of a corpus, or a loud word that its test does not run.
fn corpus_dir(name: &str) -> Option<PathBuf> {
    let roots = [std::env::var_os("EMOTONE_DATA").map(PathBuf::from), Some("../shared/data".into())];
    let found = roots.into_iter().flatten().map(|r| r.join(name)).find(|d| d.is_dir());
    if found.is_none() {
        eprintln!("NOT TESTED: the corpus {name} is absent; set EMOTONE_DATA to the folder that holds it");
    }
    found
}

fn speakers(corpus: &Corpus, rows: &[usize]) -> BTreeSet<String> {
    rows.iter().map(|&i| corpus.utterances[i].speaker.clone()).collect()
}

/// The known protocols: every fold tests its speakers and no other, the folds together test everything.
fn protocol(name: &str, column: &str, folds: usize, utterances: usize, classes: usize, tested: &[usize]) {
    let Some(dir) = corpus_dir(name) else { return };
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.name.as_str(), corpus.utterances.len(), corpus.labels().len()), (name, utterances, classes));
    let mut all = Vec::new();
    for fold in 1..=folds {
        let split = Split::new(&corpus, &format!("{column}={fold}").parse().unwrap(), 1).unwrap();
        assert!(split.speaker_independent && split.validation_by_speaker);
        let [train, valid, test] = [&split.train, &split.valid, &split.test].map(|rows| speakers(&corpus, rows));
        assert!(train.is_disjoint(&test) && valid.is_disjoint(&test) && train.is_disjoint(&valid));
        assert_eq!(split.test.len(), tested[fold - 1], "{column}={fold}");
        assert_eq!(split.train.len() + split.valid.len() + split.test.len(), utterances);
        let part = valid.len() as f64 / (train.len() + valid.len()) as f64;
        assert!((0.08..0.16).contains(&part), "{} of {} speakers", valid.len(), train.len() + valid.len());
        all.extend(split.test);
    }
    all.sort();
    assert_eq!(all, (0..utterances).collect::<Vec<_>>());
}

#[test]
fn ravdess_in_five_folds() {
    protocol("ravdess", "luna_fold", 5, 1440, 8, &[300, 300, 300, 300, 240]);
}

#[test]
fn emodb_leaving_one_speaker_out() {
    protocol("emodb", "loso_fold", 10, 535, 7, &[49, 58, 43, 38, 55, 35, 61, 69, 56, 71]);
    let Some(dir) = corpus_dir("emodb") else { return };
    // This column shares speakers; its description says so.
    let error = Split::new(&open(&dir).unwrap(), &"emobox_test_fold=1".parse().unwrap(), 1).unwrap_err();
    assert!(error.to_string().contains("both sides"), "{error}");
}

#[test]
fn names_agree_with_the_manifests() {
    for (name, class_map) in [("emodb", ""), ("ravdess", "happiness=happy,sadness=sad,anger=angry")] {
        let Some(dir) = corpus_dir(name) else { return };
        let manifest = open(&dir).unwrap();
        let mut named = merge(vec![open(&dir.join("flac")).unwrap()], &parse_label_map(class_map).unwrap()).unwrap();
        assert_eq!(named.name, name);
        let by_path = |c: &Corpus| -> BTreeSet<(String, String)> {
            c.utterances.iter().map(|u| (u.path.file_name().unwrap().to_string_lossy().into_owned(), u.label.clone())).collect()
        };
        assert_eq!(by_path(&manifest), by_path(&named));
        assert_eq!(manifest.speakers().len(), named.speakers().len());
        named.utterances.clear();
        assert!(named.labels().is_empty());
    }
}

#[test]
fn both_corpora_load_and_the_known_copy_is_reported() {
    for (name, hours, copies) in [("emodb", 0.41, false), ("ravdess", 1.48, true)] {
        let Some(dir) = corpus_dir(name) else { return };
        let start = std::time::Instant::now();
        let loaded = load_clips(&open(&dir).unwrap(), false, &|_, _| ()).unwrap();
        eprintln!("{name}: {} recordings in {:?}", loaded.clips.len(), start.elapsed());
        assert!(loaded.bad.is_empty() && (loaded.hours() - hours).abs() < 0.01, "{} h", loaded.hours());
        assert!(loaded.clips.iter().all(|c| !c.notes.is_damaged() && c.source_rate == 16_000));
        let split = loaded.split(&SplitSpec::Default, 1).unwrap();
        assert_eq!(split.description.contains("copies"), copies, "{}", split.description);
        eprintln!("{}", split.description);
    }
}
