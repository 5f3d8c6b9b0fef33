//! The speech encoder on batches of recordings of different length.

mod common;

use common::device;
use emotone::compile::{Options, Program, States};
use emotone::frontend::{Extractor, Frames, Inputs, frames};
use emotone::gpu::Device;
use emotone::graph::Graph;
use emotone::models::encoder::{Encoder, Pooling};
use emotone::models::{Network, Settings};
use emotone::nn::{Context, Params};
use emotone::reference::noise;
use emotone::train::config::Config;
use std::sync::Arc;

/// An encoder of two heads with starting weights.
fn encoder(pooling: Pooling) -> Encoder {
    Encoder { width: 128, taps: vec![0, 1, 2], pooling, ..Encoder::preset("tiny") }
}

/// Features of clips as one batch with room for `room` frames. Behind each clip is the frame of zeros that convolutions see at its end, and
/// behind that `garbage`. Memory holds NaN beforehand.
fn batch(device: &Arc<Device>, net: &Encoder, clips: &[&[f32]], room: usize, garbage: f32) -> Vec<Vec<f32>> {
    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let (x, lengths) = (g.input("x", [clips.len(), room, frames::BANDS]), g.input("lengths", [clips.len()]));
    let mut cx = Context::new(&mut g, &mut params, false);
    cx.lengths = Some(lengths);
    let features = net.features(&mut cx, x).expect("graph");
    g.output("features", features);
    let mut states = States::new(device);
    params.allocate(&mut states).expect("memory");
    params.upload(&states, &params.initial(5), true).expect("weights");
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).expect("program");
    let mut rows = vec![garbage; clips.len() * room * frames::BANDS];
    for (row, clip) in rows.chunks_mut(room * frames::BANDS).zip(clips) {
        row[..clip.len()].copy_from_slice(clip);
        row.iter_mut().skip(clip.len()).take(frames::BANDS).for_each(|v| *v = 0.0);
    }
    program.write("x", &rows).expect("inputs");
    program.write_u32("lengths", &clips.iter().map(|c| (c.len() / frames::BANDS) as u32).collect::<Vec<_>>()).expect("lengths");
    program.run().expect("run");
    assert_eq!(program.overruns().expect("sentinels"), 0);
    let made = program.read("features").expect("features");
    made.chunks(made.len() / clips.len()).map(<[f32]>::to_vec).collect()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |m: f32, (a, b)| if (a - b).is_nan() { f32::INFINITY } else { m.max((a - b).abs()) })
}

#[test]
fn a_clips_answer_does_not_depend_on_its_batch() {
    let Some(device) = device() else { return };
    let lengths = [64, 10, 96, 2, 38, 96];
    let clip = |i: usize| noise(i as u64, lengths[i] * frames::BANDS).iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let clips: Vec<Vec<f32>> = (0..lengths.len()).map(clip).collect();
    let all: Vec<&[f32]> = clips.iter().map(Vec::as_slice).collect();
    let backwards: Vec<&[f32]> = all.iter().rev().copied().collect();
    for pooling in [Pooling::Statistics, Pooling::Attention] {
        let net = encoder(pooling);
        let together = batch(&device, &net, &all, 96, 0.0);
        let longer = batch(&device, &net, &backwards, 128, 50.0);
        for (i, clip) in all.iter().enumerate() {
            let alone = &batch(&device, &net, &[clip], lengths[i], 0.0)[0];
            assert!(alone.iter().any(|v| v.abs() > 0.1));
            for (name, other) in [("in a batch", &together[i]), ("in another batch", &longer[lengths.len() - 1 - i])] {
                let error = apart(alone, other);
                assert!(error < 1e-4, "{pooling:?}: a clip of {} frames differs by {error} {name}", lengths[i]);
            }
        }
        assert!(apart(&together[2], &together[5]) > 1e-3, "clips are told apart");
    }
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
