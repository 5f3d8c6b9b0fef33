//! A new op from outside the crate: `swish(x) = x · σ(x)`, with its own WGSL, gradient and check.
//!
//!     cargo run --release --example own_op

use anyhow::Result;
use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device, Launch, Shader};
use emotone::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use emotone::ops;

/// Forward and backward in one file: `y = x σ(x)`, `dx = dy (σ(x) + y (1 − σ(x)))`.
static SWISH: Shader = Shader::new(
    "swish",
    "
//#include <common/grid.wgsl>
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read>       x:  array<f32>;
@group(0) @binding(2) var<storage, read_write> y:  array<f32>;

fn sigmoid(v: f32) -> f32 { return 1.0 / (1.0 + exp(-v)); }

@compute @workgroup_size(64)
fn swish_fwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = flat_group(g, n) * 64u + lane;
    if i < p.n { y[i] = x[i] * sigmoid(x[i]); }
}

@group(0) @binding(2) var<storage, read>       dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn swish_bwd(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let i = flat_group(g, n) * 64u + lane;
    if i < p.n { let s = sigmoid(x[i]); dx[i] = dy[i] * (s + x[i] * s * (1.0 - s)); }
}
",
);

fn launch<B>(entry: &'static str, n: usize) -> Launch<B> {
    Launch::new(&SWISH, entry).set("n", n).invocations(n)
}

struct Swish;

impl Op for Swish {
    fn name(&self) -> &'static str {
        "swish"
    }
    fn shapes(&self, inputs: &[Shape]) -> emotone::Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> emotone::Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let x = g.inputs(node)[0];
        Ok(vec![Some(g.apply1(SwishBackward, &[x, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> emotone::Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(launch("swish_fwd", n).bind("x", cx.input(0)).bind("y", cx.output(0)));
        Ok(())
    }
}

struct SwishBackward;

impl Op for SwishBackward {
    fn name(&self) -> &'static str {
        "swish_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> emotone::Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> emotone::Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(launch("swish_bwd", n).bind("x", cx.input(0)).bind("dy", cx.input(1)).bind("dx", cx.output(0)));
        Ok(())
    }
}

fn main() -> Result<()> {
    let device = Device::open(&AdapterRequest::from_env())?;
    let mut g = Graph::new();
    let (x, dy) = (g.input("x", [5]), g.input("dy", [5]));
    let y = g.apply1(Swish, &[x])?;
    let dx = ops::grad_from(&mut g, &[(y, dy)], &[x])?[0];
    g.output("y", y);
    g.output("dx", dx);
    let program = Program::new(&g, &States::new(&device), Options::default())?;
    let values = [-3.0f32, -1.0, 0.0, 0.5, 4.0];
    program.write("x", &values)?;
    program.write("dy", &[1.0; 5])?;
    program.run()?;
    println!("       x         y     dy/dx");
    for ((x, y), d) in values.iter().zip(program.read("y")?).zip(program.read("dx")?) {
        println!("{x:8.3} {y:9.5} {d:9.5}");
        let s = 1.0 / (1.0 + (-x).exp());
        anyhow::ensure!((y - x * s).abs() < 1e-6 && (d - (s + x * s * (1.0 - s))).abs() < 1e-6, "wrong at {x}");
    }
    Ok(())
}
