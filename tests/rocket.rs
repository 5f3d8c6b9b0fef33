//! Random convolutions: answers that do not depend on a clip's batch, features against sums in double precision, and a run that is solved.

mod common;

use common::frames::Heard;
use common::{device, spec};
use emotone::check::network::{tiny, verify};
use emotone::frontend::frames::BANDS;
use emotone::models::rocket::Rocket;
use emotone::models::{Network, Settings};
use emotone::nn::{Params, Weights};
use emotone::reference::noise;
use emotone::train::predictor::Predictor;
use emotone::train::run::run;
use std::sync::atomic::AtomicBool;

#[test]
fn it_does_what_networks_must() {
    let Some(device) = device() else { return };
    verify(&device, &tiny("rocket", &[]).expect("recipe")).unwrap_or_else(|e| panic!("{e}"));
}

fn weights(params: &Params) -> Weights {
    params.initial(5)
}

/// Whole and broken positions of the lowest rate, of eight frames each, and clips of less than one.
#[test]
fn a_clips_answer_does_not_depend_on_its_batch() {
    let Some(device) = device() else { return };
    let net = Rocket { rates: 4, ..Rocket::preset("tiny") };
    Heard { device: &device, net: &net, weights }.does_not_depend_on_the_batch([64, 10, 96, 2, 38, 96], 8);
}

/// Means and deviations of the positive part of each kernel's sums, on frames averaged by twos, computed here from the definition.
#[test]
fn features_are_those_of_the_definition() {
    let Some(device) = device() else { return };
    let net = Rocket { kernels: 6, rates: 2, length: 5, ..Rocket::preset("tiny") };
    let frames = 12;
    let clip: Vec<f32> = noise(7, frames * BANDS).iter().map(|&v| v as f32).collect();
    let got = &Heard { device: &device, net: &net, weights }.features(&[&clip], (frames, 0.0), true)[0];
    let mut params = Params::new(|_| false);
    let mut g = emotone::graph::Graph::new();
    let x = g.input("x", [1, frames, BANDS]);
    net.features(&mut emotone::nn::Context::new(&mut g, &mut params, false), x).expect("graph");
    let weights = weights(&params);
    let mut rows: Vec<Vec<f64>> = clip.chunks(BANDS).map(|f| f.iter().map(|v| (f64::from(*v) + 0.1) / 0.48).collect()).collect();
    let mut want = Vec::new();
    for rate in 0..2 {
        if rate == 1 {
            rows = rows.chunks(2).map(|two| two[0].iter().zip(&two[1]).map(|(a, b)| 0.5 * (a + b)).collect()).collect();
        }
        let [kernels, bias] = ["weight", "bias"].map(|name| &weights[&format!("rates.{rate}.{name}")].1);
        let (mut means, mut deviations) = (Vec::new(), Vec::new());
        for (kernel, bias) in kernels.chunks(5 * BANDS).zip(bias) {
            let at = |t: usize| {
                let tap = |j: usize| {
                    let Some(row) = (t + j).checked_sub(2).and_then(|t| rows.get(t)) else { return 0.0 };
                    row.iter().enumerate().map(|(f, v)| v * f64::from(kernel[j * BANDS + f])).sum::<f64>()
                };
                ((0..5).map(tap).sum::<f64>() + f64::from(*bias)).max(0.0)
            };
            let values: Vec<f64> = (0..rows.len()).map(at).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            means.push(mean);
            deviations.push((values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt());
        }
        want.extend(means.into_iter().chain(deviations));
    }
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(&want) {
        assert!((f64::from(*got) - want).abs() < 2e-5 * want.abs().max(1.0), "{got} is not {want}");
    }
}

/// It is solved on a corpus, tells its classes apart, and its file answers as the run did.
#[test]
fn a_run_is_solved_and_asked() {
    let Some(device) = device() else { return };
    let dir = tempfile::tempdir().expect("folder");
    let spec = spec(dir.path(), "run", &["model.name=rocket", "train.copies=[]"]);
    let report = run(&device, &spec, &AtomicBool::new(false), &mut |_| ()).expect("run");
    let uar = report.test.as_ref().and_then(|t| t.uar).expect("answers to test clips");
    assert!(uar > 0.5, "{uar}");
    let mut predictor = Predictor::load(&device, &dir.path().join("run/model.safetensors"), 4).expect("model");
    // Groups are centred where the targets say, not where clips happened to be answered.
    let level = 2.0 / predictor.classes().len() as f32 - 1.0;
    assert!(predictor.centre().expect("a centre").iter().all(|c| (c - level).abs() < 1e-6), "{:?}", predictor.centre());
    let said = predictor.predict(&[&[0.1f32; 16_000]]).expect("answer");
    assert_eq!(said[0].probabilities.len(), predictor.classes().len());
}
