//! The speech encoder: batches of recordings of different length, and frames and features against numbers of an independent implementation in
//! double precision (NumPy, librosa 0.11, PyTorch) in `fixtures/features/frames.json`, made from the recordings beside it.

mod common;

use common::frames::Heard;
use common::{apart, device};
use emotone::audio;
use emotone::compile::{Options, Program, States};
use emotone::frontend::{Extractor, Frames, Inputs, frames};
use emotone::gpu::Device;
use emotone::graph::Graph;
use emotone::models::encoder::{Encoder, Pooling};
use emotone::models::rocket::Rocket;
use emotone::models::{Network, Settings};
use emotone::nn::{Context, Params, Weights};
use emotone::reference::noise;
use emotone::train::config::Config;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// An encoder of two heads with starting weights.
fn encoder(pooling: Pooling) -> Encoder {
    Encoder { width: 128, taps: vec![0, 1, 2], pooling, ..Encoder::preset("tiny") }
}

/// Features of clips as one batch, see [`Heard::features`].
fn batch(device: &Arc<Device>, net: &Encoder, clips: &[&[f32]], room: usize, garbage: f32) -> Vec<Vec<f32>> {
    Heard { device, net, weights: |params| params.initial(5) }.features(clips, (room, garbage), true)
}

#[test]
fn a_clips_answer_does_not_depend_on_its_batch() {
    let Some(device) = device() else { return };
    let cases =
        [(Pooling::Statistics, false, 0), (Pooling::Attention, false, 0), (Pooling::Statistics, true, 0), (Pooling::Statistics, false, 16)];
    for (pooling, within, kernels) in cases {
        let net = Encoder { within, kernels, ..encoder(pooling) };
        // Kernels hear eight frames as one at their lowest rate.
        let per = if kernels > 0 { 8 } else { 2 };
        Heard { device: &device, net: &net, weights: |params| params.initial(5) }
            .does_not_depend_on_the_batch([64, 10, 96, 2, 38, 96], per);
    }
}

/// Kernels beside the encoder say what a network of the same kernels alone does, behind what the encoder says.
#[test]
fn kernels_hear_the_frames_beside_it() {
    let Some(device) = device() else { return };
    let plain = encoder(Pooling::Statistics);
    let clip: Vec<f32> = noise(4, 44 * frames::BANDS).iter().map(|&v| v as f32).collect();
    let heard = |net: &dyn Network, weights| Heard { device: &device, net, weights }.features(&[&clip], (64, 7.0), true).remove(0);
    let own = heard(&plain, |params| params.initial(5));
    let both = heard(&Encoder { kernels: 16, ..plain.clone() }, |params| params.initial(5));
    let rocket = Rocket { kernels: 16, rates: 4, length: 9, ..Rocket::preset("tiny") };
    let alone = heard(&rocket, |params| {
        let mut known = Params::new(|_| false);
        let mut g = Graph::new();
        let x = g.input("x", [1, 64, frames::BANDS]);
        let net = Encoder { kernels: 16, ..encoder(Pooling::Statistics) };
        net.features(&mut Context::new(&mut g, &mut known, false), x).expect("graph");
        let theirs = known.initial(5);
        params.list().iter().map(|p| (p.name.clone(), theirs[&format!("kernels.{}", p.name)].clone())).collect()
    });
    assert!(both == [own, alone.clone()].concat() && alone.len() == 32 && alone.iter().any(|v| *v > 0.1), "{} values", both.len());
}

/// What blocks compute within is pooled behind their hidden state: read beside the features, and pooled here.
#[test]
fn what_is_within_is_pooled() {
    let Some(device) = device() else { return };
    let net = Encoder { within: true, ..encoder(Pooling::Statistics) };
    let (room, frames_of) = (40, [40, 26]);
    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let (x, lengths) = (g.input("x", [2, room, frames::BANDS]), g.input("lengths", [2]));
    let mut cx = Context::new(&mut g, &mut params, false);
    cx.lengths = Some(lengths);
    let features = net.features(&mut cx, x).expect("graph");
    let names = ["hidden.0", "hidden.1", "attended.1", "activated.1", "hidden.2", "attended.2", "activated.2"];
    let marks: Vec<_> = names.iter().map(|name| cx.marks()[*name]).collect();
    names.iter().zip(marks).for_each(|(name, value)| g.output(name, value));
    g.output("features", features);
    let mut states = States::new(&device);
    params.allocate(&mut states).expect("memory");
    params.upload(&states, &params.initial(5), true).expect("weights");
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
    let mut rows: Vec<f32> = noise(3, 2 * room * frames::BANDS).iter().map(|&v| v as f32).collect();
    rows[(room + frames_of[1]) * frames::BANDS..].fill(0.0);
    program.write("x", &rows).expect("inputs");
    program.write_u32("lengths", &frames_of.map(|n| n as u32)).expect("lengths");
    program.run().expect("run");
    let mut wanted = vec![Vec::new(); 2];
    for name in names {
        let values = program.read(name).expect("values");
        let width = values.len() / room;
        for (clip, own) in values.chunks(values.len() / 2).enumerate() {
            let valid = frames_of[clip] / 2;
            let column = |c: usize| (0..valid).map(move |t| f64::from(own[t * width + c]));
            let mean = |c: usize| column(c).sum::<f64>() / valid as f64;
            let deviation = |c: usize| (column(c).map(|v| (v - mean(c)).powi(2)).sum::<f64>() / valid as f64).sqrt();
            wanted[clip].extend((0..width).map(|c| mean(c) as f32));
            wanted[clip].extend((0..width).map(|c| deviation(c) as f32));
        }
    }
    let made = program.read("features").expect("features");
    let error = apart(&made, &wanted.concat());
    assert!(made.len() == 2 * 2 * (3 * 128 + 2 * (128 + 256)) && error < 1e-4, "{} values, {error}", made.len());
}

/// Without lengths all frames are valid.
#[test]
fn no_lengths_are_whole_lengths() {
    let Some(device) = device() else { return };
    let net = encoder(Pooling::Statistics);
    let clip: Vec<f32> = noise(1, 40 * frames::BANDS).iter().map(|&v| v as f32).collect();
    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let x = g.input("x", [1, 40, frames::BANDS]);
    let features = net.features(&mut Context::new(&mut g, &mut params, false), x).expect("graph");
    g.output("features", features);
    let mut states = States::new(&device);
    params.allocate(&mut states).expect("memory");
    params.upload(&states, &params.initial(5), true).expect("weights");
    let program = Program::new(&g, &states, Options::default()).expect("program");
    program.write("x", &clip).expect("inputs");
    program.run().expect("run");
    let error = apart(&program.read("features").expect("features"), &batch(&device, &net, &[&clip], 40, 0.0)[0]);
    assert!(error < 1e-5, "{error}");
}

/// Frames of recordings do not depend on the recordings they are extracted with, and there are as many as a recording has.
#[test]
fn frames_do_not_depend_on_neighbours() {
    let Some(device) = device() else { return };
    let frontend = Config::preset("paper").expect("preset").frontend;
    let lengths = [9000, 1, 16_001, 3999, 40_000];
    let clips: Vec<Vec<f32>> =
        lengths.iter().enumerate().map(|(i, &n)| noise(i as u64, n).iter().map(|&v| 0.1 * v as f32).collect()).collect();
    let mut extractor = Extractor::new(&device, &Inputs::Frames(frontend, Frames { seconds: 2.0 }));
    let together = extractor.extract(&clips).expect("frames");
    for (i, clip) in clips.iter().enumerate() {
        let own = ((lengths[i] + 1600) / 320 * 2).min(200);
        assert_eq!(together[i].len(), own * frames::BANDS, "{} samples", lengths[i]);
        assert!(extractor.extract(&[clip]).expect("frames")[0] == together[i], "a neighbour changes the frames of {} samples", lengths[i]);
    }
    let silent = &extractor.extract(&[vec![0.0; 5000]]).expect("frames")[0];
    assert!(silent.iter().all(|v| (v + 1.5).abs() < 1e-6), "silence is 1e-10 throughout: (-10 + 4) / 4");
}

/// What the other implementation says of a recording.
#[derive(Deserialize)]
struct Expected {
    frames: usize,
    /// Bands of some frames, by the frames' numbers.
    rows: BTreeMap<usize, Vec<f64>>,
    /// Means and deviations of three hidden states, with the weights of [`waves`].
    #[serde(default)]
    pooled: Vec<f64>,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/features").join(name)
}

/// Weights that are easily written down twice: `sin(0.37 i² + k)` for element i of the k-th parameter by name, scaled.
fn waves(params: &Params) -> Weights {
    let mut list: Vec<_> = params.list().iter().collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    let values = |k: usize, name: &str, shape: &emotone::graph::Shape| -> Vec<f32> {
        let wave = |i: usize| (0.37 * (i as f64 * i as f64) + k as f64).sin();
        let fan = shape.elements() as f64 / shape[0] as f64;
        let value = |i: usize| match name {
            _ if name.contains("embed") => 0.3 * wave(i),
            _ if shape.rank() > 1 => 1.4 * wave(i) / fan.sqrt(),
            _ if name.contains("norm") && name.ends_with("weight") => 1.0 + 0.1 * wave(i),
            _ => 0.1 * wave(i),
        };
        (0..shape.elements()).map(|i| value(i) as f32).collect()
    };
    list.iter().enumerate().map(|(k, p)| (p.name.clone(), (p.shape.clone(), values(k, &p.name, &p.shape)))).collect()
}

#[test]
fn frames_and_features_are_those_of_an_independent_implementation() {
    let Some(device) = device() else { return };
    let text = std::fs::read_to_string(fixture("frames.json")).expect("numbers");
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(expected.len(), 5);
    let frontend = Config::preset("paper").expect("preset").frontend;
    let mut extractor = Extractor::new(&device, &Inputs::Frames(frontend, Frames { seconds: 30.0 }));
    let away = |got: &[f32], want: &[f64]| got.iter().zip(want).fold(0.0, |m: f64, (g, w)| m.max((f64::from(*g) - w).abs()));
    for (name, want) in &expected {
        let clip = audio::load(&fixture(&format!("{name}.wav"))).expect("recording").samples;
        let mel = extractor.extract(&[clip]).expect("frames").remove(0);
        assert_eq!(mel.len(), want.frames * frames::BANDS, "{name}");
        for (t, row) in &want.rows {
            let error = away(&mel[t * frames::BANDS..][..frames::BANDS], row);
            assert!(error < 1e-4, "{name}: frame {t} differs by {error}");
        }
        if !want.pooled.is_empty() {
            let heard = Heard { device: &device, net: &encoder(Pooling::Statistics), weights: waves };
            let made = heard.features(&[&mel], (want.frames, 0.0), true).remove(0);
            let error = away(&made, &want.pooled);
            assert!(made.len() == want.pooled.len() && error < 1e-4, "{name}: features differ by {error}");
        }
    }
}
