//! Whole networks: directional derivatives, the frozen backbone, and ten golden steps.

use crate::case::device;
use emotone::compile::{Options, Program, States};
use emotone::gpu::Device;
use emotone::graph::{Graph, StateRef, Var};
use emotone::models::res_trans::ResTrans;
use emotone::models::{Position, SpeakerHead, Token};
use emotone::nn::transformer::EncoderLayer;
use emotone::nn::{Context, Params, RNG, TRAINABLE, Weights};
use emotone::ops::{self, LayerNormMode};
use emotone::reference::noise;
use std::sync::Arc;

const BATCH: usize = 4;

fn model(token: Token, position: Position, norm_first: bool, speaker_head: SpeakerHead) -> ResTrans {
    let layer = EncoderLayer { heads: 2, ff: 24, dropout: 0.0, norm_first, norm: LayerNormMode::UnbiasedStd };
    ResTrans { classes: 4, speakers: 3, channels: 1, size: 32, width: 4, reduction: 4, token, position, depth: 1, layer, speaker_head }
}

fn images(size: usize) -> Vec<f32> {
    noise(50, BATCH * size * size).iter().map(|&v| v as f32).collect()
}

fn one_hot(n: usize) -> Vec<f32> {
    (0..BATCH * n).map(|i| f32::from(u8::from(i % n == (i / n) % n))).collect()
}

/// Loss of both heads in training mode, and the gradient of every trainable parameter by name.
fn build(m: &ResTrans, params: &mut Params, frozen: bool) -> (Graph, Vec<(String, Var)>, Var) {
    let mut g = Graph::new();
    let x = g.input("x", [BATCH, 1, m.size, m.size]);
    let (y, s) = (g.input("y", [BATCH, 4]), g.input("s", [BATCH, 3]));
    let mut cx = Context::new(&mut g, params, true);
    if frozen {
        cx.frozen_statistics = |scope| scope.starts_with("cnn.");
    }
    let maps = m.features(&mut cx, x).expect("features");
    let emotion = m.emotion(&mut cx, maps).expect("emotion");
    let speaker = m.speaker(&mut cx, maps).expect("speaker");
    let used: Vec<(String, Var)> = cx.used().iter().map(|(n, v)| (n.clone(), *v)).collect();
    let a = ops::cross_entropy(&mut g, emotion, y, None, 0.1).expect("loss");
    let b = ops::cross_entropy(&mut g, speaker, s, None, 0.0).expect("loss");
    let loss = ops::add(&mut g, a, b).expect("sum");
    g.output("loss", loss);
    (g, used, loss)
}

fn run(device: &Arc<Device>, g: &Graph, params: &Params, weights: &Weights) -> Program {
    let mut states = States::new(device);
    params.allocate(&mut states).expect("memory");
    params.upload(&states, weights, true).expect("weights");
    let program = Program::new(g, &states, Options { poison: true, ..Options::default() }).expect("program");
    for (name, values) in [("x", images(32)), ("y", one_hot(4)), ("s", one_hot(3))] {
        program.write(name, &values).expect("input");
    }
    program.run().expect("run");
    assert_eq!(program.overruns().expect("sentinels"), 0);
    program
}

/// `(L(w + ε t) − L(w − ε t)) / 2ε` against `∇L · t`, with t along the gradient's signs so that the difference is not lost in rounding.
#[test]
fn directional_derivative_of_whole_networks() {
    let Some(device) = device() else { return };
    for (token, position, norm_first, head) in [
        (Token::Channel, Position::None, true, SpeakerHead::Flatten),
        (Token::Spatial, Position::Learned, false, SpeakerHead::Gap),
        (Token::Time, Position::Sin, true, SpeakerHead::Flatten),
    ] {
        let m = model(token, position, norm_first, head);
        let mut params = Params::new(|_| true);
        let (mut g, used, loss) = build(&m, &mut params, false);
        let vars: Vec<Var> = used.iter().map(|(_, v)| *v).collect();
        let grads = g.grad(loss, &vars).expect("gradient");
        for ((name, _), d) in used.iter().zip(&grads) {
            g.output(name, *d);
        }
        let weights = params.initial(7);
        let program = run(&device, &g, &params, &weights);
        let gradient: Vec<(String, Vec<f32>)> = used.iter().map(|(n, _)| (n.clone(), program.read(n).expect("gradient"))).collect();
        let eps = 1e-5;
        let moved = |sign: f32| {
            let mut w = weights.clone();
            for (name, d) in &gradient {
                let values = &mut w.get_mut(name).expect("name").1;
                values.iter_mut().zip(d).for_each(|(v, d)| *v += sign * eps * d.signum());
            }
            let (plain, _, _) = build(&m, &mut Params::new(|_| true), false);
            let mut again = Params::new(|_| true);
            build(&m, &mut again, false);
            f64::from(run(&device, &plain, &again, &w).read("loss").expect("loss")[0])
        };
        let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * f64::from(eps));
        let exact: f64 = gradient.iter().flat_map(|(_, d)| d).map(|d| f64::from(d.abs())).sum();
        let error = (numeric - exact).abs() / exact;
        assert!(error < 0.02, "{token} {position}: finite difference {numeric}, gradient {exact}");
    }
}

/// A frozen CNN gets no backward nodes, and the other parameters' gradients are those of the whole network.
#[test]
fn frozen_backbone_has_the_same_gradients_and_no_nodes() {
    let Some(device) = device() else { return };
    let m = model(Token::Channel, Position::None, true, SpeakerHead::Flatten);
    let mut gradients = Vec::new();
    for freeze in [false, true] {
        let mut params = Params::new(move |n| !freeze || !n.starts_with("cnn."));
        let (mut g, used, loss) = build(&m, &mut params, true);
        let wanted: Vec<(String, Var)> = used.into_iter().filter(|(n, _)| !freeze || !n.starts_with("cnn.")).collect();
        let vars: Vec<Var> = wanted.iter().map(|(_, v)| *v).collect();
        let forward = g.nodes().len();
        let grads = g.grad(loss, &vars).expect("gradient");
        let convolutions = g.nodes()[forward..].iter().filter(|n| n.name().starts_with("conv2d")).count();
        assert_eq!(convolutions == 0, freeze, "{convolutions} convolutions in the backward pass");
        for ((name, _), d) in wanted.iter().zip(&grads) {
            if !name.starts_with("cnn.") {
                g.output(name, *d);
            }
        }
        let program = run(&device, &g, &params, &params.initial(7));
        let names: Vec<String> = wanted.iter().map(|(n, _)| n.clone()).filter(|n| !n.starts_with("cnn.")).collect();
        gradients.push(names.iter().map(|n| program.read(n).expect("gradient")).collect::<Vec<_>>());
    }
    assert!(gradients[0].len() > 10);
    assert_eq!(gradients[0], gradients[1]);
}

/// Losses of ten AdamW steps, recorded on software Vulkan (Mesa 25.0.7); other adapters round differently.
const GOLDEN: [f64; 10] = [2.5993, 1.2036, 0.7386, 0.5803, 0.4959, 0.4451, 0.4140, 0.3950, 0.3829, 0.3749];

#[test]
fn ten_steps_follow_the_golden_losses() {
    let Some(device) = device() else { return };
    // Maps of 2 x 2: batch norm over the four values of a 1 x 1 map turns a relative change of 5e-6 in the weights into one of 4 % in the
    // loss.
    let m = ResTrans { size: 64, ..model(Token::Channel, Position::None, true, SpeakerHead::Flatten) };
    let mut params = Params::new(|_| true);
    let (mut g, used, loss) = build(&m, &mut params, false);
    let vars: Vec<Var> = used.iter().map(|(_, v)| *v).collect();
    let mut states = States::new(&device);
    params.allocate(&mut states).expect("memory");
    params.upload(&states, &params.initial(7), true).expect("weights");
    let extent = params.extent(TRAINABLE);
    let grads = g.grad(loss, &vars).expect("gradient");
    for ((name, _), d) in used.iter().zip(grads) {
        let offset = params.get(name).expect("name").place.offset;
        g.store(d, StateRef { buffer: "gradients".into(), offset });
    }
    let whole = |g: &mut Graph, buffer: &str| g.state(StateRef { buffer: buffer.into(), offset: 0 }, [extent]);
    for buffer in ["m", "v"] {
        states.create(buffer, extent).expect("memory");
    }
    let [p, d, m1, m2] = [TRAINABLE, "gradients", "m", "v"].map(|b| whole(&mut g, b));
    let hyper = g.input("hyper", [8]);
    ops::adamw(&mut g, p, d, m1, m2, hyper, None).expect("optimiser");
    let program = Program::new(&g, &states, Options::default()).expect("program");
    for (name, values) in [("x", images(m.size)), ("y", one_hot(4)), ("s", one_hot(3))] {
        program.write(name, &values).expect("input");
    }
    let mut losses = Vec::new();
    for step in 1..=10 {
        program.write("hyper", &ops::hyper_adamw(3e-3, 0.01, [0.9, 0.999], 1e-8, step)).expect("hyper");
        program.run().expect("run");
        losses.push(f64::from(program.read("loss").expect("loss")[0]));
    }
    for (step, (got, want)) in losses.iter().zip(GOLDEN).enumerate() {
        let error = (got - want).abs() / want;
        assert!(error < 1e-3, "step {step}: loss {got:.4}, golden {want}; all: {losses:.4?}");
    }
}

/// What is made once from weights is made again when they change, by the host or by another program's run.
#[test]
fn prepared_launches_follow_the_state() {
    let Some(device) = device() else { return };
    let place = StateRef { buffer: "w".into(), offset: 0 };
    let n = 16 * 16 * 9;
    let mut states = States::new(&device);
    states.create("w", n).expect("memory");
    let weight = |g: &mut Graph| g.state(place.clone(), [16, 16, 3, 3]);
    let mut g = Graph::new();
    let x = g.input("x", [2, 16, 32, 32]);
    let w = weight(&mut g);
    let spec = ops::Conv2d { padding: [1, 1], ..ops::Conv2d::default() };
    let y = ops::conv2d(&mut g, x, w, None, spec).expect("conv");
    g.output("y", y);
    let program = Program::new(&g, &states, Options::default()).expect("program");
    let prepared = program.plan().rows.iter().map(|r| r.prepared.len()).sum::<usize>();
    let caps = device.caps();
    let winograd = caps.software && caps.subgroup_size == Some(8) && caps.int64 && device.allows("winograd");
    assert_eq!(prepared, usize::from(winograd), "the transform of the weights");
    let mut g = Graph::new();
    let w = weight(&mut g);
    let double = ops::scale(&mut g, w, 2.0).expect("scale");
    g.store(double, place.clone());
    let doubling = Program::new(&g, &states, Options::default()).expect("program");
    let values: Vec<f32> = noise(1, 2 * 16 * 1024).iter().map(|&v| v as f32).collect();
    program.write("x", &values).expect("input");
    let result = || {
        program.run().expect("run");
        program.read("y").expect("y")
    };
    let ones: Vec<f32> = noise(2, n).iter().map(|&v| v as f32).collect();
    states.write(&place, &ones).expect("weights");
    let first = result();
    assert_eq!(first, result(), "nothing changed");
    doubling.run().expect("run");
    let doubled = result();
    assert!(first.iter().zip(&doubled).all(|(a, b)| *b == 2.0 * a), "after another program changed the weights");
    states.write(&place, &ones).expect("weights");
    assert_eq!(first, result(), "after the host changed the weights");
}

/// Losses and gradients of three steps' worth of dropout and running statistics, with and without recomputation: the same bits in less memory.
#[test]
fn recomputed_values_keep_their_bits() {
    let Some(device) = device() else { return };
    let mut m = model(Token::Time, Position::Sin, true, SpeakerHead::Gap);
    (m.size, m.depth, m.layer.dropout) = (64, 2, 0.3);
    let mut results = Vec::new();
    for again in [false, true] {
        let mut params = Params::new(|_| true);
        let (mut g, used, loss) = build(&m, &mut params, false);
        let forward = g.nodes().len();
        let vars: Vec<Var> = used.iter().map(|(_, v)| *v).collect();
        let grads = g.grad(loss, &vars).expect("gradient");
        for ((name, _), d) in used.iter().zip(&grads) {
            g.output(name, *d);
        }
        let all = g.nodes().len();
        if again {
            g = g.recompute(forward);
            assert!(g.nodes().len() > all, "nothing is made again");
        }
        let mut states = States::new(&device);
        params.allocate(&mut states).expect("memory");
        params.upload(&states, &params.initial(7), true).expect("weights");
        let p = Program::new(&g, &states, Options::default()).expect("program");
        for (name, values) in [("x", images(64)), ("y", one_hot(4)), ("s", one_hot(3))] {
            p.write(name, &values).expect("input");
        }
        let mut bits = Vec::new();
        for step in 0..3 {
            p.write_u32(RNG, &[1, 2, step, 0]).expect("counter");
            p.run().expect("run");
            for name in used.iter().map(|(name, _)| name.as_str()).chain(["loss"]) {
                bits.extend(p.read(name).expect("output").iter().map(|v| v.to_bits()));
            }
        }
        // Running statistics, renewed once per step.
        let weights = params.download(&states, None).expect("weights");
        bits.extend(weights.values().flat_map(|(_, v)| v.iter().map(|v| v.to_bits())));
        results.push((p.plan().arena_bytes(), bits));
    }
    assert_eq!(results[0].1, results[1].1);
    // 0.71 of it; 0.99 where copies read the values they stand for.
    assert!(5 * results[1].0 < 4 * results[0].0, "{} bytes, {} with recomputation", results[0].0, results[1].0);
}
