//! `parity encoder forward --encoder E --wav IN --out OUT [--blocks 4]`: what a speech encoder makes of a recording: `mel` (80, T), `hidden.0`
//! (behind convolutions and positions) to `hidden.N` (behind block N) as (T/2, D), and `pooled` (N+1, 2·D), means and deviations of each.
//!
//! `parity encoder bench --encoder E --batch 8 --seconds 3 --blocks 4 --steps 10`: the time of a gradient of all blocks (of the mean square of
//! the last one's statistics), and of an answer.
//!
//! E are Hugging Face's weights of any Whisper, as safetensors.

use crate::flags::Flags;
use crate::median::median;
use crate::{bench, case};
use anyhow::{Context as _, Result, bail};
use emotone::audio;
use emotone::compile::{Options, Program};
use emotone::frontend::{Extractor, Frames, Inputs, frames};
use emotone::gpu::Device;
use emotone::graph::{Graph, Shape, Var};
use emotone::models::Network;
use emotone::models::encoder::Encoder;
use emotone::nn::gradients::{self, GRADIENTS};
use emotone::nn::{Context, Params, Weights, file};
use emotone::ops;
use emotone::reference::noise;
use emotone::train::config::Config;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Does what the flags say.
pub fn run(mut flags: Flags, device: &Arc<Device>) -> Result<()> {
    let path = flags.path("encoder")?;
    let (weights, _) = file::read(&path)?;
    let blocks = flags.number("blocks", 4)?;
    let encoder = Encoder::fitting(&weights, blocks).with_context(|| path.display().to_string())?;
    let weights = encoder.import(&weights, &[]).with_context(|| path.display().to_string())?;
    match flags.what.as_str() {
        "forward" => {
            let (wav, out) = (flags.path("wav")?, flags.path("out")?);
            file::write(&out, &forward(device, encoder, &weights, &wav)?, &file::Metadata::new())?;
            Ok(())
        }
        "bench" => time(device, encoder, &weights, flags),
        other => bail!("{other:?} is not one of forward, bench"),
    }
}

/// An encoder in a graph.
struct Built {
    /// What the taps' statistics are.
    pooled: Var,
    /// Hidden states and others, by name.
    marks: BTreeMap<String, Var>,
    /// Parameters, by name.
    used: BTreeMap<String, Var>,
}

/// The encoder on inputs `x` (B, T, 80) of which `lengths` (B) frames are valid.
fn features(g: &mut Graph, params: &mut Params, encoder: &Encoder, [batch, frames]: [usize; 2]) -> Result<Built> {
    let x = g.input("x", [batch, frames, frames::BANDS]);
    let lengths = g.input("lengths", [batch]);
    let mut cx = Context::new(g, params, false);
    cx.lengths = Some(lengths);
    let pooled = encoder.features(&mut cx, x)?;
    Ok(Built { pooled, marks: cx.marks().clone(), used: cx.used().clone() })
}

fn forward(device: &Arc<Device>, encoder: Encoder, weights: &Weights, wav: &Path) -> Result<Weights> {
    let clip = audio::load(wav)?.samples;
    let most = Frames { seconds: encoder.positions as f64 / 50.0 };
    let inputs = Inputs::Frames(Config::preset("paper")?.frontend, most);
    let mel = Extractor::new(device, &inputs).extract(&[clip])?.remove(0);
    let t = mel.len() / frames::BANDS;
    let encoder = Encoder { taps: (0..=encoder.blocks).collect(), ..encoder };
    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let built = features(&mut g, &mut params, &encoder, [1, t])?;
    g.output("pooled", built.pooled);
    let hidden: Vec<(&String, &Var)> = built.marks.iter().filter(|(name, _)| name.starts_with("hidden.")).collect();
    hidden.iter().for_each(|(name, v)| g.output(name, **v));
    let program = Program::new(&g, &case::states(device, &params, weights)?, Options::default())?;
    program.write("x", &mel)?;
    program.write_u32("lengths", &[t as u32])?;
    program.run()?;
    let (bands, d) = (frames::BANDS, encoder.width);
    let upright = (0..bands * t).map(|i| mel[i % t * bands + i / t]).collect();
    let mut out = Weights::from([
        ("mel".to_string(), (Shape(vec![bands, t]), upright)),
        ("pooled".to_string(), (Shape(vec![encoder.blocks + 1, 2 * d]), program.read("pooled")?)),
    ]);
    for (name, _) in hidden {
        out.insert(name.clone(), (Shape(vec![t / 2, d]), program.read(name)?));
    }
    Ok(out)
}

fn time(device: &Arc<Device>, encoder: Encoder, weights: &Weights, mut flags: Flags) -> Result<()> {
    let (batch, steps) = (flags.number("batch", 8)?, flags.number("steps", 10)?);
    let seconds: f64 = flags.take("seconds").map_or(Ok(3.0), |v| v.parse().with_context(|| format!("--seconds {v}: must be a number")))?;
    let frames = 2 * ((seconds * 16_000.0) as usize / 320);
    let encoder = Encoder { taps: vec![encoder.blocks], ..encoder };
    let program = |trained: bool| -> Result<Program> {
        let (mut g, mut params) = (Graph::new(), Params::new(move |_| trained));
        let built = features(&mut g, &mut params, &encoder, [batch, frames])?;
        let squares = ops::mul(&mut g, built.pooled, built.pooled)?;
        let n = g.shape(squares).elements();
        let flat = ops::reshape(&mut g, squares, [n])?;
        let loss = ops::mean(&mut g, flat, 0)?;
        g.output("loss", loss);
        if trained {
            gradients::store_gradients(&mut g, &params, &built.used, loss)?;
        }
        let mut states = case::states(device, &params, weights)?;
        states.create(GRADIENTS, gradients::extent(&params))?;
        let program = Program::new(&g, &states, Options::default())?;
        program.write("x", &noise(1, batch * frames * frames::BANDS).iter().map(|&v| v as f32).collect::<Vec<_>>())?;
        program.write_u32("lengths", &vec![frames as u32; batch])?;
        Ok(program)
    };
    let mut seconds = [0.0; 2];
    for (seconds, trained) in seconds.iter_mut().zip([true, false]) {
        let program = program(trained)?;
        *seconds = median(bench::WARMUP, steps, || {
            program.run()?;
            program.read("loss")?;
            Ok(device.wait()?)
        })?;
    }
    bench::print("encoder", batch, device, seconds);
    Ok(())
}
