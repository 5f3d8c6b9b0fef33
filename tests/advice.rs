//! What a message says to do is done, to the end: flags that settle a doubt, and the way out of a refusal. Those of runs in a folder are in `runs`,
//! those of unknown speakers, unreadable files, numbers and hardly any recordings in `brought`.

mod common;

use common::asking::{adapter, said};
use emotone::data::synth::{self, SynthConfig};
use std::path::Path;
use std::process::Command;

const SMALL: &[&str] =
    &["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--stage", "single", "--set", "stage.single.epochs=1"];

/// Clips of four emotions by four speakers under the names that `name` gives them: emotion, speaker (from 0), number (from 0).
fn clips(dir: &Path, name: &dyn Fn(&str, usize, usize) -> String) {
    let made = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 2, seed: 9 });
    let mut speakers: Vec<String> = Vec::new();
    for (i, clip) in made.iter().enumerate() {
        if !speakers.contains(&clip.speaker) {
            speakers.push(clip.speaker.clone());
        }
        let who = speakers.iter().position(|s| *s == clip.speaker).expect("speaker");
        let path = dir.join(name(clip.label, who, i));
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        emotone::audio::write_wav(&path, &clip.samples, 16_000).expect("clip");
    }
}

/// The recordings of [`clips`] in one folder, and the rows of a table of them: path, label, speaker.
fn listed(dir: &Path) -> Vec<[String; 3]> {
    clips(dir, &|label, who, i| format!("clips/{label} s{who} {i}.wav"));
    let mut rows: Vec<[String; 3]> = Vec::new();
    for entry in std::fs::read_dir(dir.join("clips")).expect("clips") {
        let name = entry.expect("entry").file_name().to_string_lossy().into_owned();
        let words: Vec<&str> = name.split(' ').collect();
        rows.push([format!("clips/{name}"), words[0].into(), words[1].into()]);
    }
    rows.sort();
    rows
}

fn table(dir: &Path, name: &str, header: &str, rows: &[[String; 3]], row: &dyn Fn(usize, &[String; 3]) -> String) {
    let lines: Vec<String> = rows.iter().enumerate().map(|(i, cells)| row(i, cells)).collect();
    std::fs::write(dir.join(name), format!("{header}\n{}\n", lines.join("\n"))).expect("table");
}

fn train(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_train")).current_dir(dir).args(args).output().expect("train starts");
    (done.status.code(), said(&done))
}

fn infer(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_infer")).current_dir(dir).args(args).arg("--quiet").output().expect("infer starts");
    (done.status.code(), said(&done))
}

/// A run that ends with `code` and says `words`, whose text is handed back.
fn says(dir: &Path, code: i32, args: &[&str], words: &[&str]) -> String {
    let (got, text) = train(dir, &[SMALL, args].concat());
    assert_eq!(got, Some(code), "{args:?}: {text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{args:?} does not say {word:?}: {text}"));
    text
}

#[test]
fn where_the_emotion_stands() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    // Two folders, neither of which holds emotion words; both may be said.
    clips(dir, &|label, who, i| format!("codes/w{who}/{}/{i}.wav", &label[..1]));
    says(dir, 1, &["codes", "--out", "no"], &["--emotion-from folder:1 or --emotion-from folder:2"]);
    says(dir, 0, &["codes", "--out", "first", "--emotion-from", "folder:1", "--split", "random"], &["4 classes (w0, w1, w2, w3)"]);
    says(
        dir,
        0,
        &["codes", "--out", "second", "--emotion-from", "folder:2", "--speaker-from", "folder:1"],
        &["4 speakers, 4 classes (a, "],
    );
    // Names without any.
    clips(dir, &|label, who, i| format!("flat/w{who}_{}_{i}.wav", &label[..1]));
    says(dir, 1, &["flat", "--out", "no"], &["--emotion-from name:N"]);
    says(dir, 0, &["flat", "--out", "name", "--emotion-from", "name:2", "--speaker-from", "name:1"], &["4 speakers, 4 classes (a, "]);
    // A table with other headings, and one with two that may be meant.
    let rows = listed(dir);
    table(dir, "other.csv", "path,feeling,who", &rows, &|_, [path, label, who]| format!("{path},{label},{who}"));
    says(dir, 1, &["other.csv", "--out", "no"], &["--emotion-from column:NAME"]);
    let own = ["other.csv", "--out", "column", "--emotion-from", "column:feeling", "--speaker-from", "column:who"];
    says(dir, 0, &own, &["4 speakers, 4 classes (anger"]);
    table(dir, "two.csv", "path,emo,emotion_class,spk", &rows, &|_, [path, label, who]| format!("{path},{label},{},{who}", &label[..1]));
    says(dir, 1, &["two.csv", "--out", "no"], &["--emotion-from column:NAME says which"]);
    says(dir, 0, &["two.csv", "--out", "two", "--emotion-from", "column:emotion_class"], &["4 classes (a, "]);
}

#[test]
fn who_speaks() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    // Nothing tells; the flag of the note does.
    clips(dir, &|label, who, i| format!("mine/{label}/{i} w{who}.wav"));
    says(dir, 0, &["mine", "--out", "unknown"], &["--speaker-from folder:N or name:N", "no speaker is known"]);
    says(dir, 0, &["mine", "--out", "known", "--speaker-from", "name:2"], &["4 speakers", "speaker-independent"]);
    // Taken from file names, which the flag says otherwise.
    clips(dir, &|label, who, i| format!("guessed/{label}/r{}_w{who}_{i}.wav", i % 2));
    says(dir, 0, &["guessed", "--out", "guessed-1"], &["2 speakers", "--speaker-from says otherwise"]);
    says(dir, 0, &["guessed", "--out", "guessed-2", "--speaker-from", "name:2"], &["4 speakers"]);
    let rows = listed(dir);
    table(dir, "two.csv", "path,label,spk,actor", &rows, &|i, [path, label, who]| format!("{path},{label},{who},a{}", i % 2));
    says(dir, 1, &["two.csv", "--out", "no"], &["--speaker-from column:NAME says which"]);
    says(dir, 0, &["two.csv", "--out", "two", "--speaker-from", "column:spk"], &["4 speakers"]);
}

#[test]
fn how_recordings_are_divided() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let rows = listed(dir);
    let sides = |i: usize| ["train", "train", "test"][i % 3];
    table(dir, "shared.csv", "path,label,speaker,split,part", &rows, &|i, [p, l, s]| format!("{p},{l},{s},{},{}", sides(i), i % 3));
    says(dir, 0, &["shared.csv", "--out", "own"], &["--split random:column:split uses it all the same"]);
    says(dir, 0, &["shared.csv", "--out", "shared", "--split", "random:column:split"], &["RANDOM SPLIT"]);
    says(dir, 1, &["shared.csv", "--out", "no", "--split", "part=1"], &["ask for --split random:part=1"]);
    says(dir, 0, &["shared.csv", "--out", "part", "--split", "random:part=1"], &["RANDOM SPLIT"]);
    // One fold, where folds are asked for.
    for (split, words) in [("loso:s1", "--split loso --folds s1"), ("kfold:4:2", "--split kfold:4 --folds 2")] {
        says(dir, 1, &["shared.csv", "--out", "no", "--split", split, "--folds", "all"], &[words]);
        let (out, words) = (format!("fold {split}").replace(':', "-"), words.split(' ').collect::<Vec<_>>());
        let told = says(dir, 0, &[&["shared.csv", "--out", &out][..], &words].concat(), &["--folds all makes the others too"]);
        // And the others, as the end of it says.
        let advice = told.split_once("of 4 folds; ").expect("advice").1.split_once(" makes").expect("advice").0;
        let again = format!("{} {advice}", env!("CARGO_BIN_EXE_train"));
        let done = Command::new("bash").args(["-c", &again]).current_dir(dir).output().expect("bash");
        assert!(done.status.success() && said(&done).contains("4 of 4"), "{again}: {}", said(&done));
    }
    says(dir, 1, &["shared.csv", "--out", "no", "--split", "random:0.2", "--folds", "all"], &["leave --folds out"]);
    // Speakers that are not known, or one, do not make folds.
    table(dir, "nobody.csv", "path,label", &rows, &|_, [path, label, _]| format!("{path},{label}"));
    says(dir, 1, &["nobody.csv", "--out", "no", "--split", "loso", "--folds", "all"], &["ask for kfold:5"]);
    says(dir, 0, &["nobody.csv", "--out", "nobody", "--split", "kfold:5", "--folds", "1,2"], &["2 of 5 folds"]);
    table(dir, "one.csv", "path,label,speaker", &rows, &|_, [path, label, _]| format!("{path},{label},s"));
    says(dir, 1, &["one.csv", "--out", "no", "--split", "loso", "--folds", "all"], &["ask for --split random, without --folds"]);
    says(dir, 0, &["one.csv", "--out", "one", "--split", "random"], &["RANDOM SPLIT"]);
    says(dir, 1, &["shared.csv", "--out", "no", "--seeds", "2"], &["add --folds all"]);
    let seeds = ["shared.csv", "--out", "seeds", "--split", "kfold:2", "--seeds", "2", "--folds", "all"];
    says(dir, 0, &seeds, &["(4 of 4)"]);
    // Two of each class, of which a fifth is none.
    let few: Vec<[String; 3]> =
        rows.iter().filter(|[path, label, who]| *label == "anger" && who == "s0" && !path.is_empty()).cloned().collect();
    let few = [few, rows.iter().filter(|[_, label, who]| *label == "sadness" && who == "s0").cloned().collect()].concat();
    table(dir, "few.csv", "path,label,speaker", &few[..2], &|i, [path, ..]| format!("{path},{},s", ["joy", "fear"][i]));
    says(dir, 1, &["few.csv", "--out", "no"], &["--split none", "two recordings of a class, and here is one of each"]);
    table(dir, "few.csv", "path,label", &few, &|_, [path, label, _]| format!("{path},{label}"));
    says(dir, 1, &["few.csv", "--out", "no", "--split", "kfold:5:5"], &["--split none", "--split random:0.5"]);
    says(dir, 0, &["few.csv", "--out", "half", "--split", "random:0.5"], &["test 2"]);
}

#[test]
fn labels_that_meet() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let rows = listed(dir);
    let (ours, theirs) = rows.split_at(rows.len() / 2);
    let plain = |_: usize, [path, label, who]: &[String; 3]| format!("{path},{label},{who}");
    table(dir, "home.csv", "path,label,speaker", &rows, &plain);
    table(dir, "strange.csv", "path,label,speaker", ours, &|i, [path, ..]| format!("{path},{},x{}", ["x1", "x2"][i % 2], i % 4));
    says(dir, 1, &["home.csv", "--also", "strange.csv", "--out", "no"], &["rename them (--label-map OLD=NEW)"]);
    // Copies of tested recordings do not join, so theirs are elsewhere.
    clips(dir, &|label, who, i| format!("away/{label}-{who}-{i}.wav"));
    let slower = |path: &str| {
        let clip = emotone::audio::load(&dir.join(path)).expect("clip").samples;
        emotone::audio::write_wav(&dir.join(path), &clip[..clip.len() - 500], 16_000).expect("clip");
    };
    let mut away = Vec::new();
    for entry in std::fs::read_dir(dir.join("away")).expect("clips") {
        let path = format!("away/{}", entry.expect("entry").file_name().to_string_lossy());
        slower(&path);
        away.push([path, String::new(), String::new()]);
    }
    table(dir, "strange.csv", "path,label,speaker", &away, &|i, [path, ..]| format!("{path},{},x{}", ["x1", "x2"][i % 2], i % 4));
    let map = ["home.csv", "--also", "strange.csv", "--label-map", "x1=anger,x2=sadness", "--out", "also"];
    says(dir, 0, &map, &["recordings of other corpora join training"]);
    // Two words of one feeling in one corpus are two classes, and one where the note's flag says so.
    table(dir, "words.csv", "path,label,speaker", theirs, &|i, [path, _, who]| format!("{path},{},{who}", ["joy", "happy", "sad"][i % 3]));
    let told = says(dir, 0, &["words.csv", "--out", "words", "--split", "random"], &["3 classes"]);
    let advice = told.split_once("classes of their own; ").map(|(_, rest)| rest.split_once(" makes").expect("advice").0);
    let advice: Vec<&str> = advice.unwrap_or_else(|| panic!("no advice: {told}")).split(' ').collect();
    says(dir, 0, &[&["words.csv", "--out", "merged", "--split", "random"][..], &advice].concat(), &["2 classes"]);
    // Spellings are one class, and two where the map says so.
    table(dir, "spelt.csv", "path,label,speaker", theirs, &|i, [path, _, who]| format!("{path},{},{who}", ["Sad", "sad", "calm"][i % 3]));
    says(dir, 0, &["spelt.csv", "--out", "spelt", "--split", "random"], &["2 classes", "--label-map OLD=NEW says otherwise"]);
    says(dir, 0, &["spelt.csv", "--out", "apart", "--split", "random", "--label-map", "Sad=very sad"], &["3 classes"]);
}

#[test]
fn what_a_network_has_no_use_for() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let rows = listed(dir);
    table(dir, "home.csv", "path,label,speaker", &rows, &|_, [path, label, who]| format!("{path},{label},{who}"));
    let solved = ["home.csv", "--out", "solved", "--set", "model.name=rocket", "--epochs", "2"];
    says(dir, 0, &solved, &["another network (--set model.name=NAME) is trained by steps"]);
    says(dir, 0, &["home.csv", "--out", "steps", "--set", "model.name=resnet", "--epochs", "2"], &["single epoch   2"]);
    says(dir, 1, &["home.csv", "--out", "no", "--unlabelled", "clips"], &["name one with --teacher"]);
    let taught = ["home.csv", "--out", "taught", "--unlabelled", "clips", "--teacher", "steps/model.safetensors"];
    let text = says(dir, 1, &taught, &["copies of others"]);
    assert!(text.contains("no recording is left to learn from"), "{text}");
    clips(dir, &|label, who, i| format!("more/{label} {who} {i}.wav"));
    for entry in std::fs::read_dir(dir.join("more")).expect("clips") {
        let path = entry.expect("entry").path();
        let clip = emotone::audio::load(&path).expect("clip").samples;
        emotone::audio::write_wav(&path, &clip[800..], 16_000).expect("clip");
    }
    let taught = ["home.csv", "--out", "taught", "--unlabelled", "more", "--teacher", "steps/model.safetensors"];
    says(dir, 0, &taught, &["32 unlabelled recordings join training"]);
}

#[test]
fn how_answers_are_written() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    let rows = listed(dir);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old/old-model.safetensors");
    let model = model.to_string_lossy();
    let asks = |code: i32, args: &[&str], words: &[&str]| {
        let (got, text) = infer(dir, &[&["--model", &model][..], args].concat());
        assert_eq!(got, Some(code), "{args:?}: {text}");
        words.iter().for_each(|word| assert!(text.contains(word), "{args:?} does not say {word:?}: {text}"));
    };
    let (first, second) = (rows[0][0].as_str(), rows[1][0].as_str());
    asks(1, &[first, "--output", "out.xyz"], &["add --format"]);
    asks(0, &[first, "--output", "out.xyz", "--format", "csv"], &[]);
    assert!(std::fs::read_to_string(dir.join("out.xyz")).expect("answers").contains(first));
    asks(1, &[first, second, "--format", "srt"], &["--output FOLDER/"]);
    asks(0, &[first, second, "--format", "srt", "--output", "times/"], &[]);
    assert_eq!(std::fs::read_dir(dir.join("times")).expect("folder").count(), 2);
    let clip = emotone::audio::load(&dir.join(first)).expect("clip").samples;
    let bytes: Vec<u8> = clip.iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()).collect();
    std::fs::write(dir.join("raw.bin"), bytes).expect("raw");
    asks(1, &["raw.bin", "--raw", "s16le"], &["Add --rate 16000, or say --raw s16le:16000"]);
    asks(0, &["raw.bin", "--raw", "s16le", "--rate", "16000"], &["raw.bin"]);
    asks(0, &["raw.bin", "--raw", "s16le:16000"], &["raw.bin"]);
    asks(1, &["raw.bin", "--raw", "s16le:16000", "--rate", "8000"], &["leave --rate and --channels out"]);
    let long: Vec<f32> = clip.iter().cycle().take(31 * 16_000).copied().collect();
    emotone::audio::write_wav(&dir.join("long.wav"), &long, 16_000).expect("clip");
    asks(0, &["long.wav", "--format", "csv"], &["windows of 5 s; --window chooses others", "long.wav,5,10,"]);
    asks(0, &["long.wav", "--format", "csv", "--window", "10", "--hop", "10"], &["long.wav,10,20,"]);
    // Several models in one file, which is then written in half the bytes.
    asks(1, &["--model", &model, "--save-compact", "small.safetensors"], &["--save-ensemble writes several into one first"]);
    asks(0, &["--model", &model, "--save-ensemble", "both.safetensors"], &[]);
    let (code, text) = infer(dir, &["--model", "both.safetensors", "--save-compact", "small.safetensors"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = infer(dir, &["--model", "small.safetensors", first]);
    assert!(code == Some(0) && text.contains(first), "{text}");
}
