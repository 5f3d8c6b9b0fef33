//! Runs Res-Trans on images with given weights, to compare with another implementation.
//!
//!     cargo run --release --example parity -- --weights w.safetensors --images x.safetensors --out y.safetensors [--width 64 ...]
//!
//! Reads a tensor `images` (B, C, H, W), writes `features`, `emotion_logits` and `speaker_logits`; evaluation mode, no normalisation,
//! pre-norm encoder with the standard layer norm and no positional encoding.

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::{Graph, Shape};
use emotone::models::res_trans::ResTrans;
use emotone::models::{Position, SpeakerHead, Token};
use emotone::nn::transformer::EncoderLayer;
use emotone::nn::{Context, Params, Weights, file};
use emotone::ops::LayerNormMode;
use std::path::PathBuf;

#[derive(Parser)]
struct Args {
    /// Weights under PyTorch's names.
    #[arg(long)]
    weights: PathBuf,
    /// File with a tensor `images`.
    #[arg(long)]
    images: PathBuf,
    /// Where the results go.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 64)]
    width: usize,
    #[arg(long, default_value_t = 256)]
    size: usize,
    #[arg(long, default_value_t = 6)]
    depth: usize,
    #[arg(long, default_value_t = 8)]
    heads: usize,
    #[arg(long, default_value = "channel")]
    token: String,
    #[arg(long, default_value_t = 4)]
    classes: usize,
    #[arg(long, default_value_t = 10)]
    speakers: usize,
    #[arg(long, default_value_t = 16)]
    reduction: usize,
    #[arg(long, default_value_t = 1)]
    channels: usize,
}

fn main() -> Result<()> {
    let a = Args::parse();
    let token: Token = a.token.parse().map_err(anyhow::Error::msg)?;
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    let layer = EncoderLayer { heads: a.heads, ff: 32 * a.width, dropout: 0.0, norm_first: true, norm: LayerNormMode::Standard };
    let model = ResTrans {
        classes: a.classes,
        speakers: a.speakers,
        channels: a.channels,
        size: a.size,
        width: a.width,
        reduction: a.reduction,
        token,
        position: Position::None,
        depth: a.depth,
        layer,
        speaker_head: SpeakerHead::Flatten,
    };
    let (weights, _) = file::read(&a.weights)?;
    let (mut images, _) = file::read(&a.images)?;
    let (shape, pixels) = images.remove("images").with_context(|| format!("{}: no tensor `images`", a.images.display()))?;

    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let x = g.input("images", shape);
    let mut cx = Context::new(&mut g, &mut params, false);
    let features = model.features(&mut cx, x)?;
    let emotion = model.emotion(&mut cx, features)?;
    let speaker = model.speaker(&mut cx, features)?;
    let outputs = [("features", features), ("emotion_logits", emotion), ("speaker_logits", speaker)];
    for (name, v) in outputs {
        g.output(name, v);
    }
    if let Some(name) = weights.keys().find(|n| params.get(n).is_none() && !n.ends_with("num_batches_tracked")) {
        bail!("{}: tensor {name} belongs to no parameter", a.weights.display());
    }
    let mut states = States::new(&device);
    params.allocate(&mut states)?;
    params.upload(&states, &weights, true)?;
    let program = Program::new(&g, &states, Options::default())?;
    program.write("images", &pixels)?;
    program.run()?;
    let mut results = Weights::new();
    for (name, v) in outputs {
        let shape: Shape = g.shape(v).clone();
        results.insert(name.to_string(), (shape, program.read(name)?));
    }
    file::write(&a.out, &results, &file::Metadata::new())?;
    Ok(())
}
