//! Learning rates of their own for a pretrained trunk and its blocks.

mod common;

use common::{device, recipe};
use emotone::graph::Var;
use emotone::models::{Input, Network, Settings, register};
use emotone::nn::{Context, Weights, layers};
use emotone::ops;
use emotone::reference::noise;
use emotone::train::config::Config;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::step::{Batch, Step};
use serde::{Deserialize, Serialize};

/// Three linear layers on eight averages of an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layered {}

impl Settings for Layered {
    const NAME: &'static str = "layered";
    fn preset(_: &str) -> Self {
        Layered {}
    }
}

impl Network for Layered {
    fn input(&self) -> Input {
        Input::Image
    }
    fn features(&self, cx: &mut Context, x: Var) -> emotone::Result<Var> {
        let batch = cx.g.shape(x)[0];
        let x = ops::reshape(cx.g, x, [batch, 8, 128])?;
        let mut x = ops::mean(cx.g, x, 2)?;
        for name in ["stem", "blocks.0", "blocks.1"] {
            x = cx.scoped(name, |cx| layers::linear(cx, x, 8, true))?;
        }
        Ok(x)
    }
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> emotone::Result<Var> {
        layers::linear(cx, features, outputs, true)
    }
    fn blocks_above(&self, parameter: &str) -> usize {
        if parameter.contains("stem") { 2 } else { usize::from(parameter.contains("blocks.0")) }
    }
}

/// The weights after `updates` updates of four rows, and those before.
fn learnt(sets: &[&str], updates: usize) -> Option<(Weights, Weights)> {
    let device = device()?;
    register::<Layered>();
    let mut config = Config::preset("tiny").expect("preset");
    let all = ["model.name=layered", "image.size=32", "train.batch=4", "train.weight_decay=0", "train.ema=0", "stage.single.augment=false"];
    for s in all.iter().chain(sets) {
        config.set(s).expect("setting");
    }
    config.check().expect("configuration");
    let micro = config.train.micro_batches;
    let recipe = recipe(config);
    let mut learner = Learner::new(&device, &recipe, &recipe.config.stage["single"], Source::Raw, &Weights::new()).expect("learner");
    let before = learner.weights().expect("weights");
    let rows = 4 / micro;
    let part = |m: usize| {
        let x = noise(7 + m as u64, rows * 32 * 32).iter().map(|&v| v as f32).collect();
        let emotion = (0..rows * 4).map(|i| f32::from(u8::from(i % 4 == i / 4 % 4))).collect();
        Batch { x, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }
    };
    let parts: Vec<Batch> = (0..micro).map(part).collect();
    for _ in 0..updates {
        learner.update(&parts, 1e-2).and_then(Step::done).expect("update");
    }
    Some((before, learner.weights().expect("weights")))
}

/// How far each parameter has moved in all.
fn moved((before, after): &(Weights, Weights)) -> impl Iterator<Item = (&str, f64)> {
    let apart = |name: &String| after[name].1.iter().zip(&before[name].1).map(|(a, b)| f64::from((a - b).abs())).sum();
    before.keys().map(move |name| (name.as_str(), apart(name)))
}

/// One update of any rule moves a weight by the learning rate times what does not depend on it.
#[test]
fn the_trunk_and_its_blocks_learn_at_their_own_rates() {
    for optimiser in ["adamw", "sgd", "rmsprop"] {
        for micro in ["train.micro_batches=1", "train.micro_batches=2"] {
            let rule = format!("train.optimiser={optimiser}");
            let Some(plain) = learnt(&[&rule, micro], 1) else { return };
            let slow = ["stage.single.lr=1e-2", "stage.single.trunk_lr=5e-3", "stage.single.layer_decay=0.25"];
            let slow = learnt(&[&slow[..], &[rule.as_str(), micro]].concat(), 1).expect("a device");
            let mut met = 0;
            for ((name, whole), (_, part)) in moved(&plain).zip(moved(&slow)).filter(|((name, _), _)| !name.starts_with("speaker")) {
                let factor = match name {
                    _ if name.contains("stem") => 0.5 / 16.0,
                    _ if name.contains("blocks.0") => 0.5 / 4.0,
                    _ if name.contains("blocks.1") => 0.5,
                    _ => 1.0,
                };
                assert!(whole > 1e-6, "{optimiser}: {name} does not move");
                // Weights of about 0.3 are rounded to 3e-8; the smallest moves are of some millionths.
                let error = (part / whole / factor - 1.0).abs();
                assert!(error < 0.02, "{optimiser}, {micro}: {name} moves by {part:e}, not {factor} of {whole:e}");
                met += usize::from(factor < 1.0);
            }
            assert_eq!(met, 6, "parameters of the trunk");
        }
    }
}

#[test]
fn a_rate_that_is_the_stage_s_changes_no_bit() {
    let Some(plain) = learnt(&["stage.single.lr=2e-3"], 3) else { return };
    let same = learnt(&["stage.single.lr=2e-3", "stage.single.trunk_lr=2e-3"], 3).expect("a device");
    assert!(plain.1 == same.1);
    let other = learnt(&["stage.single.lr=2e-3", "stage.single.trunk_lr=1e-3"], 3).expect("a device");
    assert!(plain.1 != other.1);
}

#[test]
fn rates_out_of_range_are_refused() {
    for (set, part) in [
        ("stage.single.trunk_lr=20", "stage.single.trunk_lr = 20: must be 0, for that of the stage"),
        ("stage.single.layer_decay=0", "stage.single.layer_decay = 0: allowed is 0.01 to 1"),
    ] {
        let mut config = Config::preset("tiny").expect("preset");
        config.set(set).expect("setting");
        let error = config.check().expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
}
