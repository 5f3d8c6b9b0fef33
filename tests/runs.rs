//! What people do with runs: two in one folder, going on with more or other things, stopping, starting from another model. Through the program, as
//! they do; every advice of a message is followed.

mod common;

use common::asking::said;
use emotone::data::synth::{self, SynthConfig};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A small corpus in `dir`, and whether there is a device at all.
fn corpus(dir: &Path) -> bool {
    let clips = synth::synthesise(&SynthConfig { speakers: 6, clips_per_emotion_per_speaker: 2, seed: 3 });
    synth::write(&clips, &dir.join("corpus")).expect("corpus");
    common::device().is_some()
}

const QUICK: &[&str] =
    &["--preset", "tiny", "--stage", "single", "--set", "image.size=32", "--set", "train.batch=8", "--split", "kfold:3:1"];

/// `train` in a folder.
fn train(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
    command.current_dir(dir).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn done(dir: &Path, args: &[&str]) -> Output {
    train(dir, args).output().expect("train starts")
}

/// The output of a call that succeeds.
fn succeeds(dir: &Path, args: &[&str]) -> String {
    let output = done(dir, args);
    assert!(output.status.success(), "{args:?}: {}: {}", output.status, said(&output));
    said(&output)
}

/// That of one that is refused, with 1.
fn refused(dir: &Path, args: &[&str]) -> String {
    let output = done(dir, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
    said(&output)
}

fn with<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

/// A long run, once its state is on disk.
fn begun(dir: &Path, mut command: Command) -> Child {
    let child = command.spawn().expect("train starts");
    let until = Instant::now() + Duration::from_secs(240);
    while !dir.join("out/state.safetensors").exists() {
        assert!(Instant::now() < until, "no state after minutes");
        std::thread::sleep(Duration::from_millis(50));
    }
    child
}

fn result(dir: &Path, out: &str) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join(out).join("result.json")).expect("result")).expect("JSON")
}

const LONG: &[&str] = &["--data", "corpus", "--epochs", "5000", "--save-every", "0", "--out", "out"];

#[test]
fn a_folder_has_one_run_at_a_time_and_a_killed_one_goes_on() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let mut child = begun(dir, train(dir, &with(&[QUICK, LONG])));
    let who = format!("process {} (", child.id());
    for again in [
        with(&[QUICK, LONG]),
        vec!["--resume", "out"],
        vec!["--preset", "tiny", "--data", "corpus", "--out", "out", "--folds", "all", "--split", "kfold:3"],
    ] {
        let told = refused(dir, &again);
        assert!(told.contains(&who) && told.contains("--out"), "{told}");
    }
    assert!(child.try_wait().expect("child").is_none(), "the first run was disturbed");
    child.kill().expect("kill");
    child.wait().expect("wait");
    // Its advice, when the folder is taken by a run that has ended.
    let told = refused(dir, &with(&[QUICK, LONG]));
    assert!(told.contains("--resume out"), "{told}");
    let told = succeeds(dir, &["--resume", "out", "--epochs", "1"]);
    assert!(told.contains("stage.single.epochs = 1 (5000 before)"), "{told}");
    assert!(result(dir, "out")["continued"][0].as_str().expect("said").contains("stage.single.epochs"));
}

/// Whether this process ignores SIGHUP, and with it those that it starts.
#[cfg(unix)]
fn outlives_terminals() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(unix)]
#[test]
fn systems_and_terminals_stop_a_run_as_ctrl_c_does() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let kill = |signal: &str, child: &Child| Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    let mut first = true;
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        if signal == "-HUP" && outlives_terminals() {
            eprintln!(
                "SKIPPED: systems_and_terminals_stop_a_run_as_ctrl_c_does: {signal}, which this process was started to ignore (nohup)"
            );
            continue;
        }
        let args = if first { with(&[QUICK, LONG]) } else { vec!["--resume", "out", "--save-every", "0"] };
        let child = begun(dir, train(dir, &args));
        if !first {
            // The state is that of the run before: wait until this one has read it.
            std::thread::sleep(Duration::from_secs(3));
        }
        first = false;
        kill(signal, &child);
        let output = child.wait_with_output().expect("wait");
        assert_eq!(output.status.code(), Some(code), "{signal}: {}", said(&output));
        assert!(said(&output).contains("--resume out"), "{signal}: {}", said(&output));
    }
    // A terminal that closes does not stop what was started to outlive it.
    let mut outliving = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" --resume out --save-every 0";
    outliving.current_dir(dir).args(["-c", script, env!("CARGO_BIN_EXE_train")]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = outliving.spawn().expect("sh starts");
    std::thread::sleep(Duration::from_secs(4));
    kill("-HUP", &child);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!cfg!(target_os = "linux") || child.try_wait().expect("child").is_none(), "nohup is not heeded");
    kill("-TERM", &child);
    child.wait().expect("wait");
}

#[test]
fn a_run_goes_on_by_its_folder_alone_and_with_more() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let clips: Vec<_> = std::fs::read_dir(dir.join("corpus/wav")).expect("corpus").map(|e| e.expect("entry").file_name()).collect();
    assert!(clips.len() == 48, "{clips:?}");
    succeeds(dir, &with(&[QUICK, &["corpus", "--epochs", "2", "--out", "my run"]]));
    let sha = |out: &str| result(dir, out)["weights_sha256"].clone();
    let first = sha("my run");
    // From another folder, by the folder alone, by --out, by a file of it.
    std::fs::create_dir(dir.join("elsewhere")).expect("folder");
    for args in [&["--resume", "../my run"][..], &["--resume", "--out", "../my run"], &["--resume", "../my run/state.safetensors"]] {
        succeeds(&dir.join("elsewhere"), args);
        assert_eq!(sha("my run"), first);
    }
    // Longer, by the folder alone, and by the flags it was begun with.
    let told = succeeds(dir, &["--resume", "my run", "--epochs", "3"]);
    assert!(told.contains("stage.single.epochs = 3 (2 before)"), "{told}");
    let told = succeeds(dir, &with(&[QUICK, &["--data", "corpus", "--epochs", "4", "--resume", "--out", "my run"]]));
    assert!(told.contains("stage.single.epochs = 4 (3 before)"), "{told}");
    let epochs = std::fs::read_to_string(dir.join("my run/metrics.jsonl")).expect("metrics").lines().count();
    assert_eq!((epochs, result(dir, "my run")["continued"].as_array().expect("said").len()), (4, 2));
    // What cannot change is named, and the advice to leave it out works.
    let told = refused(dir, &["--resume", "my run", "--batch", "16"]);
    assert!(told.contains("train.batch = 16 (8 before)") && told.contains("leave that out"), "{told}");
    let told = refused(dir, &["--resume", "my run", "--split", "kfold:3:2"]);
    assert!(told.contains("kfold:3:2") && told.contains("kfold:3:1"), "{told}");
    succeeds(dir, &["--resume", "my run"]);
    // A recording less is named; the advice to begin from its weights works.
    let lost = dir.join("corpus/wav").join(&clips[0]);
    let kept = dir.join("kept.wav");
    std::fs::rename(&lost, &kept).expect("move");
    let manifest = std::fs::read_to_string(dir.join("corpus/manifest.csv")).expect("manifest");
    let without = |name: &str| manifest.lines().filter(|l| !l.contains(name)).collect::<Vec<_>>().join("\n");
    std::fs::write(dir.join("corpus/manifest.csv"), without(&clips[0].to_string_lossy())).expect("manifest");
    let told = refused(dir, &["--resume", "my run"]);
    assert!(told.contains("1 recording fewer") && told.contains(&*clips[0].to_string_lossy()), "{told}");
    assert!(told.contains("--weights 'my run/model.safetensors'") || told.contains("my run/model.safetensors'"), "{told}");
    succeeds(dir, &["--data", "corpus", "--split", "kfold:3:1", "--weights", "my run", "--epochs", "1", "--out", "next"]);
    // That run is begun without it; with it there, it goes on with one more.
    std::fs::rename(&kept, &lost).expect("move");
    std::fs::write(dir.join("corpus/manifest.csv"), &manifest).expect("manifest");
    let output = done(dir, &["--resume", "next", "--epochs", "2"]);
    let told = said(&output);
    let more = output.status.success() && told.contains("1 recording more than before");
    assert!(more || told.contains("trained on before and tested now"), "{told}");
}

#[test]
fn flags_that_people_try_work_or_are_named() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let printed = succeeds(dir, &["--preset", "tiny", "--epochs", "7", "--lr", "0.5", "--batch", "16", "--print-config"]);
    let config: toml::Table = printed.parse().expect("TOML");
    let stage = |key: &str| config["stage"].as_table().expect("stages").values().map(|s| s[key].to_string()).collect::<Vec<_>>();
    assert!(stage("epochs").iter().all(|n| n == "7") && stage("lr").iter().all(|n| n == "0.5"), "{printed}");
    assert_eq!(config["train"]["batch"].as_integer(), Some(16));
    assert!(succeeds(dir, &["--learning-rate", "0.25", "--print-config"]).contains("lr = 0.25"));
    assert!(succeeds(dir, &["--set", "train.lr=0.001", "--print-config"]).contains("lr = 0.001"));
    let before = ["--set", "model.kernels=80", "--set", "model.name=rocket", "--preset", "small", "--print-config"];
    assert!(succeeds(dir, &before).contains("kernels = 80"), "what a network has may be set before it is named");
    for (args, hints) in [
        (&["--weight-decay", "0.1"][..], &["--set train.weight_decay="][..]),
        (&["--epocs", "3"], &["--epochs"]),
        (&["--set", "train.bacth=3"], &["train.batch"]),
        (&["--set", "lr=3"], &["stage.single.lr"]),
        (&["--resume"], &["--resume RUN"]),
        (&["--resume", "nowhere"], &["nowhere"]),
        (&["no/such/corpus"], &["no/such/corpus"]),
        (&["--weights", "no/such/model", "--data", "x"], &["no/such/model"]),
    ] {
        let told = refused(dir, args);
        assert!(hints.iter().all(|hint| told.contains(hint)), "{args:?}: {told}");
    }
    let help = succeeds(dir, &["--help"]);
    assert!(["Exit codes: 0", "130", "143", "--resume RUN"].iter().all(|part| help.contains(part)), "{help}");
}

#[test]
fn a_model_of_other_classes_is_a_start() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    succeeds(dir, &with(&[QUICK, &["--data", "corpus", "--epochs", "1", "--out", "all"]]));
    let classes: Vec<String> =
        result(dir, "all")["test"]["classes"].as_array().expect("classes").iter().map(|c| c.as_str().expect("name").into()).collect();
    // One class fewer, and one under another name.
    let map = format!("{}=,{}=brand new", classes[0], classes[1]);
    let told =
        succeeds(dir, &["corpus", "--split", "kfold:3:1", "--label-map", &map, "--epochs", "1", "--weights", "all", "--out", "some"]);
    assert!(told.contains("made for 3 outputs (4 in the model to start from)") && told.contains("brand new is new"), "{told}");
    assert_eq!(result(dir, "some")["test"]["classes"].as_array().expect("classes").len(), 3);
    // A network of another shape is refused, and leaving out what made it so works, as above.
    let told = refused(dir, &["corpus", "--preset", "small", "--weights", "all", "--out", "no"]);
    assert!(told.contains("leave out --preset"), "{told}");
}

/// Names that would break a line, a shell or a terminal.
#[cfg(unix)]
#[test]
fn advice_about_paths_is_quoted() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let out = "it's a\nrun\u{1b}[31m";
    let told = succeeds(dir, &with(&[QUICK, &["--data", "corpus", "--epochs", "1", "--out", out]]));
    assert!(!told.contains('\u{1b}') && told.contains("it's a\\nrun\\u{1b}[31m/model.safetensors"), "{told}");
    let advice = told.lines().find_map(|line| line.split_once("--model ")?.1.strip_suffix(" YOUR.wav")).expect("advice");
    let shown = Command::new("bash").args(["-c", &format!("ls -d {advice}")]).current_dir(dir).output().expect("bash");
    assert!(shown.status.success(), "{advice}");
    let told = refused(dir, &with(&[QUICK, &["--data", "corpus", "--epochs", "1", "--out", out]]));
    let advice = told.split_once("(--resume ").expect("advice").1.split_once("), or").expect("advice").0;
    let again = format!("{} --resume {advice}", env!("CARGO_BIN_EXE_train"));
    assert!(Command::new("bash").args(["-c", &again]).current_dir(dir).output().expect("bash").status.success(), "{again}");
}

/// Rows of the corpus's manifest that `row` keeps, as it makes them of path, label and speaker, under a header of their own.
fn manifest(dir: &Path, name: &str, header: &str, row: &dyn Fn(&str, &str, &str) -> Option<String>) {
    let text = std::fs::read_to_string(dir.join("corpus/manifest.csv")).expect("manifest");
    let rows = text.lines().skip(1).filter_map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        row(cells[0], cells[1], cells[2])
    });
    std::fs::write(dir.join("corpus").join(name), std::iter::once(header.to_string()).chain(rows).collect::<Vec<_>>().join("\n"))
        .expect("manifest");
}

/// What a refusal advises is done, to the end.
#[test]
fn what_refusals_advise_works() {
    let dir = tempfile::tempdir().expect("folder");
    let dir = dir.path();
    if !corpus(dir) {
        return;
    }
    let small = ["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8"];
    // Speakers that nobody knows, for stages that learn them.
    manifest(dir, "unknown.csv", "path,label", &|path, label, _| Some(format!("{path},{label}")));
    let unknown = with(&[&small, &["corpus/unknown.csv", "--split", "random", "--out", "unknown"]]);
    let told = refused(dir, &unknown);
    assert!(told.contains("--stage single"), "{told}");
    succeeds(dir, &with(&[&unknown, &["--stage", "single", "--epochs", "1"]]));
    // A class of one speaker, who is a fold.
    let text = std::fs::read_to_string(dir.join("corpus/manifest.csv")).expect("manifest");
    let people: Vec<String> = {
        let mut all: Vec<String> = text.lines().skip(1).map(|l| l.split(',').nth(2).expect("speaker").to_string()).collect();
        all.sort();
        all.dedup();
        all
    };
    let class = text.lines().nth(1).and_then(|l| l.split(',').nth(1)).expect("label").to_string();
    let own = |fewer: bool| {
        manifest(dir, "own.csv", "path,label,speaker", &|path, label, speaker| {
            let rare = label == class;
            let kept = people[..3].iter().any(|p| p == speaker) && (!rare || speaker == people[0]);
            let label = if rare { "it's rare" } else { label };
            (kept && !(fewer && !rare && path.ends_with("1.wav"))).then(|| format!("{path},{label},{speaker}"))
        });
    };
    own(false);
    let folds = with(&[
        &small,
        &["--stage", "single", "--epochs", "1", "--data", "corpus/own.csv", "--split", "loso", "--folds", "all", "--out", "folds"],
    ]);
    let told = refused(dir, &folds);
    let advice = told.split_once("(--label-map ").expect("advice").1.split_once("), or the fold").expect("advice").0;
    let again = format!("{} {} --label-map {advice}", env!("CARGO_BIN_EXE_train"), folds.join(" "));
    let output = Command::new("bash").args(["-c", &again]).current_dir(dir).output().expect("bash");
    assert!(output.status.success(), "{again}: {}", said(&output));
    // The folder alone goes on with folds too; one of them alone is no run; more recordings are named.
    succeeds(dir, &["--resume", "folds"]);
    let told = refused(dir, &["--resume", &format!("folds/fold-{}", people[0])]);
    assert!(told.contains("--resume ") && told.contains("folds"), "{told}");
    let told = succeeds(dir, &["--resume", "folds", "--epochs", "2"]);
    assert!(told.contains("stage.single.epochs = 2 (1 before)"), "{told}");
    own(true);
    let told = refused(dir, &["--resume", "folds"]);
    assert!(told.contains("fewer than before"), "{told}");
}
