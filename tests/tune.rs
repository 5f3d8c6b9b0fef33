//! Variants chosen by measurement: what is chosen computes, agrees, and stays with the run.

mod common;

use common::{device, recipe, spec};
use emotone::compile::{Options, Plan};
use emotone::graph::Graph;
use emotone::kernels::{Problem, Target, TunedCache};
use emotone::nn::file;
use emotone::ops::{self, Conv2d};
use emotone::train::learner::Learner;
use emotone::train::recipe::{Recipe, Source};
use emotone::train::run::run;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A product and a convolution with its gradients, and what could be tuned in them.
fn network() -> Graph {
    let mut g = Graph::new();
    let x = g.input("x", [2, 8, 10, 12]);
    let w = g.input("w", [16, 8, 3, 3]);
    let y = ops::conv2d(&mut g, x, w, None, Conv2d { padding: [1, 1], ..Conv2d::default() }).expect("conv2d");
    let shape = g.shape(y).clone();
    let dy = g.input("dy", shape);
    let grads = ops::grad_from(&mut g, &[(y, dy)], &[x, w]).expect("gradients");
    let (a, b) = (g.input("a", [1, 24, 40]), g.input("b", [1, 40, 16]));
    let c = ops::matmul(&mut g, a, b, false, false).expect("matmul");
    for (name, v) in [("y", y), ("dx", grads[0]), ("dw", grads[1]), ("c", c)] {
        g.output(name, v);
    }
    g
}

fn entries(plan: &Plan) -> Vec<String> {
    plan.nodes.iter().flat_map(|s| &s.launches).map(|l| l.entry.to_string()).collect()
}

#[test]
fn a_recorded_choice_is_taken_and_a_strange_one_is_not() {
    let Some(device) = device() else { return };
    let target = &Target::new(&device);
    let g = network();
    let table = Plan::new(&g, &device, Options::default()).expect("plan");
    let problems: Vec<Problem> = table.problems().collect();
    assert_eq!(problems.len(), 4, "{problems:?}");
    let all = |name: &str| problems.iter().map(|r| (r.key(target), name.to_string())).collect::<TunedCache>();
    assert_eq!(all("tile").len(), 4, "keys must tell passes apart");
    let by = |tuned: TunedCache| Plan::new(&g, &device, Options { tuned: Arc::new(tuned), ..Options::default() }).expect("plan");
    let tiles = entries(&by(all("tile")));
    assert!(tiles.iter().filter(|e| e.contains("tile")).count() >= 4, "{tiles:?}");
    assert_eq!(entries(&by(all("no such variant"))), entries(&table));
    // Nor for a computation that differs.
    let elsewhere = all("tile").into_iter().map(|(k, v)| (k.replace("f32", "f16"), v)).collect();
    assert_eq!(entries(&by(elsewhere)), entries(&table));
}

/// The tuned variants in a model file.
fn recorded(model: &Path) -> TunedCache {
    Recipe::from_metadata(&file::read(model).expect("model").1).expect("recipe").tuned
}

#[test]
fn a_resumed_run_and_its_model_keep_the_choices_of_its_beginning() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let sets = ["train.stages=single", "stage.single.epochs=1"];
    let plain = run(&device, &spec(dir.path(), "plain", &sets), &AtomicBool::new(false), &mut |_| ()).expect("run");
    // Stopped at once; its state then says that everything had been chosen to be tiles.
    let mut pieces = spec(dir.path(), "pieces", &sets);
    let stopped = run(&device, &pieces, &AtomicBool::new(true), &mut |_| ());
    assert!(matches!(stopped, Err(emotone::Error::Interrupted)), "{:?}", stopped.err());
    let learner = Learner::new(&device, &recipe(pieces.config.clone()), &pieces.config.stage["single"], Source::Raw, &Default::default())
        .expect("learner");
    let tiles: TunedCache = learner.plan().problems().map(|p| (p.key(&Target::new(&device)), "tile".to_string())).collect();
    assert!(tiles.len() > 10, "{tiles:?}");
    let state = pieces.out.join("state.safetensors");
    let (weights, mut text) = file::read(&state).expect("state");
    let progress = text.values_mut().next().expect("progress");
    let mut value: serde_json::Value = serde_json::from_str(progress).expect("json");
    value["choices"] = serde_json::to_value(&tiles).expect("json");
    *progress = value.to_string();
    file::write(&state, &weights, &text).expect("write");
    // With the flag, too: it is for runs that begin.
    (pieces.resume, pieces.tune) = (true, true);
    let resumed = run(&device, &pieces, &AtomicBool::new(false), &mut |_| ()).expect("run");
    assert_eq!(recorded(&pieces.out.join("model.safetensors")), tiles);
    // Other variants, other last bits.
    let chosen = recorded(&dir.path().join("plain/model.safetensors"));
    assert!(chosen.is_empty(), "{chosen:?}");
    let others = learner.plan().problems().any(|p| p.heuristic(&Target::new(&device)) != "tile");
    assert_eq!(resumed.weights_sha256 != plain.weights_sha256, others);
}

#[test]
fn measured_once_the_same_bits_ever_after() {
    if device().is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let corpus = spec(dir.path(), "unused", &[]).data.paths[0].clone();
    let train = |name: &str| {
        let out = dir.path().join(name);
        let mut train = Command::new(env!("CARGO_BIN_EXE_train"));
        train
            .env("XDG_CACHE_HOME", dir.path().join("cache"))
            .args(["--tune", "--preset", "tiny", "--split", "kfold:3:1", "--data"])
            .arg(&corpus);
        for set in ["image.size=32", "train.batch=8", "train.stages=single", "stage.single.epochs=1"] {
            train.args(["--set", set]);
        }
        let done = train.arg("--out").arg(&out).output().expect("train starts");
        let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{text}");
        let line = text.lines().find(|l| l.contains("tuning: ")).expect("a line").to_string();
        let model = out.join("model.safetensors");
        (line, file::sha256(&file::read(&model).expect("model").0), recorded(&model))
    };
    let (first, second) = (train("first"), train("second"));
    assert!(!first.0.contains(" 0 measured now") && first.0.contains(" 0 before"), "{}", first.0);
    assert!(second.0.contains(" 0 measured now"), "{}", second.0);
    assert_eq!((&first.1, &first.2), (&second.1, &second.2));
    assert!(first.2.len() > 10, "{:?}", first.2);
    // A damaged cache is measured anew.
    std::fs::write(dir.path().join("cache/emotone/tuned.json"), "{ half").expect("write");
    assert!(train("third").0.contains(" 0 before"));
}
