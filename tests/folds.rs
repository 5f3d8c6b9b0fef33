//! All folds in one command: each as the run of its own split, on recordings read once, resumed to the same bits, and summed up.

mod common;

use common::{device, spec};
use emotone::Error;
use emotone::gpu::Device;
use emotone::train::dataset::Dataset;
use emotone::train::events::Event;
use emotone::train::folds::{self, FoldsResult, FoldsSpec};
use emotone::train::pooled::Unit;
use emotone::train::report::RunResult;
use emotone::train::run;
use emotone::train::teacher::Teacher;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ONE_STAGE: [&str; 2] = ["train.stages=single", "stage.single.epochs=2"];

fn of(dir: &Path, out: &str, split: &str) -> FoldsSpec {
    let mut run = spec(dir, out, &ONE_STAGE);
    run.data.split = split.into();
    FoldsSpec { run, folds: "all".into(), seeds: 1 }
}

fn complete(device: &Arc<Device>, spec: &FoldsSpec) -> FoldsResult {
    folds::run(device, spec, &AtomicBool::new(false), &mut |_| ()).expect("folds")
}

fn refused(device: &Arc<Device>, spec: &FoldsSpec) -> String {
    folds::run(device, spec, &AtomicBool::new(false), &mut |_| ()).map(drop).expect_err("refused").to_string()
}

#[test]
fn each_fold_is_the_run_of_its_split_on_recordings_read_once() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let all = of(dir.path(), "all", "kfold:3");
    let (mut made, mut shares) = (Vec::new(), Vec::new());
    let result = folds::run(&device, &all, &AtomicBool::new(false), &mut |e| match e {
        Event::Preparing(what, done, total) if done == total => made.push(what),
        Event::Share(share) => shares.push(share),
        _ => {}
    });
    let result = result.expect("folds");
    assert_eq!(made, ["recordings", "images"]);
    assert!(shares.is_sorted() && shares.last() == Some(&1.0) && shares.len() > 20, "{shares:?}");

    let mut alone = spec(dir.path(), "alone", &ONE_STAGE);
    alone.data.split = "kfold:3:2".into();
    let second = run::run(&device, &alone, &AtomicBool::new(false), &mut |_| ()).expect("run");
    let fold = &result.folds[1];
    assert_eq!((fold.fold.as_str(), fold.folder.as_str(), &fold.weights_sha256), ("2", "fold-2", &second.weights_sha256));
    assert_eq!(fold.uar, second.test.expect("test").uar);

    // All together: 48 clips, 6 speakers.
    let pooled = result.pooled.as_ref().expect("figures");
    assert_eq!((pooled.drawn, pooled.units, result.never_tested, result.folds_in_all), (Unit::Speakers, 6, 0, 3));
    let test = result.test.as_ref().expect("test");
    assert_eq!((test.clips, test.uar), (48, Some(pooled.metrics["uar"].pooled)));
    let enrolled = result.enrolled.as_ref().expect("centred figures");
    assert!(enrolled.drawn == Unit::Speakers && enrolled.metrics["uar"].pooled > 0.0 && test.ece.is_some_and(|e| (0.0..1.0).contains(&e)));
    let mean = result.folds.iter().filter_map(|f| f.uar).sum::<f64>() / 3.0;
    assert!((pooled.metrics["uar"].mean_over_folds - mean).abs() < 1e-12);
    let out = dir.path().join("all");
    assert_eq!(FoldsResult::read(&out.join("folds.json")).expect("folds.json"), result);
    let table = std::fs::read_to_string(out.join("predictions.csv")).expect("predictions");
    let rows: Vec<Vec<&str>> = table.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["fold", "seed", "speaker", "clip", "truth", "prediction"]);
    let column = |c: usize| rows[1..].iter().map(|r| r[c]).collect::<BTreeSet<_>>().len();
    assert_eq!((rows.len(), column(0), column(1), column(2), column(3)), (49, 3, 1, 6, 48));
    assert!(out.join("confusion.csv").exists() && out.join("confusion.png").exists() && out.join("fold-3/model.safetensors").exists());
    assert!(refused(&device, &all).contains("--resume"));
}

/// Where the trunk is frozen and inputs are not normalised by the split, its features are those of all folds.
#[test]
fn features_of_a_frozen_trunk_are_computed_once() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let frozen = ["stage.single.trains=[\"emotion\"]", "stage.single.augment=false", "train.bn_frozen=true"];
    let fixed = |spec: &mut emotone::train::run::RunSpec, more: &[&str]| {
        frozen.iter().chain(more).for_each(|s| spec.config.set(s).expect("setting"));
    };
    let made = |out: &str, more: &[&str]| {
        let mut all = of(dir.path(), out, "kfold:3");
        fixed(&mut all.run, more);
        let mut times = 0;
        let result = folds::run(&device, &all, &AtomicBool::new(false), &mut |e| {
            times += usize::from(matches!(e, Event::Preparing("features of the frozen trunk", 48, 48)));
        });
        (times, result.expect("folds").folds.remove(2))
    };
    let (times, third) = made("all", &["image.normalise=none"]);
    assert_eq!(times, 1);
    // Normalised by each fold's training clips they are others.
    assert_eq!(made("normalised", &["image.normalise=train"]).0, 3);
    let mut alone = spec(dir.path(), "alone", &ONE_STAGE);
    fixed(&mut alone, &["image.normalise=none"]);
    alone.data.split = "kfold:3:3".into();
    let alone = run::run(&device, &alone, &AtomicBool::new(false), &mut |_| ()).expect("run");
    assert_eq!(third.weights_sha256, alone.weights_sha256);
}

/// Folds that a run was stopped or died in go on, complete ones are kept, and everything comes to the same bits.
#[test]
fn interrupted_folds_go_on_to_the_same_bits() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let whole = complete(&device, &of(dir.path(), "whole", "kfold:3"));
    let mut pieces = of(dir.path(), "pieces", "kfold:3");
    pieces.run.save_every = Duration::ZERO;
    // Dies in the middle of the second fold, without a word.
    let mut steps = 0;
    let died = catch_unwind(AssertUnwindSafe(|| {
        folds::run(&device, &pieces, &AtomicBool::new(false), &mut |e| {
            steps += usize::from(matches!(e, Event::Step { .. }));
            assert!(steps < 11, "the process dies");
        })
    }));
    assert!(died.is_err());
    let out = dir.path().join("pieces");
    assert!(out.join("fold-1/result.json").exists() && out.join("fold-2/state.safetensors").exists() && !out.join("fold-3").exists());
    let before = FoldsResult::read(&out.join("folds.json")).expect("folds.json");
    assert_eq!((before.folds.len(), before.pooled), (1, None));
    // Stopped in the third.
    pieces.run.resume = true;
    let (stop, mut began, mut continued) = (AtomicBool::new(false), Vec::new(), 0);
    let stopped = folds::run(&device, &pieces, &stop, &mut |e| match e {
        Event::Fold(fold) => began.push(fold.name.to_string()),
        Event::Stage { done, .. } => continued += usize::from(done > 0),
        Event::Step { .. } if began.len() == 3 => stop.store(true, Ordering::Relaxed),
        _ => {}
    });
    assert!(matches!(stopped, Err(Error::Interrupted)), "{:?}", stopped.err());
    assert_eq!((began.join(" ").as_str(), continued), ("1 2 3", 1));
    let mut stages = 0;
    let result = folds::run(&device, &pieces, &AtomicBool::new(false), &mut |e| stages += usize::from(matches!(e, Event::Stage { .. })));
    let mut result = result.expect("folds");
    assert_eq!(stages, 1, "complete folds were trained again");
    result.folds.iter_mut().zip(&whole.folds).for_each(|(f, w)| f.train_seconds = w.train_seconds);
    assert_eq!(result, whole);
    // Others are not continued as if they were these.
    let mut other = pieces.clone();
    other.run.config.train.seed += 1;
    assert!(refused(&device, &other).contains("another configuration"));
    other = pieces.clone();
    other.run.data.split = "loso".into();
    assert!(refused(&device, &other).contains("was made with split kfold:3"));
    other = pieces.clone();
    other.run.data.label_map = "anger=rage".into();
    assert!(refused(&device, &other).contains("has label \"rage\" (\"anger\" before)"));
}

#[test]
fn seeds_and_chosen_folds_are_added_to_those_that_are_there() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut some = of(dir.path(), "some", "kfold:3");
    some.folds = "3".into();
    let first = complete(&device, &some);
    assert_eq!((first.folds.len(), first.folds_in_all), (1, 3));
    (some.seeds, some.folds, some.run.resume) = (2, "1,3".into(), true);
    let both = complete(&device, &some);
    let seed = some.run.config.train.seed;
    assert_eq!(both.seeds, [seed, seed + 1]);
    let folders: Vec<&str> = both.folds.iter().map(|f| f.folder.as_str()).collect();
    let second = format!("seed-{}", seed + 1);
    assert_eq!(folders, ["fold-1", "fold-3", &format!("{second}/fold-1"), &format!("{second}/fold-3")]);
    assert_eq!(both.folds[1], first.folds[0]);
    assert_ne!(both.folds[1].weights_sha256, both.folds[3].weights_sha256);
    assert_eq!(both.pooled.expect("figures").metrics["uar"].mean_by_seed.len(), 2);
}

/// A run of folds teaches the folds of the same split, each by the model that heard none of its test clips.
#[test]
fn each_fold_has_its_own_teacher() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    complete(&device, &of(dir.path(), "teachers", "kfold:3"));
    let student = |out: &str, split: &str| {
        let mut spec = of(dir.path(), out, split);
        spec.run.data.teacher = Some(Teacher::open(&dir.path().join("teachers")).expect("a folder of folds"));
        spec
    };
    let taught = complete(&device, &student("taught", "kfold:3"));
    assert_eq!(taught.folds.len(), 3);
    for fold in &taught.folds {
        let result = RunResult::read(&dir.path().join("taught").join(&fold.folder).join("result.json")).expect("result");
        let own = Teacher::open(&dir.path().join("teachers").join(&fold.folder).join("model.safetensors")).expect("model").taught();
        assert_eq!(result.taught, Some(own), "fold {}", fold.fold);
    }
    // Complete folds belong to the teachers they had.
    let mut again = student("taught", "kfold:3");
    again.run.resume = true;
    assert_eq!(complete(&device, &again).folds, taught.folds);
    let said = refused(&device, &student("others", "kfold:2"));
    assert!(said.contains("the teacher of fold 1 did not test") && said.contains("kfold:2"), "{said}");
    let said = refused(&device, &student("speakers", "loso"));
    assert!(said.contains("no teacher for fold") && said.contains("1, 2, 3 of kfold:3"), "{said}");
    let said = run::run(&device, &student("alone", "kfold:3:1").run, &AtomicBool::new(false), &mut |_| ()).expect_err("refused");
    assert!(said.to_string().contains("add --folds"), "{said}");
}

/// Without validation its clips are trained on, and the last weights are kept.
#[test]
fn validation_can_be_left_out() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let data = |validate: bool| {
        let spec = spec(dir.path(), "none", &[&format!("train.validate={validate}")]);
        Dataset::prepare(&device, &spec.config, &spec.data, &mut |_| ()).expect("data").split
    };
    let (with, without) = (data(true), data(false));
    assert!(!with.valid.is_empty() && without.valid.is_empty() && without.test == with.test);
    let mut both = [with.train, with.valid].concat();
    both.sort_unstable();
    assert_eq!(without.train, both);
    let spec = spec(dir.path(), "last", &[&ONE_STAGE[..], &["train.validate=false"]].concat());
    run::run(&device, &spec, &AtomicBool::new(false), &mut |_| ()).expect("run");
    let epochs = std::fs::read_to_string(dir.path().join("last/metrics.jsonl")).expect("epochs");
    assert!(
        epochs.lines().count() == 2 && epochs.lines().all(|l| l.contains("\"best\":true") && l.contains("\"valid_uar\":null")),
        "{epochs}"
    );
    let contradiction = emotone::train::config::Config::parse("preset = \"tiny\"\n[train]\nvalidate = false\nearly_stopping = 3\n", "x");
    assert!(contradiction.expect("values").check().expect_err("refused").to_string().contains("train.early_stopping"));
}

/// The manifest of the small corpus with other lines.
fn edit(dir: &Path, change: &dyn Fn(usize, &str) -> Option<String>) {
    let path = dir.join("corpus/manifest.csv");
    let text = std::fs::read_to_string(&path).expect("manifest");
    let lines: Vec<String> = text.lines().enumerate().filter_map(|(i, line)| change(i, line)).collect();
    std::fs::write(&path, lines.join("\n")).expect("manifest");
}

#[test]
fn a_class_that_no_fold_can_learn_is_refused_and_one_it_does_not_test_is_named() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut all = of(dir.path(), "all", "group");
    let text = std::fs::read_to_string(dir.path().join("corpus/manifest.csv")).expect("manifest");
    let speaker = |line: &str| line.split(',').nth(2).expect("speaker").to_string();
    let first = speaker(text.lines().nth(1).expect("row"));
    let theirs = |line: &str| line.contains(&format!(",{first},"));
    // Groups of speakers in a column; only one speaker is afraid.
    let mut speakers: Vec<String> = text.lines().skip(1).map(speaker).collect();
    speakers.sort();
    speakers.dedup();
    let group = |line: &str| speakers.iter().position(|s| line.ends_with(&format!(",{s}"))).map_or(0, |s| s / 2);
    edit(dir.path(), &|i, line| Some(if i == 0 { format!("{line},group") } else { format!("{line},g{}", group(line)) }));
    edit(dir.path(), &|i, line| Some(if i > 0 && theirs(line) { line.replace(",anger,", ",fear,") } else { line.into() }));
    let said = refused(&device, &all);
    assert!(said.contains("fold g0: no training clip of class fear, all 2 are held out") && said.contains("--label-map 'fear='"), "{said}");
    assert!(!dir.path().join("all/fold-g0").exists());
    // Without anger in the second group, its recall is over the other classes.
    edit(dir.path(), &|_, line| (!(line.contains("fear") || line.contains("anger") && line.ends_with("g1"))).then(|| line.into()));
    let result = complete(&device, &of(dir.path(), "again", "group"));
    assert_eq!((result.folds[0].absent.len(), result.folds[1].absent.join(" ")), (0, "anger".to_string()));
    let recalls: Vec<f64> = {
        let test =
            emotone::train::report::RunResult::read(&dir.path().join("again/fold-g1/result.json")).expect("result").test.expect("test");
        test.recall.values().flatten().copied().collect()
    };
    assert_eq!(result.folds[1].uar, Some(recalls.iter().sum::<f64>() / 3.0));
    // Rows of no group are never tested.
    edit(dir.path(), &|_, line| Some(line.strip_suffix("g1").map_or(line.to_string(), String::from)));
    all = of(dir.path(), "half", "group");
    let mut warned = Vec::new();
    let result = folds::run(&device, &all, &AtomicBool::new(false), &mut |e| {
        if let Event::Warning(text) = e {
            warned.push(text.to_string());
        }
    });
    let result = result.expect("folds");
    assert!(
        (result.folds.len(), result.never_tested) == (2, 12) && warned.iter().any(|w| w.contains("12 of 42 clips are in no fold")),
        "{warned:?}"
    );
}

fn train(dir: &Path, args: &[&str]) -> Output {
    let mut all = vec!["--preset", "tiny", "--set", "image.size=32", "--set", "train.batch=8", "--stage", "single", "--set"];
    all.extend(["stage.single.epochs=1"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
    command.args(all).args(args).arg("--data").arg(dir.join("corpus")).arg("--out").arg(dir.join("program"));
    command.output().expect("train starts")
}

#[test]
fn the_program_prints_a_table_and_says_what_to_do_instead() {
    if device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let _ = spec(dir.path(), "none", &[]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (args, part) in [
        (&["--folds", "all"][..], "leave --folds out"),
        (&["--split", "loso"], "with --folds also loso, kfold:K and COLUMN"),
        (&["--split", "luna_fold", "--folds", "all"], "no column \"luna_fold\""),
        (&["--split", "kfold:3", "--folds", "4"], "no fold \"4\"; there are 1, 2, 3"),
        (&["--seeds", "2"], "--folds"),
    ] {
        let out = train(dir.path(), args);
        assert!(!out.status.success() && text(&out.stderr).contains(part), "{args:?}: {}", text(&out.stderr));
    }
    let out = train(dir.path(), &["--split", "kfold:2", "--folds", "all", "--quiet"]);
    let said = text(&out.stdout);
    assert!(out.status.success(), "{}", text(&out.stderr));
    for part in ["fold of kfold:2", "mean over folds", "standard deviation", "pooled answers", "bootstrap over 6 speakers", "folds.json"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let row = |name: &str, part: &str| said.lines().any(|l| l.starts_with(name) && l.contains(part));
    assert!(row("1 ", " 24 ") && row("pooled answers ", " 48 ") && row("mean over folds ", "."), "{said}");
    let again = train(dir.path(), &["--split", "kfold:2", "--folds", "all", "--resume", "--json"]);
    let last: serde_json::Value = serde_json::from_str(text(&again.stdout).lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["folds"]["folds"][1]["folder"], "fold-2");
}
