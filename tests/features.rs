//! Front ends of sequences and vectors, and the denoiser, against numbers of an independent double-precision implementation (NumPy, SciPy,
//! librosa 0.11) in `fixtures/features`, made from the recordings beside them: two voices with pauses, one with noise, one overdriven, one
//! shorter than a frame, silence.

mod common;

use emotone::audio;
use emotone::frontend::sequence::remove_silence;
use emotone::frontend::{Denoise, Extractor, Inputs, berouti};
use emotone::train::config::Config;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

const NAMES: [&str; 5] = ["voice", "noisy", "loud", "short", "silent"];
/// Frames of the sequences.
const FRAMES: usize = 6;

/// What the other implementation says of a recording.
#[derive(Deserialize)]
struct Expected {
    /// Samples left when silence is removed.
    kept: usize,
    /// Features of the first frames, without the very first and the last.
    sequence: Vec<Vec<f64>>,
    vector: Vec<f64>,
    /// The first 6000 of so many samples without noise.
    denoised: Vec<i32>,
    samples: usize,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/features")
}

fn expected() -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).expect("numbers");
    serde_json::from_str(&text).expect("JSON")
}

fn clip(name: &str) -> Vec<f32> {
    audio::load(&fixtures().join(format!("{name}.wav"))).expect("recording").samples
}

fn config() -> Config {
    let mut config = Config::preset("paper").expect("preset");
    config.set(&format!("sequence.frames={FRAMES}")).expect("setting");
    config
}

fn sequences() -> Inputs {
    let c = config();
    Inputs::Sequences(c.frontend, c.sequence)
}

fn vectors() -> Inputs {
    let c = config();
    Inputs::Vectors(c.frontend, c.vector)
}

/// Largest difference, after each feature has been divided by the largest of its values (of at least 0.01).
fn apart(got: &[f32], want: &[f64], features: usize) -> (f64, usize) {
    assert_eq!(got.len(), want.len());
    let largest = |f: usize| want.iter().skip(f).step_by(features).fold(0.01, |m: f64, v| m.max(v.abs()));
    let error = |i: usize| (f64::from(got[i]) - want[i]).abs() / largest(i % features);
    let worst = (0..got.len()).max_by(|a, b| error(*a).total_cmp(&error(*b))).expect("values");
    (error(worst), worst)
}

#[test]
fn sequences_are_those_of_the_reference() {
    let Some(device) = common::device() else { return };
    let config = config();
    let clips = NAMES.map(clip);
    let got = Extractor::new(&device, &sequences()).extract(&clips).expect("sequences");
    for ((name, clip), got) in NAMES.iter().zip(&clips).zip(&got) {
        let want = &expected()[*name];
        let s = &config.sequence;
        assert_eq!(remove_silence(clip, 16_000, s.silence_threshold, s.min_silence).len(), want.kept, "{name}");
        let (error, at) = apart(got, &want.sequence.concat(), 34);
        println!("{name}: {error:.1e} at frame {} feature {}", at / 34, at % 34);
        assert!(error < 2e-4, "{name}: {error:.1e} at frame {} feature {}", at / 34, at % 34);
        let filled = want.sequence.iter().filter(|f| f.iter().any(|v| *v != 0.0)).count();
        assert!(got[filled * 34..].iter().all(|v| *v == 0.0), "{name}: frames that are not there");
    }
}

#[test]
fn vectors_are_those_of_the_reference() {
    let Some(device) = common::device() else { return };
    let got = Extractor::new(&device, &vectors()).extract(&NAMES.map(clip)).expect("vectors");
    for (name, got) in NAMES.iter().zip(&got) {
        // Slopes and deviations are compared with the largest of their kind.
        let want = &expected()[*name].vector;
        for (kind, range) in [("means", 0..13), ("slopes", 13..39), ("deviations", 39..52), ("deviations of slopes", 52..78)] {
            let (error, at) = apart(&got[range.clone()], &want[range], 1);
            println!("{name}: {kind} {error:.1e}");
            assert!(error < 2e-5, "{name}: {kind} {error:.1e} at {at}");
        }
    }
}

/// Every sample within one of the reference's, and nearly all the same.
#[test]
fn denoised_samples_are_those_of_the_reference() {
    for (name, want) in expected() {
        let got = berouti(&clip(&name), 16_000).expect("samples");
        assert_eq!(got.len(), want.samples, "{name}");
        let off: Vec<f32> = got.iter().zip(&want.denoised).map(|(g, w)| (g * 32768.0 - *w as f32).abs()).filter(|d| *d != 0.0).collect();
        assert!(off.iter().all(|d| *d == 1.0) && off.len() * 100 <= got.len(), "{name}: {} samples differ", off.len());
    }
    let tiny = [0.25; 319];
    assert_eq!(berouti(&tiny, 16_000).expect("samples"), tiny, "less than a frame");
}

/// Noise is taken out of what every front end sees, and a clip's input does not depend on its neighbours or their order.
#[test]
fn denoising_reaches_every_input_and_neighbours_do_not() {
    let Some(device) = common::device() else { return };
    let clips = NAMES.map(clip);
    let images = Inputs::Images(config().frontend, Config::preset("tiny").expect("preset").image);
    for inputs in [images, sequences(), vectors()] {
        let mut plain = Extractor::new(&device, &inputs);
        let together = plain.extract(&clips).expect("inputs");
        let mut backwards = plain.extract(&clips.iter().rev().collect::<Vec<_>>()).expect("inputs");
        backwards.reverse();
        assert_eq!(together, backwards);
        assert_eq!(plain.extract(&clips[1..2]).expect("inputs")[0], together[1]);
        assert!(together.iter().all(|x| x.len() == inputs.shape().iter().product::<usize>() && x.iter().all(|v| v.is_finite())));
        let mut denoised = inputs.clone();
        let (Inputs::Images(f, _) | Inputs::Sequences(f, _) | Inputs::Vectors(f, _)) = &mut denoised else { unreachable!() };
        f.denoise = Denoise::Berouti;
        let cleaned = Extractor::new(&device, &denoised).extract(&clips[1..2]).expect("inputs");
        let by_hand = plain.extract(&[berouti(&clips[1], 16_000).expect("samples")]).expect("inputs");
        assert!(cleaned != together[1..2] && cleaned == by_hand, "{}", inputs.describe());
    }
}
