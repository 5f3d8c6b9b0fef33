//! Support vector machines: decisions and votes, the gradients of the primal objectives, and solutions. They are built apart from a recipe,
//! so that vectors may have any width, and because their loss is an objective over all clips.

use crate::bench::WARMUP;
use crate::case;
use crate::flags::Flags;
use crate::median::median;
use anyhow::{Context as _, Result, bail};
use emotone::compile::{Options, Program};
use emotone::gpu::Device;
use emotone::graph::{Graph, Shape, Var};
use emotone::models::{Examples, Network};
use emotone::nn::gradients::{self, GRADIENTS};
use emotone::nn::{Context, Params, Weights, file};
use emotone::ops;
use emotone::reference::noise;
use emotone::train::config::Config;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A tensor of two dimensions.
struct Matrix {
    rows: usize,
    cols: usize,
    values: Vec<f32>,
}

impl Matrix {
    fn read(path: &Path, name: &str) -> Result<Self> {
        let (shape, values) = file::read(path)?.0.remove(name).with_context(|| format!("{}: no tensor `{name}`", path.display()))?;
        let [rows, cols] = *shape.0.as_slice() else { bail!("{name} {shape}: must have two dimensions") };
        Ok(Matrix { rows, cols, values })
    }

    /// The most probable class of each row.
    fn classes(&self) -> Vec<usize> {
        let first = |row: &[f32]| (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        self.values.chunks(self.cols).map(first).collect()
    }
}

/// Does what the flags say.
pub fn run(mut flags: Flags, device: &Arc<Device>) -> Result<()> {
    let what = flags.what.clone();
    if what == "bench" {
        return bench(flags, device);
    }
    let (x, out) = (Matrix::read(&flags.path("inputs")?, "x")?, flags.path("out")?);
    let targets = match what.as_str() {
        "forward" => None,
        "grads" | "fit" => Some(Matrix::read(&flags.path("targets")?, "emotion")?),
        _ => bail!("{what:?} is not one of forward, grads, fit, bench"),
    };
    let mut weights = if what == "fit" { Weights::new() } else { file::read(&flags.path("weights")?)?.0 };
    weights.remove("objective");
    let classes = flags.number("classes", 4)?;
    let mut config = Config::preset("paper")?;
    config.set("model.name=svm")?;
    flags.settings(&mut config)?;
    if let Some((shape, _)) = weights.get("support") {
        config.set(&format!("model.support={}", shape[0]))?;
    }
    let network = config.network()?;
    network.check(&[x.cols])?;
    let written = match &targets {
        None => answers(&compiled(&*network, classes, device, &weights, [x.rows, x.cols])?, &x)?,
        Some(t) if t.rows != x.rows || t.cols != classes => bail!("emotion ({}, {}): must be ({}, {classes})", t.rows, t.cols, x.rows),
        Some(t) if what == "fit" => fit(&*network, device, &x, t)?,
        Some(t) => grads(&*network, &config, device, &weights, &x, t)?,
    };
    file::write(&out, &written, &file::Metadata::new())?;
    Ok(())
}

/// The network on (B, F); what it marks.
fn build(cx: &mut Context, network: &dyn Network, x: Var, classes: usize) -> Result<BTreeMap<String, Var>> {
    let z = cx.group("trunk", network.scope("trunk"), |cx| network.features(cx, x))?;
    cx.group("emotion", network.scope("emotion"), |cx| network.head(cx, z, classes))?;
    Ok(cx.marks().clone())
}

/// What answers, and the shapes of its results by name.
fn compiled(
    network: &dyn Network,
    classes: usize,
    device: &Arc<Device>,
    weights: &Weights,
    [rows, cols]: [usize; 2],
) -> Result<(Program, BTreeMap<String, Shape>)> {
    let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
    let input = g.input("x", [rows, cols]);
    let marks = build(&mut Context::new(&mut g, &mut params, false), network, input, classes)?;
    marks.iter().for_each(|(name, v)| g.output(name, *v));
    let states = case::states(device, &params, weights)?;
    let shapes = marks.iter().map(|(name, v)| (name.clone(), g.shape(*v).clone())).collect();
    Ok((Program::new(&g, &states, Options::default())?, shapes))
}

fn answers((program, shapes): &(Program, BTreeMap<String, Shape>), x: &Matrix) -> Result<Weights> {
    program.write("x", &x.values)?;
    program.run()?;
    case::read(program, shapes)
}

/// `Σ_k (|w_k|² + b_k²)/2 + C Σ_i max(0, 1 − t f)²` and its gradients.
fn grads(network: &dyn Network, config: &Config, device: &Arc<Device>, weights: &Weights, x: &Matrix, t: &Matrix) -> Result<Weights> {
    let cost = config.model.0["cost"].as_float().context("model.cost")?;
    let (mut g, mut params) = (Graph::new(), Params::new(|group| group == "emotion"));
    let input = g.input("x", [x.rows, x.cols]);
    let mut cx = Context::new(&mut g, &mut params, true);
    let decision = build(&mut cx, network, input, t.cols)?["decision"];
    let used = cx.used().clone();
    let mut one_hot = vec![0.0; t.values.len()];
    t.classes().iter().enumerate().for_each(|(i, class)| one_hot[i * t.cols + class] = 1.0);
    let target = g.constant([t.rows, t.cols], &one_hot)?;
    let hinge = ops::squared_hinge(&mut g, decision, target, None)?;
    let mut loss = ops::scale(&mut g, hinge, cost as f32 * t.rows as f32)?;
    for v in ["weight", "bias"].iter().filter_map(|name| used.get(*name)) {
        let square = ops::mul(&mut g, *v, *v)?;
        let n = g.shape(square).elements();
        let flat = ops::reshape(&mut g, square, [1, n])?;
        let sum = ops::sum(&mut g, flat, 1)?;
        let half = ops::scale(&mut g, sum, 0.5)?;
        loss = ops::add(&mut g, loss, half)?;
    }
    gradients::store_gradients(&mut g, &params, &used, loss)?;
    g.output("loss", loss);
    g.output("decision", decision);
    let mut states = case::states(device, &params, weights)?;
    states.create(GRADIENTS, gradients::extent(&params))?;
    let program = Program::new(&g, &states, Options::default())?;
    program.write("x", &x.values)?;
    program.run()?;
    let mut out = Weights::from([
        ("loss".to_string(), (Shape::from([1]), program.read("loss")?)),
        ("decision".to_string(), (g.shape(decision).clone(), program.read("decision")?)),
    ]);
    out.extend(params.download(&states, Some(GRADIENTS))?.into_iter().map(|(name, v)| (format!("grad.{name}"), v)));
    Ok(out)
}

/// The solution, and the optimum of each machine: primal where linear, dual where not.
fn fit(network: &dyn Network, device: &Arc<Device>, x: &Matrix, t: &Matrix) -> Result<Weights> {
    let nothing = Weights::new();
    let examples = Examples::of(x.values.chunks(x.cols).collect(), t.classes(), t.cols, &nothing);
    let solution = network.solver().context("the network is not solved")?.solve(device, &examples, &mut |_, _| Ok(()))?;
    let objective: Vec<f32> = solution.objective.iter().map(|v| *v as f32).collect();
    let objective = ("objective".to_string(), (Shape::from([objective.len()]), objective));
    Ok(solution.trunk.into_iter().chain(solution.head).chain([objective]).collect())
}

/// Times solutions and answers on random clips around a centre for each class, and prints a line for each.
fn bench(mut flags: Flags, device: &Arc<Device>) -> Result<()> {
    let (n, steps) = (flags.number("batch", 16)?, flags.number("steps", 10)?.max(1));
    let (classes, dim) = (flags.number("classes", 4)?, flags.count("dim", 78)?);
    let mut config = Config::preset("paper")?;
    config.set("model.name=svm")?;
    flags.settings(&mut config)?;
    let (centres, around) = (noise(1, classes * dim), noise(2, n * dim));
    let value = |i: usize| (centres[i / dim % classes * dim + i % dim] + 2.0 * around[i]) as f32;
    let x = Matrix { rows: n, cols: dim, values: (0..n * dim).map(value).collect() };
    let one_hot = (0..n * classes).map(|i| f32::from(u8::from(i / classes % classes == i % classes))).collect();
    let t = Matrix { rows: n, cols: classes, values: one_hot };
    let mut weights = Weights::new();
    let train = median(WARMUP, steps, || {
        weights = fit(&*config.network()?, device, &x, &t)?;
        Ok(())
    })?;
    weights.remove("objective");
    if let Some((shape, _)) = weights.get("support") {
        config.set(&format!("model.support={}", shape[0]))?;
    }
    let network = config.network()?;
    let program = compiled(&*network, classes, device, &weights, [n, dim])?;
    let infer = median(WARMUP, steps, || answers(&program, &x).map(|_| ()))?;
    crate::bench::print("svm", n, device, [train, infer]);
    Ok(())
}
