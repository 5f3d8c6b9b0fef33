//! The benchmarks: every kernel family and class of shapes that Res-Trans has on 256 x 256 images with 64 channels after the stem.

use emotone::Result;
use emotone::check::{self, Case, counts, each_run, given, normal};
use emotone::compile::{Trial, TrialPass};
use emotone::frontend::{image, log_mel, mel::filter_bank};
use emotone::gpu::Device;
use emotone::ops::{self, LayerNormMode, PoolSpec};
use emotone::reference::matmul::Extents;
use emotone::train::config::Config;
use std::sync::Arc;

/// Tokens of an image and their width.
const TOKENS: usize = 64;
const WIDTH: usize = 512;
const HEADS: usize = 8;
/// Parameters of the network, roughly.
const PARAMETERS: usize = 30_000_000;
/// Samples of a clip: three seconds.
const SAMPLES: usize = 48_000;

/// A pass of a case.
pub struct Bench {
    /// Name in tables.
    pub name: String,
    case: Case,
    pass: TrialPass,
}

impl Bench {
    /// Compiles it, runs it once and checks the results.
    pub fn ready(&self, device: &Arc<Device>) -> Result<Trial> {
        self.case.ready(device, &self.pass)
    }
}

/// All benchmarks, on batches of `batch` images.
pub fn cases(batch: usize) -> Result<Vec<Bench>> {
    let mut all = Vec::new();
    products(&mut all, batch);
    convolutions(&mut all, batch);
    norms(&mut all, batch);
    rest(&mut all, batch);
    optimisers(&mut all);
    signal(&mut all, batch)?;
    Ok(all)
}

/// The forward pass of a case, and the gradients of the inputs named.
fn passes(all: &mut Vec<Bench>, name: &str, gradients: &[(&str, &[usize])], case: impl Fn() -> Case) {
    all.push(Bench { name: format!("{name} fwd"), case: case(), pass: TrialPass::Forward });
    for (pass, of) in gradients {
        all.push(Bench { name: format!("{name} {pass}"), case: case(), pass: TrialPass::Gradient(of.to_vec()) });
    }
}

/// A forward pass under the case's own name.
fn forward(all: &mut Vec<Bench>, name: String, case: Case) {
    all.push(Bench { name, case, pass: TrialPass::Forward });
}

/// Gradients of an op with weights, each alone.
const DX_DW: &[(&str, &[usize])] = &[("dx", &[0]), ("dw", &[1])];

fn products(all: &mut Vec<Bench>, batch: usize) {
    for n in [512, 1024] {
        for (layout, ta, tb) in [("nn", false, false), ("nt", false, true), ("tn", true, false)] {
            let e = Extents { batch: 1, m: n, n, k: n, transposed: [ta, tb] };
            passes(all, &format!("matmul {layout} {n}"), &[], || check::matmul::case("", None, e));
        }
    }
    let rows = batch * TOKENS;
    for (name, from, to) in [("qkv", WIDTH, 3 * WIDTH), ("out", WIDTH, WIDTH), ("ff1", WIDTH, 4 * WIDTH), ("ff2", 4 * WIDTH, WIDTH)] {
        passes(all, &format!("linear {name} {rows}x{from}->{to}"), DX_DW, || check::matmul::linear([rows, to, from], true));
    }
    let flat = TOKENS * WIDTH;
    passes(all, &format!("linear head {batch}x{flat}->8"), DX_DW, || check::matmul::linear([batch, 8, flat], false));
}

fn convolutions(all: &mut Vec<Bench>, batch: usize) {
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
        let g = check::conv2d::geometry((batch, 1, cin, cout, [side; 2], [k, stride, k / 2, 1]));
        // Nobody asks for the gradient of the images.
        let gradients = if cin == 1 { &DX_DW[1..] } else { DX_DW };
        passes(all, &name, gradients, || check::conv2d::case("", None, g, false));
    }
}

fn norms(all: &mut Vec<Bench>, batch: usize) {
    const BWD: &[(&str, &[usize])] = &[("bwd", &[0, 1, 2])];
    for (c, side) in [(64, 128), (64, 64), (512, 8)] {
        let name = format!("batch norm relu {c} {side}x{side} b{batch}");
        passes(all, &name, BWD, || check::batch_norm::train(normal(1, [batch, c, side, side]), true));
    }
    let rows = batch * TOKENS;
    passes(all, &format!("layer norm {rows}x{WIDTH}"), BWD, || {
        check::layer_norm::case("", normal(1, [rows, WIDTH]), LayerNormMode::Standard)
    });
}

fn rest(all: &mut Vec<Bench>, batch: usize) {
    const BWD: &[(&str, &[usize])] = &[("bwd", &[0])];
    let rows = batch * HEADS * TOKENS;
    passes(all, &format!("softmax {rows}x{TOKENS}"), BWD, || check::softmax::case([rows, TOKENS], 1));
    let width = WIDTH / HEADS;
    passes(all, &format!("attention {HEADS}x{TOKENS}x{width} b{batch}"), &[("bwd", &[0, 1, 2])], || {
        check::attention::case([batch, HEADS, TOKENS, TOKENS, width], 0.0)
    });
    passes(all, &format!("split heads b{batch}"), &[], || check::heads::split([batch, HEADS, TOKENS, width]));
    let features = [batch, 64, 64, 64];
    let name = |op: &str| format!("{op} 64 64x64 b{batch}");
    passes(all, &name("relu"), BWD, || check::activation::case(check::activation::KINDS[0], features, 1.0));
    passes(all, &name("add"), &[], || check::pointwise::add(features));
    passes(all, &name("channel scale"), &[("bwd", &[0, 1])], || check::channel_scale::case(features));
    passes(all, &name("global average"), BWD, || check::pool2d::global(features));
    let spec = PoolSpec::new([3, 3], [2, 2], [1, 1]);
    if let Some(p) = check::pool2d::pool(batch * 64, [128, 128], &spec) {
        let x = || normal(1, [batch, 64, 128, 128]);
        passes(all, &format!("max pool 3x3 s2 64 128x128 b{batch}"), BWD, || check::pool2d::max(x(), spec, p));
    }
    forward(all, format!("dropout {}x{WIDTH}", batch * TOKENS), check::dropout::case(batch * TOKENS * WIDTH));
}

fn optimisers(all: &mut Vec<Bench>) {
    let zeros = || each_run([PARAMETERS], |_| vec![0.0; PARAMETERS]).state();
    let scalars = ops::adamw_scalars(1e-3, 1e-2, [0.9, 0.999], 1e-8, 1).map(f64::from);
    let inputs = [zeros(), zeros(), zeros(), zeros(), given([ops::OPTIMISER_SCALARS], scalars)];
    let name = format!("adamw {PARAMETERS}");
    forward(all, name, Case::new("adamw", "", inputs, |g, x| ops::adamw(g, x[0], x[1], x[2], x[3], x[4], None)));
    forward(all, format!("gradient norm {PARAMETERS}"), Case::new("clip", "", [zeros()], |g, x| ops::clip(g, x[0], 1.0)));
}

fn signal(all: &mut Vec<Bench>, batch: usize) -> Result<()> {
    let config = Config::preset("paper")?;
    let (frontend, picture) = (config.frontend.clone(), config.image.clone());
    let bank = filter_bank(&frontend)?;
    let (framing, power) = (frontend.framing(), frontend.power as f32);
    let clips = || [normal(1, [batch, SAMPLES]), counts(&vec![SAMPLES; batch])];
    let spectrum = [batch, bank.bins, framing.frames(SAMPLES)];
    let name = format!("stft {SAMPLES} b{batch}");
    forward(all, name, Case::new("spectrogram", "", clips(), move |g, x| ops::spectrogram(g, x[0], x[1], &framing, power)));
    let name = format!("mel {}x{}x{}", spectrum[0], spectrum[1], spectrum[2]);
    forward(all, name, Case::new("mel", "", [normal(1, spectrum)], move |g, x| ops::mel(g, x[0], &bank)));
    let whole = Case::new("mel image", "", clips(), move |g, x| {
        let mel = log_mel(g, x[0], x[1], &frontend)?;
        image(g, mel, x[1], &frontend, &picture)
    });
    forward(all, format!("mel image {SAMPLES} b{batch}"), whole);
    Ok(())
}
