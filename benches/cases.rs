//! The benchmarks: every kernel family and class of shapes that Res-Trans has on 256 x 256 images with 64 channels after the stem.

use super::case::{Case, Fill, Pass};
use emotone::Result;
use emotone::features::{image, log_mel, mel::filter_bank};
use emotone::graph::{Graph, StateRef, Var};
use emotone::nn::attention::attention;
use emotone::ops::{self, Conv2d, LayerNormMode, PoolSpec};
use emotone::train::config::Config;

/// Tokens of an image and their width.
const TOKENS: usize = 64;
const WIDTH: usize = 512;
const HEADS: usize = 8;
/// Parameters of the network, roughly.
const PARAMETERS: usize = 30_000_000;
/// Scalars of an AdamW step.
const HYPER: [f32; ops::HYPER] = [1e-3, 1e-2, 0.9, 0.999, 1e-8, 0.1, 1e-3, 1e-3];
/// Samples of a clip: three seconds.
const SAMPLES: usize = 48_000;

/// All cases, on batches of `batch` images.
pub fn cases(batch: usize) -> Result<Vec<Case>> {
    let mut all = Vec::new();
    products(&mut all, batch);
    convolutions(&mut all, batch);
    norms(&mut all, batch);
    rest(&mut all, batch);
    signal(&mut all, batch)?;
    Ok(all)
}

/// A case per pass: forward, and the gradients of the inputs named.
fn passes<const N: usize>(
    all: &mut Vec<Case>,
    name: &str,
    inputs: [&[usize]; N],
    gradients: &[(&str, &'static [usize])],
    build: impl Fn(&mut Graph, &[Var]) -> Result<Var> + Copy + 'static,
) {
    all.push(Case::new(format!("{name} fwd"), &inputs, Pass::Forward, build));
    for (pass, of) in gradients {
        all.push(Case::new(format!("{name} {pass}"), &inputs, Pass::Gradient(of), build));
    }
}

/// Gradients of an op with weights, each alone.
const DX_DW: &[(&str, &[usize])] = &[("dx", &[0]), ("dw", &[1])];

fn products(all: &mut Vec<Case>, batch: usize) {
    for n in [512, 1024] {
        for (layout, ta, tb) in [("nn", false, false), ("nt", false, true), ("tn", true, false)] {
            let build = move |g: &mut Graph, x: &[Var]| ops::matmul(g, x[0], x[1], ta, tb);
            passes(all, &format!("matmul {layout} {n}"), [&[1, n, n], &[1, n, n]], &[], build);
        }
    }
    let rows = batch * TOKENS;
    for (name, from, to) in [("qkv", WIDTH, 3 * WIDTH), ("out", WIDTH, WIDTH), ("ff1", WIDTH, 4 * WIDTH), ("ff2", 4 * WIDTH, WIDTH)] {
        let name = format!("linear {name} {rows}x{from}->{to}");
        passes(all, &name, [&[rows, from], &[to, from], &[to]], DX_DW, |g, x| ops::linear(g, x[0], x[1], Some(x[2])));
    }
    let flat = TOKENS * WIDTH;
    let name = format!("linear head {batch}x{flat}->8");
    passes(all, &name, [&[batch, flat], &[8, flat]], DX_DW, |g, x| ops::linear(g, x[0], x[1], None));
}

fn convolutions(all: &mut Vec<Case>, batch: usize) {
    // Kernel, stride, channels in and out, side of the input.
    let shapes = [
        (3, 1, 16, 16, 32),
        (3, 1, 64, 64, 64),
        (3, 2, 64, 128, 64),
        (3, 1, 128, 128, 32),
        (3, 1, 256, 256, 16),
        (3, 1, 512, 512, 8),
        (1, 2, 64, 128, 64),
        (1, 2, 256, 512, 16),
        (7, 2, 1, 64, 256),
    ];
    for (k, stride, cin, cout, side) in shapes {
        let strided = if stride == 1 { String::new() } else { format!(" s{stride}") };
        let name = format!("conv {k}x{k}{strided} {cin}->{cout} {side}x{side} b{batch}");
        let build = move |g: &mut Graph, x: &[Var]| {
            let spec = Conv2d { stride: [stride, stride], padding: [k / 2, k / 2], ..Conv2d::default() };
            ops::conv2d(g, x[0], x[1], None, spec)
        };
        // Nobody asks for the gradient of the images.
        let gradients = if cin == 1 { &DX_DW[1..] } else { DX_DW };
        passes(all, &name, [&[batch, cin, side, side], &[cout, cin, k, k]], gradients, build);
    }
}

fn norms(all: &mut Vec<Case>, batch: usize) {
    for (c, side) in [(64, 128), (64, 64), (512, 8)] {
        let name = format!("batch norm relu {c} {side}x{side} b{batch}");
        passes(all, &name, [&[batch, c, side, side], &[c], &[c]], &[("bwd", &[0, 1, 2])], |g, x| {
            Ok(ops::batch_norm_train(g, x[0], x[1], x[2], 1e-5, true)?.0)
        });
    }
    let rows = batch * TOKENS;
    passes(all, &format!("layer norm {rows}x{WIDTH}"), [&[rows, WIDTH], &[WIDTH], &[WIDTH]], &[("bwd", &[0, 1, 2])], |g, x| {
        ops::layer_norm(g, x[0], x[1], x[2], LayerNormMode::Standard, 1e-5)
    });
}

fn rest(all: &mut Vec<Case>, batch: usize) {
    const BWD: &[(&str, &[usize])] = &[("bwd", &[0])];
    let rows = batch * HEADS * TOKENS;
    passes(all, &format!("softmax {rows}x{TOKENS}"), [&[rows, TOKENS]], BWD, |g, x| ops::softmax(g, x[0], 1));
    let heads: &[usize] = &[batch, HEADS, TOKENS, WIDTH / HEADS];
    let name = format!("attention {HEADS}x{TOKENS}x{} b{batch}", WIDTH / HEADS);
    passes(all, &name, [heads, heads, heads], &[("bwd", &[0, 1, 2])], |g, x| attention(g, x[0], x[1], x[2], 0.125, None));
    let tokens: &[usize] = &[batch, TOKENS, 3 * WIDTH];
    passes(all, &format!("split heads b{batch}"), [tokens], &[], |g, x| Ok(ops::split_qkv(g, x[0], HEADS)?[0]));
    let maps: &[usize] = &[batch, 64, 64, 64];
    let name = |op: &str| format!("{op} 64 64x64 b{batch}");
    passes(all, &name("relu"), [maps], BWD, |g, x| ops::relu(g, x[0]));
    passes(all, &name("add"), [maps, maps], &[], |g, x| ops::add(g, x[0], x[1]));
    passes(all, &name("channel scale"), [maps, &[batch, 64]], &[("bwd", &[0, 1])], |g, x| ops::channel_scale(g, x[0], x[1]));
    passes(all, &name("global average"), [maps], BWD, |g, x| ops::global_avg_pool(g, x[0]));
    let before: &[usize] = &[batch, 64, 128, 128];
    passes(all, &format!("max pool 3x3 s2 64 128x128 b{batch}"), [before], BWD, |g, x| {
        ops::max_pool2d(g, x[0], PoolSpec::new([3, 3], [2, 2], [1, 1]))
    });
    all.push(
        Case::new(format!("dropout {}x{WIDTH}", batch * TOKENS), &[&[batch * TOKENS, WIDTH]], Pass::Forward, |g, x| {
            ops::dropout(g, x[0], x[1], 0.1, 3)
        })
        .with(&[4], Fill::Number(7)),
    );
    all.push(optimiser(format!("adamw {PARAMETERS}"), |g, [p, d, m, v], hyper| ops::adamw(g, p, d, m, v, hyper, None)));
    all.push(optimiser(format!("gradient norm {PARAMETERS}"), |g, [_, d, ..], _| {
        let (norm, _) = ops::clip(g, d, 1.0)?;
        g.output("norm", norm);
        Ok(())
    }));
}

/// A case on parameters, gradients and two moments.
fn optimiser(name: String, build: impl Fn(&mut Graph, [Var; 4], Var) -> Result<()> + 'static) -> Case {
    const BUFFERS: [&str; 4] = ["parameters", "gradients", "moment1", "moment2"];
    let build = move |g: &mut Graph, x: &[Var]| {
        let at = BUFFERS.map(|buffer| g.state(StateRef { buffer: buffer.into(), offset: 0 }, [PARAMETERS]));
        build(g, at, x[0]).map(|()| None)
    };
    let states = BUFFERS.map(|b| (b, PARAMETERS)).to_vec();
    Case { name, inputs: vec![(vec![ops::HYPER], Fill::Values(&HYPER))], states, pass: Pass::Forward, build: Box::new(build) }
}

fn signal(all: &mut Vec<Case>, batch: usize) -> Result<()> {
    let config = Config::preset("paper")?;
    let (frontend, picture) = (config.frontend.clone(), config.image.clone());
    let bank = filter_bank(&frontend)?;
    let (framing, power) = (frontend.framing(), frontend.power as f32);
    let clips: &[usize] = &[batch, SAMPLES];
    let lengths = Fill::Number(SAMPLES as u32);
    let spectrum = [batch, bank.bins, framing.frames(SAMPLES)];
    all.push(
        Case::new(format!("stft {SAMPLES} b{batch}"), &[clips], Pass::Forward, move |g, x| {
            ops::spectrogram(g, x[0], x[1], &framing, power)
        })
        .with(&[batch], lengths),
    );
    all.push(Case::new(format!("mel {}x{}x{}", spectrum[0], spectrum[1], spectrum[2]), &[&spectrum], Pass::Forward, move |g, x| {
        ops::mel(g, x[0], &bank)
    }));
    all.push(
        Case::new(format!("mel image {SAMPLES} b{batch}"), &[clips], Pass::Forward, move |g, x| {
            let mel = log_mel(g, x[0], x[1], &frontend)?;
            image(g, mel, x[1], &frontend, &picture)
        })
        .with(&[batch], lengths),
    );
    Ok(())
}
