#![allow(dead_code, reason = "no test file uses all of it")]
//! What several test files share: the device, a small run, and a recipe without data.

pub mod asking;
pub mod frames;

use emotone::data::synth::{self, SynthConfig};
use emotone::gpu::{AdapterRequest, Device};
use emotone::train::config::Config;
use emotone::train::dataset::DataSpec;
use emotone::train::recipe::Recipe;
use emotone::train::run::RunSpec;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A device of its own; `None` has said why and skips.
pub fn device() -> Option<Arc<Device>> {
    emotone::check::open(&AdapterRequest::from_env())
}

/// A corpus of 48 clips in `dir` and a run over it that takes seconds.
pub fn spec(dir: &Path, out: &str, sets: &[&str]) -> RunSpec {
    let corpus = dir.join("corpus");
    if !corpus.exists() {
        let clips = synth::synthesise(&SynthConfig { speakers: 6, clips_per_emotion_per_speaker: 2, seed: 3 });
        synth::write(&clips, &corpus).expect("corpus");
    }
    let mut config = Config::preset("tiny").expect("preset");
    let small = ["image.size=32", "train.batch=8", "stage.voiceprint.epochs=2", "stage.emotion.epochs=1", "stage.finetune.epochs=2"];
    for s in small.iter().chain(sets) {
        config.set(s).expect("setting");
    }
    let data = DataSpec { paths: vec![corpus], split: "kfold:3:1".into(), ..DataSpec::default() };
    RunSpec { save_every: Duration::from_secs(3600), ..RunSpec::new(config, data, dir.join(out)) }
}

/// The recipe of a configuration for 4 classes and 3 speakers.
pub fn recipe(config: Config) -> Recipe {
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    Recipe::untrained(config, &names(4), &names(3)).expect("recipe")
}

/// The largest difference; infinite where one is not a number.
pub fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |m: f32, (a, b)| if (a - b).is_nan() { f32::INFINITY } else { m.max((a - b).abs()) })
}
