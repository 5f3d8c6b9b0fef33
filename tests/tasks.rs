//! Tasks and stages of a user's own: numbers from a column, targets that some clips lack, and refusals whose advice works.

mod common;

use common::{device, recipe, spec};
use emotone::gpu::Device;
use emotone::nn::{Params, Weights, file};
use emotone::reference::noise;
use emotone::train::config::Config;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::report::RunResult;
use emotone::train::run::{RunSpec, run};
use emotone::train::step::{Batch, Step};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A number learnt from the column `column`, alone or beside the emotion.
fn numbers(column: &str, tasks: &str) -> Vec<String> {
    let target = format!("task.valence.target=column:{column}");
    let tasks = format!("stage.own.tasks={{ {tasks} }}");
    let rest = [
        "task.valence.loss=mse",
        "task.valence.metric=ccc",
        "stage.own.trains=trunk,emotion,valence",
        "stage.own.epochs=2",
        "train.stages=own",
    ];
    [target, tasks].into_iter().chain(rest.map(String::from)).collect()
}

/// Gives the corpus of [`spec`] a column: happiness 1, sadness -1, others in between, and nothing for every fifth clip.
fn add_column(dir: &Path) {
    let path = dir.join("corpus/manifest.csv");
    let text = std::fs::read_to_string(&path).expect("manifest");
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    for (i, line) in lines.iter_mut().enumerate() {
        let value = if line.contains("happiness") {
            "1"
        } else if line.contains("sadness") {
            "-1"
        } else {
            "0.25"
        };
        line.push_str(&match i {
            0 => ",valence".to_string(),
            i => format!(",{}", if i % 5 == 0 { "" } else { value }),
        });
    }
    std::fs::write(&path, lines.join("\n")).expect("manifest");
}

fn own(dir: &Path, out: &str, sets: &[String]) -> RunSpec {
    spec(dir, out, &sets.iter().map(String::as_str).collect::<Vec<_>>())
}

fn outcome(device: &Arc<Device>, spec: &RunSpec) -> emotone::Result<RunResult> {
    run(device, spec, &AtomicBool::new(false), &mut |_| ())
}

#[test]
fn a_number_is_learnt_alone_and_beside_the_emotion() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    spec(dir.path(), "unused", &[]);
    add_column(dir.path());
    let both = outcome(&device, &own(dir.path(), "both", &numbers("valence", "emotion = 1, valence = 0.5"))).expect("run");
    assert!(both.test.is_some() && both.test_ccc.is_none(), "the model answers the emotion");
    let alone = outcome(&device, &own(dir.path(), "alone", &numbers("valence", "valence = 1"))).expect("run");
    assert!(alone.test.is_none() && alone.test_ccc.is_some_and(f64::is_finite), "{:?}", alone.test_ccc);
    let history = std::fs::read_to_string(dir.path().join("alone/metrics.jsonl")).expect("metrics");
    // An answer is a number by its name: no label, and nothing called a probability.
    let clip = std::fs::read_dir(dir.path().join("corpus/wav")).expect("clips").next().expect("a clip").expect("entry").path();
    let ask = |format: &str| {
        let model = dir.path().join("alone/model.safetensors");
        let mut infer = std::process::Command::new(env!("CARGO_BIN_EXE_infer"));
        let out = infer.arg("--model").arg(model).args(["--format", format, "--quiet"]).arg(&clip).output().expect("infer starts");
        String::from_utf8(out.stdout).expect("text")
    };
    let answer: serde_json::Value = serde_json::from_str(&ask("jsonl")).expect("JSON");
    assert!(answer["numbers"]["valence"].is_f64(), "{answer}");
    assert!(answer.as_object().is_some_and(|o| !o.contains_key("label") && !o.contains_key("probabilities")), "{answer}");
    assert!(ask("csv").starts_with("file,start,end,valence,truth,quality,error\n"), "{}", ask("csv"));
    assert_eq!(ask("text").matches("valence").count(), 1, "{}", ask("text"));
    assert!(history.lines().all(|l| l.contains("\"valid_ccc\"") || l.contains("\"valid_uar\":null")), "{history}");
}

#[test]
fn what_the_data_cannot_serve_is_refused_and_the_advice_works() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    spec(dir.path(), "unused", &[]);
    add_column(dir.path());
    let mut spec = own(dir.path(), "own", &numbers("arousal", "emotion = 1, valence = 0.5"));
    let refused = |spec: &RunSpec| outcome(&device, spec).expect_err("refused").to_string();
    let said = refused(&spec);
    assert!(said.contains("arousal") && said.contains("set stage.own.tasks.valence=0"), "{said}");
    spec.config.set("stage.own.tasks.valence=0").expect("the advice");
    outcome(&device, &spec).expect("a run by the advice");

    let path = dir.path().join("corpus/manifest.csv");
    let text = std::fs::read_to_string(&path).expect("manifest");
    std::fs::write(&path, text.replacen(",0.25", ",calm", 1)).expect("manifest");
    let said = refused(&own(dir.path(), "word", &numbers("valence", "valence = 1")));
    assert!(said.contains(r#"column "valence" holds "calm", but task valence learns numbers"#), "{said}");
}

/// Probabilities of a teacher are between 0 and 1; its logits would be learnt without a word.
#[test]
fn what_cannot_be_a_probability_is_refused() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    spec(dir.path(), "unused", &[]);
    add_column(dir.path());
    let sets = ["task.t.target=column:valence,arousal", "stage.own.tasks={ t = 1 }", "stage.own.trains=trunk", "train.stages=own"];
    let said = outcome(&device, &own(dir.path(), "t", &sets.map(String::from))).expect_err("refused").to_string();
    assert!(said.contains(r#"holds "-1", but task t learns probabilities"#), "{said}");
}

/// `voiceprint` is the name under which the weights of the speaker's head were published.
#[test]
fn tasks_that_would_share_a_head_by_accident_are_refused() {
    for (name, other, wanted) in [("voiceprint", "speaker", "parameter voiceprint."), ("head", "emotion", "parameter head.")] {
        let mut config = Config::preset("tiny").expect("preset");
        let sets = [
            format!("task.{name}.target=label"),
            format!("task.{name}.head=auxiliary"),
            format!("stage.own.tasks={{ {name} = 1, {other} = 1 }}"),
            "stage.own.trains=trunk".into(),
            "train.stages=own".into(),
        ];
        for s in &sets {
            config.set(s).expect("setting");
        }
        let recipe = recipe(config);
        let mut params = Params::new(|_| true);
        let said = recipe.training(&mut params, &recipe.config.stage["own"], 2, Source::Raw).map(|_| ()).expect_err("refused").to_string();
        assert!(said.contains(wanted) && said.contains("another name"), "{said}");
        let again = recipe.inference(&mut Params::new(|_| true), 2, Source::Raw, &[]);
        assert!(again.is_err(), "{name}");
    }
}

/// A stage whose losses do not reach a head leaves it as it is, though it is named among what is trained.
#[test]
fn weight_decay_leaves_a_head_alone_that_no_loss_reaches() {
    let Some(device) = device() else { return };
    let mut config = Config::preset("tiny").expect("preset");
    for s in ["image.size=32", "train.batch=4", "train.weight_decay=1", "stage.joint.tasks.speaker=0", "train.stages=voiceprint,joint"] {
        config.set(s).expect("setting");
    }
    let recipe = recipe(config);
    let mut learner = Learner::new(&device, &recipe, &recipe.config.stage["joint"], Source::Raw, &Weights::new()).expect("learner");
    let head = |learner: &Learner| learner.weights().expect("weights").remove("voiceprint.weight").expect("the speaker's head");
    let before = head(&learner);
    let x = noise(3, 4 * 32 * 32).iter().map(|&v| v as f32).collect();
    let emotion = (0..16).map(|i| f32::from(u8::from(i % 4 == i / 4))).collect();
    let batch = Batch { x, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() };
    learner.update(&[batch], 0.1).and_then(Step::done).expect("update");
    assert_eq!(head(&learner), before);
}

/// A stage on features of a trunk that is frozen from the start: the model has that trunk.
#[test]
fn a_head_on_a_trunk_that_nobody_trained_makes_a_model() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let run = |out: &str, augment: &str| {
        let sets = ["train.stages=emotion", augment, "stage.emotion.epochs=1", "train.weight_decay=0"];
        outcome(&device, &own(dir.path(), out, &sets.map(String::from))).expect("run");
        file::read(&dir.path().join(out).join("model.safetensors")).expect("model").0["cnn.conv1.weight"].clone()
    };
    assert_eq!(run("cached", "stage.emotion.augment=false"), run("not", "stage.emotion.augment=true"));
}

#[test]
fn speakers_nobody_knows_are_refused_and_the_advice_works() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let mut spec = spec(dir.path(), "a", &["stage.single.epochs=1"]);
    let path = dir.path().join("corpus/manifest.csv");
    let text = std::fs::read_to_string(&path).expect("manifest");
    std::fs::write(&path, text.replacen("speaker", "talker", 1)).expect("manifest");
    spec.data.split = "random:0.25".into();
    let said = outcome(&device, &spec).expect_err("refused").to_string();
    assert!(said.contains("stage voiceprint") && said.contains("--stage single"), "{said}");
    spec.config.set("train.stages=single").expect("the advice");
    outcome(&device, &spec).expect("a run by the advice");
}

/// Whatever stands in rows without a target, it changes nothing, though labels are smoothed.
#[test]
fn rows_without_a_target_do_not_count() {
    let Some(device) = device() else { return };
    let mut config = Config::preset("tiny").expect("preset");
    for s in ["image.size=32", "train.batch=4", "stage.joint.augment=false", "train.stages=joint"] {
        config.set(s).expect("setting");
    }
    let mut recipe = recipe(config);
    recipe.partial.insert("speaker".into());
    let stage = &recipe.config.stage["joint"];
    let losses = [0.0, 1.0].map(|filling| {
        let mut learner = Learner::new(&device, &recipe, stage, Source::Raw, &Weights::new()).expect("learner");
        let x: Vec<f32> = noise(3, 4 * 32 * 32).iter().map(|&v| v as f32).collect();
        let mut speaker = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        speaker.extend([filling; 6]);
        let emotion = (0..16).map(|i| f32::from(u8::from(i % 4 == i / 4))).collect();
        let targets = [("emotion".to_string(), emotion), ("speaker".to_string(), speaker)].into();
        let weights = [("speaker".to_string(), vec![1.0, 1.0, 0.0, 0.0])].into();
        let batch = [Batch { x, targets, weights, ..Batch::default() }];
        let update = |learner: &mut Learner| learner.update(&batch, 1e-3).and_then(Step::done).expect("update").loss;
        (0..3).map(|_| update(&mut learner)).collect::<Vec<f64>>()
    });
    assert_eq!(losses[0], losses[1]);
}
