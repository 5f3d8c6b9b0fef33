//! The listener: answers that do not depend on a clip's batch, and training whose batch statistics count speech alone.

mod common;

use common::frames::Heard;
use common::{device, spec};
use emotone::check::network::{tiny, verify};
use emotone::frontend::frames::BANDS;
use emotone::models::Settings;
use emotone::models::listener::Listener;
use emotone::nn::{Params, Weights, file};
use emotone::reference::noise;
use emotone::train::config::Stage;
use emotone::train::dataset::Dataset;
use emotone::train::recipe::Source;
use emotone::train::rooms::Rooms;
use emotone::train::run::run;
use std::sync::atomic::AtomicBool;

#[test]
fn it_does_what_networks_must() {
    let Some(device) = device() else { return };
    verify(&device, &tiny("listener", &["model.dropout=0"]).expect("recipe")).unwrap_or_else(|e| panic!("{e}"));
}

/// Weights whose batch norms make something of zeros.
fn weights(params: &Params) -> Weights {
    let mut weights = params.initial(5);
    for (i, (name, (_, values))) in weights.iter_mut().enumerate() {
        let shift = noise(i as u64, values.len());
        if name.ends_with("norm.bias") || name.ends_with("running_mean") {
            values.iter_mut().zip(shift).for_each(|(v, s)| *v = 0.5 * s as f32);
        }
    }
    weights
}

#[test]
fn a_clips_answer_does_not_depend_on_its_batch() {
    let Some(device) = device() else { return };
    // Whole and broken positions, of four frames each.
    let net = Listener::preset("tiny");
    Heard { device: &device, net: &net, weights }.does_not_depend_on_the_batch([64, 10, 96, 4, 38, 96], 4);
}

/// The running means of the bands are those of the recordings' frames: no zeros behind them count.
#[test]
fn batch_statistics_count_speech_alone() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let sets = ["model.name=listener", "train.stages=single", "stage.single.epochs=4", "stage.single.augment=false", "train.ema=0"];
    let spec = spec(dir.path(), "run", &sets);
    run(&device, &spec, &AtomicBool::new(false), &mut |_| ()).expect("run");
    let data = Dataset::prepare(&device, &spec.config, &spec.data, &mut |_| ()).expect("data");
    let rooms = Rooms::of(&spec.config.inputs().expect("inputs")).expect("frames");
    let clips: Vec<&Vec<f32>> = data.split.train.iter().map(|&i| &data.inputs[i]).collect();
    let empty = clips.iter().map(|c| 1.0 - rooms.frames(c) as f64 / rooms.room(c) as f64).sum::<f64>() / clips.len() as f64;
    assert!(empty > 0.05, "rooms have space behind clips: {empty}");
    let frames: Vec<&[f32]> = clips.iter().flat_map(|c| c.chunks(BANDS)).collect();
    let (weights, _) = file::read(&dir.path().join("run/model.safetensors")).expect("model");
    let steps = 4 * clips.len().div_ceil(8) as i32;
    let grown = 1.0 - 0.9f64.powi(steps);
    // What zeros change: all means by a factor.
    let (mut products, mut squares) = (0.0, 0.0);
    for (band, mean) in weights["norm.running_mean"].1.iter().enumerate() {
        let want = frames.iter().map(|f| f64::from(f[band])).sum::<f64>() / frames.len() as f64;
        products += want * f64::from(*mean) / grown;
        squares += want * want;
    }
    let factor = products / squares;
    assert!((factor - 1.0).abs() < 0.5 * empty, "means are {factor} of those of speech, and rooms are empty by {empty}");
}

/// Frames are augmented where the stage and the configuration ask for it, and repeated where they are.
#[test]
fn frames_are_augmented() {
    let nodes = |name: &str, warp: bool, augment: bool| {
        let recipe = tiny(name, &[&format!("augment.warp.prob={}", u8::from(warp)), "augment.spec_augment.time_masks=0"]).expect("recipe");
        let stage = Stage { augment, ..recipe.config.stage("single").expect("stage").clone() };
        let repeats = recipe.repeats(&stage).expect("network");
        assert_eq!(repeats, name == "listener" || (warp && augment), "{name} {warp} {augment}");
        let mut params = Params::new(|_| true);
        let built = recipe.training(&mut params, &stage, 4, Source::Frames(64)).expect("graph");
        built.graph.nodes().len()
    };
    for name in ["listener", "encoder"] {
        assert!(nodes(name, true, true) > nodes(name, false, true));
        assert!(nodes(name, false, true) > nodes(name, false, false));
        assert_eq!(nodes(name, true, false), nodes(name, false, false));
    }
}
