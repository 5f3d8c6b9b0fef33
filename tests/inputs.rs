//! Networks that take sequences and vectors instead of images.

mod common;

use emotone::graph::Var;
use emotone::models::{Input, Network, Settings, register};
use emotone::nn::{Context, Weights, layers};
use emotone::train::config::{Config, Stage};
use emotone::train::inference::Inference;
use emotone::train::recipe::{Recipe, Source, io};
use emotone::{Error, Result, ops};
use serde::{Deserialize, Serialize};

/// A layer on every frame, and the mean over time.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frames {
    width: usize,
}

impl Settings for Frames {
    const NAME: &'static str = "frames";
    fn preset(_: &str) -> Self {
        Frames { width: 32 }
    }
}

impl Network for Frames {
    fn input(&self) -> Input {
        Input::Sequence
    }
    fn check(&self, shape: &[usize]) -> Result<()> {
        if shape.len() == 2 { Ok(()) } else { Err(Error::Config(format!("{shape:?} is no sequence"))) }
    }
    fn features(&self, _: &mut Context, x: Var) -> Result<Var> {
        Ok(x)
    }
    fn head(&self, cx: &mut Context, x: Var, outputs: usize) -> Result<Var> {
        let hidden = cx.scoped("hidden", |cx| layers::linear(cx, x, self.width, true))?;
        let hidden = ops::relu(cx.g, hidden)?;
        let mean = ops::mean(cx.g, hidden, 1)?;
        cx.scoped("out", |cx| layers::linear(cx, mean, outputs, true))
    }
}

/// A layer on a vector.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statistics {}

impl Settings for Statistics {
    const NAME: &'static str = "statistics";
    fn preset(_: &str) -> Self {
        Statistics {}
    }
}

impl Network for Statistics {
    fn input(&self) -> Input {
        Input::Vector
    }
    fn features(&self, _: &mut Context, x: Var) -> Result<Var> {
        Ok(x)
    }
    fn head(&self, cx: &mut Context, x: Var, outputs: usize) -> Result<Var> {
        layers::linear(cx, x, outputs, true)
    }
}

fn config(name: &str, sets: &[&str]) -> Result<Config> {
    register::<Frames>();
    register::<Statistics>();
    let mut config = Config::preset("tiny")?;
    for s in [&format!("model.name={name}"), "train.stages=single"].into_iter().chain(sets.iter().copied()) {
        config.set(s)?;
    }
    config.check()?;
    Ok(config)
}

fn recipe(name: &str) -> Recipe {
    common::recipe(config(name, &[]).expect("configuration"))
}

#[test]
fn shapes_follow_the_input_of_the_network() {
    let shape = |name: &str, sets: &[&str]| config(name, sets).expect("configuration").input_shape().expect("a shape");
    assert_eq!(shape("frames", &["sequence.frames=7"]), [7, 34]);
    assert_eq!(shape("statistics", &["vector.cepstra=20"]), [120]);
    assert_eq!(shape("res_trans", &["image.size=96"]), [1, 96, 96]);
    for (set, key) in
        [("sequence.frames=0", "sequence.frames"), ("sequence.hop=5000", "sequence.hop"), ("vector.n_fft=500", "power of two")]
    {
        let error = config("frames", &[set]).expect_err("refused").to_string();
        assert!(error.contains(key), "{error}");
    }
}

/// Features of frames are normalised each by its own mean and deviation; frames of zeros behind a clip stay zeros. Vectors stay as they are.
#[test]
fn frames_are_normalised_and_padding_stays_zero() {
    let Some(device) = common::device() else { return };
    let mut recipe = recipe("frames");
    assert_eq!((recipe.mean.len(), recipe.std.len()), (34, 34));
    recipe.mean = (0..34).map(|f| f as f32 - 10.0).collect();
    recipe.std = (0..34).map(|f| 0.5 + f as f32).collect();
    let frames = recipe.config.sequence.frames;
    // Own frames of one row are all of them, of another three, one of which is zero in all features but the last.
    let value = |t: usize, f: usize| ((31 * t + 7 * f) % 13) as f32 - 6.0;
    let row = |own: usize| -> Vec<f32> {
        let all = (0..frames).flat_map(|t| (0..34).map(move |f| (t, f)));
        all.map(|(t, f)| {
            if t >= own {
                0.0
            } else if own == 3 && t == 1 {
                f32::from(u8::from(f == 33)) * 1e-3
            } else {
                value(t, f)
            }
        })
        .collect()
    };
    let rows = [row(frames), row(3)];
    let ask = |recipe: &Recipe, rows: &[Vec<f32>]| {
        let weights: Weights = recipe.complete_weights(&Weights::new()).expect("weights");
        let inference = Inference::new(&device, recipe, &weights, 2, &[io::FEATURES], recipe.options()).expect("inference");
        inference.run(io::FEATURES, rows.len(), &|i| &rows[i]).expect("features")
    };
    for (n, (own, got)) in [frames, 3].into_iter().zip(ask(&recipe, &rows)).enumerate() {
        for (i, v) in got.iter().enumerate() {
            let (t, f) = (i / 34, i % 34);
            let want = if t < own { (rows[n][i] - recipe.mean[f]) / recipe.std[f] } else { 0.0 };
            assert!((v - want).abs() < 1e-5, "frame {t} feature {f}: {v}, not {want}");
        }
    }
    let vectors = self::recipe("statistics");
    assert!(vectors.mean.is_empty() && vectors.input_shape(Source::Raw).expect("shape") == [78]);
    let row: Vec<f32> = (0..78).map(|i| i as f32).collect();
    assert_eq!(ask(&vectors, std::slice::from_ref(&row)), [row]);
}

/// `augment = true` asks for nothing where inputs are no images.
#[test]
fn only_images_are_augmented() {
    let nodes = |name: &str, augment: bool| {
        let recipe = recipe(name);
        let stage = Stage { augment, ..recipe.config.stage("single").expect("stage").clone() };
        assert_eq!(recipe.augments(&stage), augment && name == "res_trans");
        assert_eq!(recipe.mixes(&stage), augment && name == "res_trans");
        let mut params = emotone::nn::Params::new(|_| true);
        recipe.training(&mut params, &stage, 2, Source::Raw).expect("graph").graph.nodes().len()
    };
    assert!(nodes("res_trans", true) > nodes("res_trans", false));
    assert_eq!(nodes("frames", true), nodes("frames", false));
    assert_eq!(nodes("statistics", true), nodes("statistics", false));
}

/// A recipe of another input travels in a model file, and one whose numbers do not fit its input is refused.
#[test]
fn recipes_of_other_inputs_survive_a_file() {
    for (name, parts) in [("frames", 34), ("statistics", 0)] {
        let recipe = recipe(name);
        let read = Recipe::from_metadata(&recipe.to_metadata().expect("text")).expect("a recipe");
        assert_eq!((read.config, read.mean.len()), (recipe.config.clone(), parts));
        let wrong = Recipe { mean: vec![0.0], std: vec![1.0], ..recipe };
        let told = Recipe::from_metadata(&wrong.to_metadata().expect("text")).expect_err("refused");
        assert!(told.contains(&format!("1 means and 1 standard deviations for {parts} ")), "{told}");
    }
}
