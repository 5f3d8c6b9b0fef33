//! A network of one's own, from outside the crate, trained by the library's trainer on the built-in corpus and asked from its file.
//!
//!     cargo run --release --example own_network

use anyhow::Result;
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::Var;
use emotone::models::{Input, Network, Settings, register};
use emotone::nn::{Context, layers};
use emotone::ops::{self, PoolSpec};
use emotone::train::{config::Config, dataset::DataSpec, predictor::Predictor, run};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::atomic::AtomicBool};

/// `[model]` with `name = "own"`: two convolutions and a linear layer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    width: usize,
}

impl Settings for Own {
    const NAME: &'static str = "own";
    fn preset(size: &str) -> Self {
        Own { width: if size == "tiny" { 8 } else { 32 } }
    }
}

impl Network for Own {
    fn input(&self) -> Input {
        Input::Image
    }
    fn features(&self, cx: &mut Context, mut x: Var) -> emotone::Result<Var> {
        for (name, width) in [("conv1", self.width), ("conv2", 2 * self.width)] {
            x = cx.scoped(name, |cx| layers::conv2d(cx, x, layers::Conv::new(width, 3).padding(1)))?;
            x = cx.scoped("norm", |cx| cx.scoped(name, |cx| layers::batch_norm(cx, x, true)))?;
            x = ops::max_pool2d(cx.g, x, PoolSpec::new([4, 4], [4, 4], [0, 0]))?;
        }
        Ok(x)
    }
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> emotone::Result<Var> {
        self.auxiliary(cx, features, outputs)
    }
}

fn main() -> Result<()> {
    register::<Own>();
    let device = Device::open(&AdapterRequest::from_env())?;
    let mut config = Config::preset("tiny")?;
    ["model.name=own", "train.stages=single", "stage.single.epochs=8"].iter().try_for_each(|s| config.set(s))?;
    let out: PathBuf = std::env::args().nth(1).unwrap_or("runs/own".into()).into();
    let spec = run::RunSpec::new(config, DataSpec::default(), &out);
    let result = run::run(&device, &spec, &AtomicBool::new(false), &mut |_| ())?;
    println!("recall {:.3} on speakers it never heard", result.test.and_then(|t| t.uar).unwrap_or(f64::NAN));
    let mut model = Predictor::load(&device, &out.join("model.safetensors"), 1)?;
    println!("of silence it says {:?} for {:?}", model.predict(&[[0.0; 16_000]])?[0].probabilities, model.classes());
    Ok(())
}
