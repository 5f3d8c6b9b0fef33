//! The harness: one case is a graph, its inputs, and the reference's forward and backward.

use emotone::compile::{Options, Program, States};
use emotone::gpu::{AdapterRequest, Device};
use emotone::graph::{Graph, Shape, Var};
use emotone::kernels::cooperative::Fragments;
use emotone::reference::noise;
use std::sync::{Arc, OnceLock};

/// The device, opened once; `None` prints why and skips, unless `EMOTONE_REQUIRE_GPU=1` forbids it.
pub fn device() -> Option<Arc<Device>> {
    static DEVICE: OnceLock<Result<Arc<Device>, String>> = OnceLock::new();
    match DEVICE.get_or_init(|| Device::open(&AdapterRequest::from_env()).map_err(|e| e.to_string())) {
        Ok(device) => Some(device.clone()),
        Err(reason) => {
            assert!(std::env::var("EMOTONE_REQUIRE_GPU").as_deref() != Ok("1"), "EMOTONE_REQUIRE_GPU=1 and {reason}");
            eprintln!("SKIPPED: {reason}");
            None
        }
    }
}

/// Awkward extents around a tile or workgroup of `n`.
pub fn awkward(n: usize) -> [usize; 6] {
    [1, 3, n - 1, n, n + 1, 2 * n + 3]
}

/// Tolerances on `max|got − want| / max(1e-3, max|want|)`.
pub mod tol {
    /// One rounding per element.
    pub const EXACT: f64 = 1e-6;
    /// Transcendental functions of f32 hardware (a few ulp each, some adapters approximate).
    pub const FUNCTION: f64 = 2e-5;
    /// Sums of up to some thousands of f32 terms of mixed sign.
    pub const SUM: f64 = 1e-4;
}

/// An input: shape and values.
pub struct In {
    pub shape: Shape,
    pub values: Vec<f64>,
    /// Whether its gradient is compared.
    pub diff: bool,
}

/// A differentiable input of roughly normal values.
pub fn normal(seed: u64, shape: impl Into<Shape>) -> In {
    let shape = shape.into();
    In { values: noise(seed, shape.elements()), shape, diff: true }
}

/// An input given by values (rounded to f32), not differentiated.
pub fn given(shape: impl Into<Shape>, values: &[f64]) -> In {
    In { shape: shape.into(), values: values.iter().map(|&v| f64::from(v as f32)).collect(), diff: false }
}

/// Error of a tensor as the conformance cases define it; NaN gives infinity.
pub fn error(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len(), "number of elements");
    let scale = want.iter().fold(1e-3f64, |m, w| m.max(w.abs()));
    got.iter().zip(want).fold(0.0, |m: f64, (g, w)| {
        let e = (f64::from(*g) - w).abs() / scale;
        if e.is_nan() { f64::INFINITY } else { m.max(e) }
    })
}

/// Runs `build` on the GPU and compares its outputs with `forward` and its input gradients, for random upstream gradients, with
/// `backward(inputs, dy) -> gradient per input`.
pub fn check(
    name: &str,
    tol: f64,
    inputs: &[In],
    build: impl Fn(&mut Graph, &[Var]) -> emotone::Result<Vec<Var>>,
    forward: impl Fn(&[Vec<f64>]) -> Vec<Vec<f64>>,
    backward: impl Fn(&[Vec<f64>], &[Vec<f64>]) -> Vec<Option<Vec<f64>>>,
) {
    let Some(device) = device() else { return };
    let values: Vec<Vec<f64>> = inputs.iter().map(|i| i.values.clone()).collect();
    let want = forward(&values);
    let dys: Vec<Vec<f64>> = want.iter().enumerate().map(|(o, w)| noise(7000 + o as u64, w.len())).collect();

    let mut g = Graph::new();
    let vars: Vec<Var> = inputs.iter().enumerate().map(|(i, x)| g.input(&format!("x{i}"), x.shape.clone())).collect();
    let outputs = build(&mut g, &vars).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(outputs.len(), want.len(), "{name}: outputs");
    for (o, v) in outputs.iter().enumerate() {
        g.output(&format!("y{o}"), *v);
    }
    let wanted: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].diff).collect();
    if !wanted.is_empty() {
        let upstream: Vec<(Var, Var)> = outputs
            .iter()
            .enumerate()
            .map(|(o, v)| {
                let shape = g.shape(*v).clone();
                (*v, g.input(&format!("dy{o}"), shape))
            })
            .collect();
        let vars: Vec<Var> = wanted.iter().map(|&i| vars[i]).collect();
        let grads = g.grad_from(&upstream, &vars).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (i, d) in wanted.iter().zip(grads) {
            g.output(&format!("dx{i}"), d);
        }
    }
    let states = States::new(&device);
    let program = Program::new(&g, &states, Options { poison: true, ..Options::default() }).unwrap_or_else(|e| panic!("{name}: {e}"));
    let single = |v: &[f64]| v.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    for (i, x) in values.iter().enumerate() {
        program.write(&format!("x{i}"), &single(x)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    for (o, dy) in dys.iter().enumerate().filter(|_| !wanted.is_empty()) {
        program.write(&format!("dy{o}"), &single(dy)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    program.run().unwrap_or_else(|e| panic!("{name}: {e}"));
    let compare = |label: String, want: &[f64]| {
        let got = program.read(&label).unwrap_or_else(|e| panic!("{name}: {e}"));
        let e = error(&got, want);
        assert!(e <= tol, "{name}: {label} error {e:.2e} > {tol:.0e}");
    };
    for (o, want) in want.iter().enumerate() {
        compare(format!("y{o}"), want);
    }
    if !wanted.is_empty() {
        let grads = backward(&values, &dys);
        for i in wanted {
            compare(format!("dx{i}"), grads[i].as_ref().unwrap_or_else(|| panic!("{name}: the reference has no gradient {i}")));
        }
    }
    assert_eq!(program.overruns().unwrap_or_else(|e| panic!("{name}: {e}")), 0, "{name}: wrote past the end of a value");
}

/// Outputs of a graph as the GPU makes them of `inputs`, for what no tolerance on the largest value can tell: NaNs, extremes.
pub fn outputs(inputs: &[(Shape, &[f32])], build: impl Fn(&mut Graph, &[Var]) -> emotone::Result<Vec<Var>>) -> Option<Vec<Vec<f32>>> {
    let device = device()?;
    let run = || -> emotone::Result<Vec<Vec<f32>>> {
        let mut g = Graph::new();
        let vars: Vec<Var> = inputs.iter().enumerate().map(|(i, (shape, _))| g.input(&format!("x{i}"), shape.clone())).collect();
        let outputs = build(&mut g, &vars)?;
        outputs.iter().enumerate().for_each(|(o, v)| g.output(&format!("y{o}"), *v));
        let program = Program::new(&g, &States::new(&device), Options { poison: true, ..Options::default() })?;
        for (i, (_, values)) in inputs.iter().enumerate() {
            program.write(&format!("x{i}"), values)?;
        }
        program.run()?;
        (0..outputs.len()).map(|o| program.read(&format!("y{o}"))).collect()
    };
    Some(run().unwrap_or_else(|e| panic!("{e}")))
}

/// Cooperative matrices, where the adapter has them.
pub fn cooperative() -> Option<Fragments> {
    let fragments = Fragments::of(device()?.caps());
    if fragments.is_none() {
        eprintln!("SKIPPED: the adapter has no cooperative matrices of half-precision operands and single-precision sums");
    }
    fragments
}

/// The values rounded to half precision.
pub fn halves(v: &[f64]) -> Vec<f64> {
    v.iter().map(|v| half::f16::from_f64(*v).to_f64()).collect()
}
