//! Recordings as people bring them, through the programs: what is refused says the way out, and the way out works to the end.

mod common;

use common::asking::{adapter, said};
use emotone::data::synth::{self, SynthConfig};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Clips of four emotions by four speakers, in a folder per class with nothing that tells who speaks.
fn clips(dir: &Path) -> (PathBuf, Vec<(String, String)>) {
    let root = dir.join("mine");
    let made = synth::synthesise(&SynthConfig { speakers: 4, clips_per_emotion_per_speaker: 2, seed: 9 });
    let mut rows = Vec::new();
    for (i, clip) in made.iter().enumerate() {
        let folder = root.join(clip.label);
        std::fs::create_dir_all(&folder).expect("folder");
        emotone::audio::write_wav(&folder.join(format!("recording {i}.wav")), &clip.samples, 16_000).expect("clip");
        rows.push((format!("mine/{}/recording {i}.wav", clip.label), clip.label.to_string()));
    }
    (root, rows)
}

/// `train` on a small image for one epoch, with `args`.
fn train(dir: &Path, out: &str, args: &[&str]) -> (Option<i32>, String) {
    let small = ["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--set", "stage.single.epochs=1"];
    let mut train = Command::new(env!("CARGO_BIN_EXE_train"));
    let done = train.current_dir(dir).args(small).args(["--out", out]).args(args).output().expect("train starts");
    (done.status.code(), said(&done))
}

fn infer(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut infer = Command::new(env!("CARGO_BIN_EXE_infer"));
    let done = infer.current_dir(dir).args(args).arg("--quiet").output().expect("infer starts");
    (done.status.code(), said(&done))
}

/// The words of an advice, such as `--split none`, which must be in what was said.
fn advice<'a>(said: &str, words: &'a str) -> Vec<&'a str> {
    assert!(said.contains(words), "{words:?} is not advised: {said}");
    words.split(' ').collect()
}

/// A folder per class of whom nobody knows who speaks: asked with its own words until there is a model, which answers.
#[test]
fn speakers_that_nobody_knows() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    let (code, refused) = train(dir.path(), "out", &["--data", "mine"]);
    assert_eq!(code, Some(1), "{refused}");
    let stage = advice(&refused, "--stage single");
    let (code, done) = train(dir.path(), "out", &[&["--data", "mine"][..], &stage].concat());
    assert!(code == Some(0) && done.contains("no speaker is known") && done.contains("RANDOM SPLIT"), "{done}");
    let (code, answer) = infer(dir.path(), &["--model", "out/model.safetensors", &rows[0].0]);
    assert!(code == Some(0) && answer.contains("recording 0.wav"), "{answer}");
    // One speaker is no better, and a corpus that asks for folds gets the same advice.
    let (code, done) = train(dir.path(), "one", &[&["--data", "mine", "--speaker-from", "name:1"][..], &stage].concat());
    assert!(code == Some(0) && done.contains("one speaker only"), "{done}");
}

/// What is unreadable or no recording is named, written down, and changes the exit code.
#[test]
fn what_is_left_out_is_told() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (root, rows) = clips(dir.path());
    std::fs::write(dir.path().join(&rows[3].0), "no sound").expect("file");
    std::fs::write(root.join("more.zip"), "PK").expect("file");
    std::fs::write(root.join("._x.wav"), "junk").expect("file");
    let (code, refused) = train(dir.path(), "out", &["--data", "mine", "--stage", "single"]);
    assert!(code == Some(1) && refused.contains("recording 3.wav"), "{refused}");
    let skip = advice(&refused, "--skip-bad");
    let (code, done) = train(dir.path(), "out", &[&["--data", "mine", "--stage", "single"][..], &skip].concat());
    assert_eq!(code, Some(2), "{done}");
    for word in ["1 left out, an archive", "1 left out, unreadable", "left_out.csv"] {
        assert!(done.contains(word), "{word}: {done}");
    }
    let listed = std::fs::read_to_string(dir.path().join("out/left_out.csv")).expect("list");
    assert!(listed.contains("more.zip") && listed.contains("recording 3.wav") && !listed.contains("._x"), "{listed}");
}

/// Numbers in the place of classes are no classes; the flag of the message learns them.
#[test]
fn numbers_are_learnt_as_numbers() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    let table = |columns: &str| {
        let row = |(i, (path, _)): (usize, &(String, String))| format!("{path};{},{:02};s{}\n", 1 + i % 4, 3 * i, i % 4);
        let lines: String = rows.iter().enumerate().map(row).collect();
        std::fs::write(dir.path().join("numbers.csv"), format!("{columns}\n{lines}")).expect("table");
    };
    for (columns, flag) in [("path;label;speaker", "--target label"), ("path;valence;speaker", "--target valence")] {
        table(columns);
        let (code, refused) = train(dir.path(), "no", &["--data", "numbers.csv", "--stage", "single"]);
        assert_eq!(code, Some(1), "{refused}");
        let target = advice(&refused, flag);
        let out = target[1];
        let (code, done) = train(dir.path(), out, &[&["--data", "numbers.csv", "--stage", "single"][..], &target].concat());
        assert!(code == Some(0) && done.contains("concordance"), "{done}");
        let (code, answer) = infer(dir.path(), &["--model", &format!("{out}/model.safetensors"), &rows[0].0]);
        assert!(code == Some(0) && answer.contains(out), "{answer}");
    }
}

/// Two recordings and one of a class are refused before training where nothing could be tested; learning from all of them works.
#[test]
fn hardly_any_recordings() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    let mut few: Vec<&(String, String)> = Vec::new();
    for row in &rows {
        if few.len() < 2 && few.iter().all(|other| other.1 != row.1) {
            few.push(row);
        }
    }
    let table: String = few.iter().map(|(path, label)| format!("{path},{label}\n")).collect();
    std::fs::write(dir.path().join("two.csv"), format!("path,label\n{table}")).expect("table");
    let (code, refused) = train(dir.path(), "two", &["--data", "two.csv", "--stage", "single"]);
    assert!(code == Some(1) && refused.contains("test set is empty"), "{refused}");
    let none = advice(&refused, "--split none");
    let (code, done) = train(dir.path(), "two", &[&["--data", "two.csv", "--stage", "single"][..], &none].concat());
    assert_eq!(code, Some(0), "{done}");
    assert_eq!(infer(dir.path(), &["--model", "two/model.safetensors", &few[0].0]).0, Some(0));
}

/// Several rows of one recording are several utterances, each of its own stretch, and columns that nothing reads are told.
#[test]
fn stretches_of_one_recording_are_trained_on() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    let of = |i: usize, path: &str| format!("{path},happy,s{},0,0.3,x\n{path},sad,s{},0.3,0.6,x\n", i % 4, i % 4);
    let table: String = rows.iter().enumerate().map(|(i, (path, _))| of(i, path)).collect();
    std::fs::write(dir.path().join("parts.csv"), format!("path,label,speaker,start,end,room\n{table}")).expect("table");
    let (code, done) = train(dir.path(), "parts", &["--data", "parts.csv", "--stage", "single"]);
    assert!(code == Some(0) && done.contains("64 clips, 4 speakers, 2 classes"), "{done}");
    assert!(done.contains("columns that are not used: room"), "{done}");
    let predictions = std::fs::read_to_string(dir.path().join("parts/predictions.csv")).expect("predictions");
    assert!(predictions.contains(".wav#t=0.300,0.600"), "{predictions}");
}

/// Long recordings, one label each, are learnt from in windows, those of one recording on one side; the model answers such a recording.
#[test]
fn long_recordings_are_learnt_from_in_windows() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    for class in ["happiness", "sadness"] {
        let own: Vec<f32> = rows.iter().filter(|(_, label)| label == class).flat_map(|(path, _)| sound(dir.path(), path)).collect();
        std::fs::create_dir_all(dir.path().join("long").join(class)).expect("folder");
        for take in 0..5 {
            // Each begins elsewhere and lasts 36 s: seven windows and an end of a second.
            let long: Vec<f32> = own.iter().cycle().skip(take * 1234).take(36 * 16_000).copied().collect();
            emotone::audio::write_wav(&dir.path().join(format!("long/{class}/take {take}.wav")), &long, 16_000).expect("clip");
        }
    }
    let (code, done) = train(dir.path(), "out", &["--data", "long", "--stage", "single"]);
    assert!(code == Some(0) && done.contains("10 recordings are longer than 30 s"), "{done}");
    assert!(done.contains("80 of the clips are windows of 10 long recordings, each on one side"), "{done}");
    let listed = std::fs::read_to_string(dir.path().join("out/clips.csv")).expect("list");
    let mut sides: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> = Default::default();
    for row in listed.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        sides.entry(row.split('#').next().expect("path")).or_default().insert(cells[cells.len() - 2]);
    }
    assert!(sides.len() == 10 && sides.values().all(|on| on.len() == 1), "{sides:?}");
    assert_eq!(sides.values().filter(|on| on.contains("test")).count(), 2);
    let (code, answer) = infer(dir.path(), &["--model", "out/model.safetensors", "long/sadness/take 0.wav"]);
    assert!(code == Some(0) && answer.lines().filter(|line| line.contains("take 0.wav")).count() >= 8, "{answer}");
}

fn sound(dir: &Path, path: &str) -> Vec<f32> {
    emotone::audio::load(&dir.join(path)).expect("clip").samples
}

/// A column of weights counts in the loss, by its proportions alone; a network that does not weigh says that the column is not used.
#[test]
fn weights_of_rows_count_in_training() {
    if !adapter() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let (_, rows) = clips(dir.path());
    let table = |name: &str, weight: &dyn Fn(usize) -> f64| {
        let row = |(i, (path, label)): (usize, &(String, String))| format!("{path},{label},s{},{}\n", i % 4, weight(i));
        let lines: String = rows.iter().enumerate().map(row).collect();
        std::fs::write(dir.path().join(name), format!("path,label,speaker,Sample Weight\n{lines}")).expect("table");
    };
    table("alike.csv", &|_| 3.0);
    table("weighed.csv", &|i| 0.5 + (i % 3) as f64);
    table("twice.csv", &|i| 1.0 + 2.0 * (i % 3) as f64);
    for model in [&[][..], &["--set", "model.name=rocket"]] {
        let trained = |name: &str| {
            let (out, data) = (format!("{name}-{}", model.len()), format!("{name}.csv"));
            let (code, done) = train(dir.path(), &out, &[&["--data", data.as_str(), "--stage", "single"][..], model].concat());
            assert_eq!(code, Some(0), "{done}");
            let told = done.contains("recordings count in training by column \"weight\", from");
            assert_eq!((told, done.contains("not used")), (name != "alike", false), "{done}");
            let result = std::fs::read_to_string(dir.path().join(out).join("result.json")).expect("result");
            serde_json::from_str::<serde_json::Value>(&result).expect("json")["weights_sha256"].clone()
        };
        let [alike, weighed, twice] = ["alike", "weighed", "twice"].map(trained);
        assert!(weighed == twice && alike != weighed, "{model:?}");
    }
    let (code, done) = train(dir.path(), "svm", &["--data", "weighed.csv", "--stage", "single", "--set", "model.name=svm"]);
    assert!(code == Some(0) && done.contains("columns that are not used: weight") && !done.contains("count in training"), "{done}");
}
