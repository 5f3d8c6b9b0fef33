//! How people lay their recordings out.

use super::*;
use crate::data::trees::{summary, tree};
use crate::data::{open, open_as};

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
        assert!(corpus.speakers().is_empty() && corpus.speaker_notes[0].contains("unknown"), "{files:?}");
    }
}

/// Labels and speakers, sorted, of a layout, or what is asked.
fn of(files: &[&str], emotion: &str, speaker: &str) -> String {
    let dir = tree(files);
    let origin = |text: &str| (!text.is_empty()).then(|| text.parse::<Origin>().unwrap());
    let reading = Reading { emotion: origin(emotion), speaker: origin(speaker), unlabelled: false };
    match open_as(dir.path(), &reading) {
        Ok(corpus) => {
            let mut rows: Vec<String> = summary(&corpus).iter().map(|(l, s)| format!("{l}/{s}")).collect();
            rows.sort();
            rows.dedup();
            rows.join(" ")
        }
        Err(e) => e.to_string(),
    }
}

#[test]
fn emotion_words_decide_which_folder_is_the_class() {
    for (files, want) in [
        (&["ann/angry/1.wav", "ann/sad/1.wav", "bob/angry/1.wav", "bob/sad/1.wav"][..], "angry/ann angry/bob sad/ann sad/bob"),
        (&["angry/ann/1.wav", "sad/ann/1.wav", "angry/bob/1.wav", "sad/bob/1.wav"], "angry/ann angry/bob sad/ann sad/bob"),
        (
            &["wav/ann/Wut/1.wav", "wav/ann/Freude/1.wav", "wav/bob/Wut/1.wav", "wav/bob/Freude/1.wav"],
            "Freude/ann Freude/bob Wut/ann Wut/bob",
        ),
        (&["s1/злость/a/1.wav", "s1/радость/a/1.wav", "s2/злость/b/1.wav"], "злость/s1 злость/s2 радость/s1"),
        (
            &["subject 1/anger/sentence 1/x.wav", "subject 1/fear/sentence 2/x.wav", "subject 2/fear/sentence 1/y.wav"],
            "anger/subject 1 fear/subject 1 fear/subject 2",
        ),
        (&["怒り/a/1.wav", "悲しみ/a/1.wav", "怒り/b/1.wav"], "怒り/a 怒り/b 悲しみ/a"),
        (&["ann/angry/train/1.wav", "ann/sad/test/2.wav", "bob/sad/train/3.wav"], "angry/ann sad/ann sad/bob"),
        (&["01_angry/x_1.wav", "02_happy/x_2.wav", "03_sad/x_3.wav"], "angry/ happy/ sad/"),
        (&["spk01/stress/1.wav", "spk02/stress/1.wav", "spk01/calmly/1.wav"], "calmly/spk01 stress/spk01 stress/spk02"),
        (&["stress/01/1.wav", "stress/02/1.wav", "relax/01/1.wav"], "relax/01 stress/01 stress/02"),
        (&["angry/a.wav", "sad/b.wav", "odd/c.wav"], "angry/ odd/ sad/"),
    ] {
        assert_eq!(of(files, "", ""), want, "{files:?}");
    }
}

#[test]
fn emotion_words_in_names_of_files() {
    for (files, want) in [
        (&["ann_angry_1.wav", "ann_sad_2.wav", "bob_angry_1.wav", "bob_sad_1.wav"][..], "angry/ann angry/bob sad/ann sad/bob"),
        (&["angry_ann_1.wav", "sad_ann_2.wav", "angry_bob_1.wav", "sad_bob_1.wav"], "angry/ann angry/bob sad/ann sad/bob"),
        (&["angry_01.wav", "happy_01.wav", "angry_02.wav", "happy_02.wav"], "angry/ happy/"),
        (&["ann/1-angry.wav", "ann/2-happy.wav", "bob/1-angry.wav", "bob/2-happy.wav"], "angry/ann angry/bob happy/ann happy/bob"),
        (
            &["F_01_OISHI_S_1_ANGRY_1.wav", "M_02_OISHI_S_1_SAD_1.wav", "F_01_OISHI_S_2_SAD_1.wav", "M_02_X_ANGRY_1.wav"],
            "ANGRY/F ANGRY/M SAD/F SAD/M",
        ),
    ] {
        assert_eq!(of(files, "", ""), want, "{files:?}");
    }
}

/// What nothing decides is asked, and the flags of the question settle it.
#[test]
fn doubts_are_asked_and_their_flags_settle_them() {
    let files = ["red/up/1.wav", "red/down/1.wav", "blue/up/1.wav", "blue/down/1.wav"];
    let asked = of(&files, "", "");
    for flag in ["--emotion-from folder:1", "--emotion-from folder:2", "blue, red"] {
        assert!(asked.contains(flag), "{asked}");
    }
    assert_eq!(of(&files, "folder:1", "folder:2"), "blue/down blue/up red/down red/up");
    assert_eq!(of(&files, "folder:-1", "folder:-2"), "down/blue down/red up/blue up/red");
    let both = ["happy/angry/1.wav", "happy/sad/2.wav", "sad/angry/1.wav", "sad/happy/1.wav"];
    assert!(of(&both, "", "").contains("--emotion-from folder:1 or --emotion-from folder:2"), "{}", of(&both, "", ""));
    assert!(of(&both, "folder:2", "").starts_with("angry"));
    let codes = ["a1-X.wav", "a2-Y.wav", "b1-X.wav", "b2-Y.wav"];
    assert!(of(&codes, "", "").contains("--emotion-from name:N"));
    assert_eq!(of(&codes, "name:2", "name:1"), "X/a1 X/b1 Y/a2 Y/b2");
    assert!(of(&codes, "column:x", "").contains("manifests"));
    let one = of(&["happy/1.wav", "happy/2.wav"], "", "");
    assert!(one.contains("only one class (happy)"), "{one}");
}

#[test]
fn what_a_layout_says_is_told() {
    let notes = |files: &[&str]| open(tree(files).path()).unwrap().notes.join("; ");
    let told = notes(&["ann/angry/1.wav", "ann/sad/1.wav", "bob/angry/1.wav"]);
    assert!(told.contains("folder 1 names the speaker (ann, bob, ...), folder:2 the emotion"), "{told}");
    let told = notes(&["angry/ann_sad_1.wav", "sad/ann_sad_2.wav", "angry/bob_angry_1.wav"]);
    assert!(told.contains("1 of 3 recordings have another emotion in their names"), "{told}");
    let dir = tree(&["joy/1.wav", "joy/1.m4a", "fear/2.mp3", "fear/2.flac", "fear/3.mp3"]);
    let corpus = open(dir.path()).unwrap();
    let names: Vec<_> = corpus.utterances.iter().map(|u| u.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!((names.as_slice(), corpus.left_out.len()), (&["2.flac", "3.mp3", "1.wav"].map(String::from)[..], 2));
}
