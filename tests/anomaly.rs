//! Numbers that are not finite: training stops, says where they arose, and what it learned before is untouched.

mod common;

use common::{device, recipe};
use emotone::gpu::Device;
use emotone::nn::Weights;
use emotone::reference::noise;
use emotone::train::config::Config;
use emotone::train::learner::Learner;
use emotone::train::recipe::Source;
use emotone::train::step::{Batch, Step};
use std::sync::Arc;

fn learner(device: &Arc<Device>, weights: &Weights, micro: usize) -> Learner {
    let mut config = Config::preset("tiny").expect("preset");
    let micro = format!("train.micro_batches={micro}");
    for s in ["image.size=32", "train.batch=4", "stage.single.augment=false", &micro] {
        config.set(s).expect("setting");
    }
    let stage = config.stage["single"].clone();
    Learner::new(device, &recipe(config), &stage, Source::Raw, weights).expect("learner")
}

fn batch(parts: usize) -> Vec<Batch> {
    let rows = 4 / parts;
    let x: Vec<f32> = noise(3, rows * 32 * 32).iter().map(|&v| v as f32).collect();
    let emotion: Vec<f32> = (0..rows * 4).map(|i| f32::from(u8::from(i % 4 == i / 4 % 4))).collect();
    vec![Batch { x, targets: [("emotion".to_string(), emotion)].into(), ..Batch::default() }; parts]
}

/// What the update says about a network in which `name` holds one NaN.
fn complaint(device: &Arc<Device>, name: &str, parts: usize) -> String {
    let mut weights = learner(device, &Weights::new(), 1).weights().expect("weights");
    let values = &mut weights.get_mut(name).unwrap_or_else(|| panic!("no {name}")).1;
    let last = values.len() - 1;
    values[last] = f32::NAN;
    let mut l = learner(device, &weights, parts);
    l.update(&batch(parts), 1e-3).and_then(Step::done).expect_err("not finite").to_string()
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    let Some(device) = device() else { return };
    for (name, parts) in [("cnn.layer3.0.conv1.weight", 1), ("encoder.layers.0.linear1.bias", 2), ("head.weight", 1)] {
        let said = complaint(&device, name, parts);
        let scope = name.rsplit_once('.').expect("a scope").0;
        assert!(
            said.contains("update 1") && said.contains(&format!("state in {scope},")) && said.contains("first NaN at"),
            "{name}: {said}"
        );
    }
    let mut l = learner(&device, &Weights::new(), 1);
    let before = l.weights().expect("weights");
    let mut bad = batch(1);
    bad[0].x[77] = f32::INFINITY;
    let said = l.update(&bad, 1e-3).and_then(Step::done).expect_err("not finite").to_string();
    assert!(said.contains("input in") && said.contains("1 not finite, the first inf at 77"), "{said}");
    // The update that failed moved no weight, and a good batch goes on from there.
    let after = l.weights().expect("weights");
    assert!(before.iter().filter(|(n, _)| !n.contains("running_")).all(|(n, v)| v.1 == after[n].1));
}

#[test]
fn looking_at_every_value_changes_nothing_and_sees_what_the_loss_hides() {
    let Some(device) = device() else { return };
    let [mut plain, mut audited] = [false, true].map(|audit| {
        let mut l = learner(&device, &Weights::new(), 1);
        l.detect_anomaly = audit;
        l
    });
    for _ in 0..3 {
        let [a, b] = [&mut plain, &mut audited].map(|l| l.update(&batch(1), 1e-3).and_then(Step::done).expect("update"));
        assert_eq!((a.loss.to_bits(), a.norm.to_bits()), (b.loss.to_bits(), b.norm.to_bits()));
    }
    assert_eq!(plain.weights().expect("weights"), audited.weights().expect("weights"));
    // A target that is not finite for a class whose probability the loss multiplies: seen at the input.
    let mut bad = batch(1);
    bad[0].targets.get_mut("emotion").expect("targets")[2] = f32::NAN;
    let said = audited.update(&bad, 1e-3).and_then(Step::done).expect_err("not finite").to_string();
    assert!(said.contains("update 4") && said.contains("input in"), "{said}");
}
