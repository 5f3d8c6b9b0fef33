//! Kernel benchmarks: median milliseconds, GFLOP/s and GB/s of the heavy ops, each checked to be finite before it is timed.
//!
//!     cargo bench [-- FILTER]

use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::{Graph, Var};
use emotone::ops::{self, Conv2d};
use emotone::reference::noise;
use std::sync::Arc;
use std::time::Instant;

/// Runs timed per case.
const RUNS: usize = 9;

struct Case {
    name: &'static str,
    inputs: Vec<Vec<usize>>,
    build: fn(&mut Graph, &[Var]) -> emotone::Result<Var>,
    /// Time the gradients of all inputs instead of the result.
    backward: bool,
}

fn conv3x3(g: &mut Graph, x: &[Var]) -> emotone::Result<Var> {
    ops::conv2d(g, x[0], x[1], None, Conv2d { padding: [1, 1], ..Conv2d::default() })
}

fn stem(g: &mut Graph, x: &[Var]) -> emotone::Result<Var> {
    ops::conv2d(g, x[0], x[1], None, Conv2d { stride: [2, 2], padding: [3, 3], ..Conv2d::default() })
}

fn cases() -> Vec<Case> {
    let case =
        |name, inputs: &[&[usize]], build, backward| Case { name, inputs: inputs.iter().map(|s| s.to_vec()).collect(), build, backward };
    let maps: &[usize] = &[8, 64, 64, 64];
    vec![
        case("matmul 512", &[&[1, 512, 512], &[1, 512, 512]], |g, x| ops::matmul(g, x[0], x[1], false, false), false),
        case("matmul 1024", &[&[1, 1024, 1024], &[1, 1024, 1024]], |g, x| ops::matmul(g, x[0], x[1], false, false), false),
        case("linear head 16x32768 -> 8", &[&[16, 32768], &[8, 32768]], |g, x| ops::linear(g, x[0], x[1], None), false),
        case("conv 3x3 64->64", &[maps, &[64, 64, 3, 3]], conv3x3, false),
        case("conv 3x3 64->64 gradients", &[maps, &[64, 64, 3, 3]], conv3x3, true),
        case("conv 3x3 16->16", &[&[16, 16, 32, 32], &[16, 16, 3, 3]], conv3x3, false),
        case("conv 3x3 16->16 gradients", &[&[16, 16, 32, 32], &[16, 16, 3, 3]], conv3x3, true),
        case("conv 7x7 stem 1->64", &[&[2, 1, 256, 256], &[64, 1, 7, 7]], stem, false),
        case("batch norm", &[maps, &[64], &[64]], |g, x| Ok(ops::batch_norm_train(g, x[0], x[1], x[2], 1e-5, true)?.0), false),
        case("batch norm gradients", &[maps, &[64], &[64]], |g, x| Ok(ops::batch_norm_train(g, x[0], x[1], x[2], 1e-5, true)?.0), true),
        case("relu", &[maps], |g, x| ops::relu(g, x[0]), false),
        case("add", &[maps, maps], |g, x| ops::add(g, x[0], x[1]), false),
        case("softmax 8192x64", &[&[8192, 64]], |g, x| ops::softmax(g, x[0], 1), false),
        case("max pool 3x3 s2", &[maps], |g, x| ops::max_pool2d(g, x[0], [3, 3], [2, 2], [1, 1]), false),
    ]
}

fn time(device: &Arc<Device>, case: &Case) -> emotone::Result<()> {
    let mut g = Graph::new();
    let x: Vec<Var> = case.inputs.iter().enumerate().map(|(i, s)| g.input(&format!("x{i}"), s.clone())).collect();
    let y = (case.build)(&mut g, &x)?;
    if case.backward {
        let shape = g.shape(y).clone();
        let dy = g.input("dy", shape);
        for (i, d) in g.grad_from(&[(y, dy)], &x)?.into_iter().enumerate() {
            g.output(&format!("y{i}"), d);
        }
    } else {
        g.output("y0", y);
    }
    let program = Program::new(&g, &States::new(device), Options::default())?;
    for (i, shape) in case.inputs.iter().enumerate() {
        let values: Vec<f32> = noise(i as u64, shape.iter().product()).iter().map(|&v| v as f32).collect();
        program.write(&format!("x{i}"), &values)?;
    }
    if case.backward {
        let values: Vec<f32> = noise(9, g.shape(y).elements()).iter().map(|&v| v as f32).collect();
        program.write("dy", &values)?;
    }
    program.run()?;
    if program.read("y0")?.iter().any(|v| !v.is_finite()) {
        return Err(emotone::Error::NonFinite(case.name.into()));
    }
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        program.run()?;
        device.wait()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let t = times[RUNS / 2];
    let (flops, bytes) = (program.plan().flops() as f64, program.plan().bytes() as f64);
    println!("{:32} {:10.3} ms {:9.2} GFLOP/s {:9.2} GB/s", case.name, t * 1e3, flops / t / 1e9, bytes / t / 1e9);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let device = Device::open(&AdapterRequest::from_env())?;
    println!("{}", device.caps().headline());
    for case in cases().iter().filter(|c| c.name.contains(&filter)) {
        time(&device, case)?;
    }
    Ok(())
}
