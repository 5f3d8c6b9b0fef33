use super::*;
use crate::data::Utterance;

const CLASSES: [&str; 3] = ["anger", "joy", "neutral"];

/// `per` utterances of each class by each of `speakers`; column `half` is the speaker's parity, `take` cuts across speakers.
fn corpus(speakers: usize, per: usize) -> Corpus {
    let mut utterances = Vec::new();
    for s in 0..speakers {
        for (c, label) in CLASSES.iter().enumerate() {
            for take in 0..per {
                let sides = ["train", "train", "train", "dev", "test"];
                utterances.push(Utterance {
                    path: format!("{s}-{c}-{take}.wav").into(),
                    label: (*label).into(),
                    speaker: format!("s{s:02}"),
                    split: Some(sides[s % 5].into()),
                    fold: None,
                    extra: [("half".into(), (s % 2).to_string()), ("take".into(), take.to_string())].into(),
                    ..Default::default()
                });
            }
        }
    }
    Corpus { name: "test".into(), utterances, ..Corpus::default() }
}

/// The same without a split of its own.
fn undivided(speakers: usize, per: usize) -> Corpus {
    let mut corpus = corpus(speakers, per);
    corpus.utterances.iter_mut().for_each(|u| u.split = None);
    corpus
}

fn split(corpus: &Corpus, spec: &str, seed: u64) -> Result<Split> {
    Split::new(corpus, &spec.parse()?, seed)
}

fn speakers<'a>(corpus: &'a Corpus, rows: &[usize]) -> BTreeSet<&'a str> {
    rows.iter().map(|&i| corpus.utterances[i].speaker.as_str()).collect()
}

/// Each utterance on one side, ascending; speakers disjoint where promised.
fn check(corpus: &Corpus, split: &Split) {
    let mut all: Vec<usize> = [&split.train[..], &split.valid, &split.test].concat();
    assert!([&split.train, &split.valid, &split.test].iter().all(|rows| rows.is_sorted()));
    all.sort();
    assert_eq!(all, (0..corpus.utterances.len()).collect::<Vec<_>>());
    let (train, valid, test) = (speakers(corpus, &split.train), speakers(corpus, &split.valid), speakers(corpus, &split.test));
    if split.speaker_independent {
        assert!(train.is_disjoint(&test) && valid.is_disjoint(&test));
    }
    assert_eq!(split.validation_by_speaker, train.is_disjoint(&valid));
}

#[test]
fn speakers_are_kept_apart() {
    let (corpus, free) = (corpus(10, 4), undivided(10, 4));
    for (spec, tested, validated) in [
        ("default", 2, 1),
        ("kfold:5:2", 2, 1),
        ("loso:s03", 1, 1),
        ("heldout:s01,s09", 2, 1),
        ("half=1", 5, 1),
        ("half=0,1", 10, 0),
        ("column:split", 2, 2),
    ] {
        let corpus = if spec == "default" { &free } else { &corpus };
        let Ok(split) = split(corpus, spec, 7) else {
            assert_eq!(spec, "half=0,1");
            continue;
        };
        check(corpus, &split);
        assert!(split.speaker_independent && split.validation_by_speaker, "{spec}");
        assert_eq!((speakers(corpus, &split.test).len(), speakers(corpus, &split.valid).len()), (tested, validated), "{spec}");
        assert!(split.description.starts_with(spec) && split.description.contains("speaker-independent"), "{}", split.description);
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let corpus = undivided(20, 2);
    assert_eq!(split(&corpus, "default", 1).unwrap(), split(&corpus, "default", 1).unwrap());
    assert!((2..9).any(|seed| split(&corpus, "default", seed).unwrap().test != split(&corpus, "default", 1).unwrap().test));
}

#[test]
fn folds_cover_every_speaker_once_and_are_even() {
    let mut corpus = corpus(7, 2);
    // One speaker with as much to say as four others.
    let more = (0..18).map(|i| Utterance { path: format!("x{i}").into(), ..corpus.utterances[0].clone() }).collect::<Vec<_>>();
    corpus.utterances.extend(more);
    let mut tested = Vec::new();
    for i in 1..=3 {
        let split = split(&corpus, &format!("kfold:3:{i}"), 5).unwrap();
        check(&corpus, &split);
        assert!((18..=24).contains(&split.test.len()), "{}", split.test.len());
        tested.extend(split.test);
    }
    tested.sort();
    assert_eq!(tested, (0..corpus.utterances.len()).collect::<Vec<_>>());
}

#[test]
fn few_speakers_validate_by_utterance_and_say_so() {
    let corpus = corpus(3, 10);
    let split = split(&corpus, "loso:s00", 1).unwrap();
    check(&corpus, &split);
    assert!(split.speaker_independent && !split.validation_by_speaker && split.description.contains("by utterance"));
    assert_eq!(split.valid.len(), 3 * 2);
    assert_eq!(split.valid.iter().map(|&i| &corpus.utterances[i].label).collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn random_is_stratified_and_labelled() {
    let corpus = corpus(4, 10);
    let split = split(&corpus, "random:0.25", 1).unwrap();
    check(&corpus, &split);
    assert!(!split.speaker_independent && split.description.contains("RANDOM SPLIT"), "{}", split.description);
    for label in CLASSES {
        assert_eq!(split.test.iter().filter(|&&i| corpus.utterances[i].label == label).count(), 10);
    }
}

#[test]
fn a_column_that_shares_speakers_is_refused() {
    let corpus = corpus(4, 3);
    let error = split(&corpus, "take=1", 1).unwrap_err().to_string();
    assert!(error.contains("s00, s01, s02, s03") && error.contains("--split random:take=1 "), "{error}");
    let shared = split(&corpus, "random:take=1", 1).unwrap();
    check(&corpus, &shared);
    assert!(!shared.speaker_independent && shared.description.contains("RANDOM SPLIT"), "{}", shared.description);
    assert!(shared.test.iter().all(|&i| corpus.utterances[i].extra["take"] == "1") && shared.test.len() == 12);
}

#[test]
fn without_speakers_folds_have_as_many_of_each_class() {
    let mut corpus = corpus(5, 5);
    corpus.utterances.iter_mut().for_each(|u| u.speaker.clear());
    // 25 clips of each of three classes in four folds.
    let mut tested = Vec::new();
    for index in 1..=4 {
        let split = split(&corpus, &format!("kfold:4:{index}"), 3).unwrap();
        assert!(!split.speaker_independent && split.description.contains("divided by class: speakers unknown"), "{}", split.description);
        for label in CLASSES {
            let count = split.test.iter().filter(|&&i| corpus.utterances[i].label == label).count();
            assert!((6..=7).contains(&count), "fold {index}: {count} of {label}");
        }
        assert!((18..=19).contains(&split.test.len()));
        tested.extend(split.test);
    }
    tested.sort();
    assert_eq!(tested, (0..75).collect::<Vec<_>>());
    // One speaker who is known makes it a question of speakers again.
    corpus.utterances[0].speaker = "s".into();
    assert!(split(&corpus, "kfold:4:1", 3).unwrap_err().to_string().contains("74 of 75 speakers are unknown"));
}

#[test]
fn mistakes_name_the_choices() {
    let mut corpus = corpus(4, 3);
    for (spec, word) in [
        ("loso:s033", "did you mean \"s03\""),
        ("heldout:nobody", "s00, s01"),
        ("halves=1", "did you mean \"half\""),
        ("half=2", "there are 0, 1"),
        ("column:half", "none of train"),
        ("kfold:5:1", "there are 4"),
        ("heldout:s00,s01,s02,s03", "training set is empty"),
    ] {
        let error = split(&corpus, spec, 1).unwrap_err().to_string();
        assert!(error.contains(word), "{spec}: {error}");
    }
    corpus.utterances[5].speaker.clear();
    assert!(split(&corpus, "default", 1).unwrap_err().to_string().contains("1 of 36 speakers are unknown"));
    let split = split(&corpus, "half=1", 1).unwrap();
    assert!(!split.speaker_independent && split.description.contains("not checked"));
}

#[test]
fn a_class_met_only_in_the_test_set_is_reported() {
    let mut corpus = corpus(5, 2);
    corpus.utterances.iter_mut().filter(|u| u.speaker == "s00" && u.label == "joy").for_each(|u| u.label = "awe".into());
    assert!(split(&corpus, "loso:s00", 1).unwrap().description.contains("never trained: awe"));
}

#[test]
fn copies_stay_on_one_side() {
    let corpus = corpus(10, 4);
    let mut digests: Vec<[u8; 32]> = (0..corpus.utterances.len()).map(|i| [i as u8; 32]).collect();
    let spec: SplitSpec = "loso:s00".parse().unwrap();
    let plain = Split::new(&corpus, &spec, 3).unwrap();
    assert_eq!(plain.clone().settle_duplicates(&corpus, &digests, &spec).unwrap(), plain);
    // Two recordings of the test speaker: allowed, reported.
    digests[0] = digests[1];
    let same = plain.clone().settle_duplicates(&corpus, &digests, &spec).unwrap();
    assert!(same.description.contains("1 recordings are copies") && same.test == plain.test);
    // A test and a training recording.
    digests[0] = digests[plain.train[0]];
    let error = plain.settle_duplicates(&corpus, &digests, &spec).unwrap_err().to_string();
    assert!(error.contains("0-0-0.wav") && error.contains("two sides"), "{error}");
    // Drawn by utterance, copies go to training together.
    let spec: SplitSpec = "random:0.5".parse().unwrap();
    let random = Split::new(&corpus, &spec, 3).unwrap();
    let (a, b, c) = (random.test[0], random.train[0], random.valid[0]);
    (digests[a], digests[b], digests[c]) = ([255; 32], [255; 32], [255; 32]);
    let settled = random.settle_duplicates(&corpus, &digests, &spec).unwrap();
    check(&corpus, &settled);
    assert!([a, b, c].iter().all(|i| settled.train.contains(i)) && settled.description.contains("copies"));
}

#[test]
fn nothing_is_tested_where_nothing_is_to_be() {
    let corpus = corpus(5, 4);
    let all = split(&corpus, "none", 1).unwrap();
    check(&corpus, &all);
    assert!(all.test.is_empty() && !all.valid.is_empty() && all.description.contains("nothing is tested"), "{}", all.description);
    let digests: Vec<[u8; 32]> = (0..corpus.utterances.len()).map(|i| std::array::from_fn(|j| if j == 0 { i as u8 } else { 0 })).collect();
    assert!(all.settle_duplicates(&corpus, &digests, &"none".parse().unwrap()).is_ok());
}

/// The default takes what a corpus says of itself, and says why where it does not.
#[test]
fn the_default_is_the_corpus_own_split_where_that_holds() {
    let of = |corpus: &Corpus| {
        let split = split(corpus, "default", 1).unwrap();
        (split.description.split(' ').next().unwrap_or_default().to_string(), chosen(corpus, &SplitSpec::Default).1.unwrap_or_default())
    };
    let mut own = corpus(10, 4);
    let (spec, note) = of(&own);
    assert!(spec == "column:split" && note.contains("own split is used"), "{spec}: {note}");
    own.utterances[0].split = Some("test".into());
    let (spec, note) = of(&own);
    assert!(spec == "default" && note.contains("speakers on both sides") && note.contains("--split random:column:split"), "{spec}: {note}");
    let shared = split(&own, "random:column:split", 1).unwrap();
    assert!(!shared.speaker_independent && shared.description.contains("RANDOM SPLIT"), "{}", shared.description);
    own.utterances[0].split = Some("somewhere".into());
    assert!(of(&own).1.contains("1 of 120 rows are in none"), "{}", of(&own).1);
    own.utterances.iter_mut().for_each(|u| u.split = Some("train".into()));
    assert!(of(&own).1.contains("no training or no test"));
    assert_eq!(of(&undivided(10, 4)), ("default".into(), String::new()));
    for (name, why) in [("", "no speaker is known"), ("me", "one speaker only")] {
        let mut few = undivided(4, 4);
        few.utterances.iter_mut().for_each(|u| u.speaker = name.into());
        let (spec, note) = of(&few);
        assert!(spec == "random:0.2" && note.contains(why), "{spec}: {note}");
    }
}

/// What is too little is refused with a way out, and the way out works.
#[test]
fn few_recordings() {
    let mut two = undivided(1, 1);
    two.utterances.truncate(2);
    let error = split(&two, "default", 1).unwrap_err().to_string();
    assert!(error.contains("the test set is empty") && error.contains("--split none"), "{error}");
    let all = split(&two, "none", 1).unwrap();
    assert_eq!((all.train.len(), all.valid.len(), all.test.len()), (2, 0, 0));
    let mut one_of_a_class = undivided(1, 9);
    one_of_a_class.utterances.truncate(10);
    let split = split(&one_of_a_class, "default", 1).unwrap();
    assert!(split.description.contains("classes that are not tested: joy"), "{}", split.description);
}

/// Windows of a recording are drawn together, and count as one where sides are by share.
#[test]
fn windows_of_a_recording_stay_together() {
    let mut corpus = undivided(1, 10);
    corpus.utterances.iter_mut().for_each(|u| u.speaker.clear());
    // Five more recordings of joy, of twelve windows each.
    let window = |i: usize| {
        let name = format!("long-{}.wav", i / 12);
        let part = crate::audio::Part { start_s: 5.0 * (i % 12) as f64, ..Default::default() };
        Utterance { path: (&name).into(), part, window_of: Some(name), label: "joy".into(), ..Utterance::default() }
    };
    corpus.utterances.extend((0..60).map(window));
    let together = |rows: &[usize]| {
        let windows: BTreeSet<usize> = rows.iter().copied().filter(|i| *i >= 30).collect();
        (0..5).all(|r| [0, 12].contains(&windows.range(30 + 12 * r..42 + 12 * r).count()))
    };
    for seed in 0..4 {
        for spec in ["random:0.2", "kfold:3:1", "kfold:3:2"] {
            let split = split(&corpus, spec, seed).unwrap();
            check(&corpus, &split);
            assert!([&split.train, &split.valid, &split.test].iter().all(|rows| together(rows)), "{spec} {seed}: {split:?}");
            assert!(split.description.contains("60 of the clips are windows of 5 long recordings"), "{}", split.description);
        }
        // A fifth of fifteen recordings of joy and of ten of each other class.
        let split = split(&corpus, "random:0.2", seed).unwrap();
        let tested: BTreeSet<&std::path::Path> = split.test.iter().map(|&i| corpus.utterances[i].path.as_path()).collect();
        assert_eq!(tested.len(), 3 + 2 + 2);
    }
}
