//! Machines with kernels by sequential minimal optimisation (Platt 1998) of the dual objective, two coefficients at a time, chosen by second
//! order (Fan, Chen & Lin 2005, as libsvm does).

use crate::compile::{Options, Program, States};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::{Error, Result, ops};
use std::sync::Arc;

/// A machine: 0 ≤ alpha ≤ C with Σ alpha t = 0, and the bias.
pub(super) struct Machine {
    pub alpha: Vec<f64>,
    pub bias: f64,
    /// `Σ alpha − |w|²/2`.
    pub dual: f64,
    /// `|w|²/2 + C Σ max(0, 1 − t f)`: never less than any dual value.
    pub primal: f64,
}

/// How far the optimality conditions may be violated.
const TOLERANCE: f64 = 1e-6;
/// Stands in for a curvature that rounding has made none.
const TAU: f64 = 1e-12;
/// Steps between looks at whether to go on.
const LOOK: usize = 4096;
/// Rows of the matrix that the device makes at once.
const ROWS: usize = 256;
/// Most bytes of a matrix.
const MOST: u64 = 1 << 33;

/// A symmetric matrix.
pub(super) struct Matrix {
    n: usize,
    values: Vec<f32>,
}

impl Matrix {
    fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.n..][..self.n]
    }
}

/// The Gaussian kernel between all rows, made on the device of products.
///
/// # Errors
/// [`Error::Config`] for more rows than fit; device faults.
pub(super) fn kernel_matrix(device: &Arc<Device>, rows: &[&[f64]], gamma: f32) -> Result<Matrix> {
    let (n, width) = (rows.len(), rows.first().map_or(0, |r| r.len()));
    let bytes = 4 * (n as u64).pow(2);
    if bytes > MOST {
        return Err(Error::Config(format!("model.kernel = rbf: the kernel matrix of the {n} clips of two classes takes {bytes} bytes; use --set model.kernel=linear")));
    }
    let mut values = Vec::with_capacity(n * n);
    if n == 0 {
        return Ok(Matrix { n, values });
    }
    let mut g = Graph::new();
    let (some, all) = (g.input("x", [ROWS.min(n), width]), g.input("y", [n, width]));
    let k = ops::rbf(&mut g, some, all, gamma)?;
    g.output("k", k);
    let program = Program::new(&g, &States::new(device), Options::default())?;
    let flat: Vec<f32> = rows.iter().flat_map(|r| r.iter().map(|&v| v as f32)).collect();
    program.write("y", &flat)?;
    let block = ROWS.min(n) * width;
    for part in flat.chunks(block) {
        let mut x = part.to_vec();
        x.resize(block, 0.0);
        program.write("x", &x)?;
        program.run()?;
        values.extend_from_slice(&program.read("k")?[..part.len() / width.max(1) * n]);
    }
    // Rounding may differ between the two halves and on the diagonal; the theory wants them alike.
    for i in 0..n {
        values[i * n + i] = 1.0;
        for j in 0..i {
            values[i * n + j] = values[j * n + i];
        }
    }
    Ok(Matrix { n, values })
}

/// The machine on clips whose kernel is `k`, with targets t = ±1. `go_on` is asked now and then.
///
/// # Errors
/// That of `go_on`.
pub(super) fn solve(k: &Matrix, t: &[f64], cost: f64, go_on: &mut dyn FnMut() -> Result<()>) -> Result<Machine> {
    let n = t.len();
    let mut alpha = vec![0.0; n];
    // Gradient of |w|²/2 − Σ alpha.
    let mut gradient = vec![-1.0; n];
    let most = 10_000_000.max(100 * n);
    for step in 0..most {
        if step % LOOK == LOOK - 1 {
            go_on()?;
        }
        let Some((i, j)) = working_set(k, t, cost, &alpha, &gradient) else { break };
        let before = (alpha[i], alpha[j]);
        move_pair(k, t, cost, &mut alpha, &gradient, (i, j));
        let (di, dj) = ((alpha[i] - before.0) * t[i], (alpha[j] - before.1) * t[j]);
        for (((g, t), a), b) in gradient.iter_mut().zip(t).zip(k.row(i)).zip(k.row(j)) {
            *g += t * (di * f64::from(*a) + dj * f64::from(*b));
        }
    }
    let bias = bias(t, cost, &alpha, &gradient);
    // Σ_j alpha_i alpha_j t_i t_j K_ij = Σ alpha (gradient + 1).
    let square: f64 = alpha.iter().zip(&gradient).map(|(a, g)| a * (g + 1.0)).sum();
    let slack: f64 = gradient.iter().zip(t).map(|(g, t)| (-g - t * bias).max(0.0)).sum();
    let dual = alpha.iter().sum::<f64>() - 0.5 * square;
    Ok(Machine { alpha, bias, dual, primal: 0.5 * square + cost * slack })
}

/// Whether alpha may move so that alpha t grows.
fn may_grow(t: f64, alpha: f64, cost: f64) -> bool {
    if t > 0.0 { alpha < cost } else { alpha > 0.0 }
}

/// The pair that violates the optimality conditions and promises the most; none where they hold.
fn working_set(k: &Matrix, t: &[f64], cost: f64, alpha: &[f64], gradient: &[f64]) -> Option<(usize, usize)> {
    let up = (0..t.len()).filter(|&i| may_grow(t[i], alpha[i], cost));
    let i = up.max_by(|&a, &b| (-t[a] * gradient[a]).total_cmp(&(-t[b] * gradient[b])).then(b.cmp(&a)))?;
    let (top, row) = (-t[i] * gradient[i], k.row(i));
    let (mut best, mut j, mut worst) = (0.0, None, f64::NEG_INFINITY);
    for q in (0..t.len()).filter(|&q| may_grow(-t[q], alpha[q], cost)) {
        let value = t[q] * gradient[q];
        worst = worst.max(value);
        let difference = top + value;
        if difference > 0.0 {
            let curvature = curvature(k, i, q, row[q]);
            let gain = difference * difference / curvature;
            if gain > best {
                (best, j) = (gain, Some(q));
            }
        }
    }
    if top + worst < TOLERANCE { None } else { j.map(|j| (i, j)) }
}

fn curvature(k: &Matrix, i: usize, j: usize, kij: f32) -> f64 {
    (f64::from(k.row(i)[i]) + f64::from(k.row(j)[j]) - 2.0 * f64::from(kij)).max(TAU)
}

/// Moves two coefficients to the minimum along the line that keeps Σ alpha t, within their box.
fn move_pair(k: &Matrix, t: &[f64], cost: f64, alpha: &mut [f64], gradient: &[f64], (i, j): (usize, usize)) {
    let curvature = curvature(k, i, j, k.row(i)[j]);
    // alpha_i t_i grows by `step`, alpha_j t_j shrinks by it.
    let step = (-t[i] * gradient[i] + t[j] * gradient[j]) / curvature;
    let room = |t: f64, a: f64| if t > 0.0 { cost - a } else { a };
    let (room_i, room_j) = (room(t[i], alpha[i]), room(-t[j], alpha[j]));
    let step = step.min(room_i).min(room_j);
    // At the end of its room a coefficient is exactly at its bound.
    let end = |t: f64| if t > 0.0 { cost } else { 0.0 };
    alpha[i] = if step == room_i { end(t[i]) } else { alpha[i] + t[i] * step };
    alpha[j] = if step == room_j { end(-t[j]) } else { alpha[j] - t[j] * step };
}

/// The bias: what free vectors agree on, or the middle of what the bounds leave.
fn bias(t: &[f64], cost: f64, alpha: &[f64], gradient: &[f64]) -> f64 {
    let (mut low, mut high, mut sum, mut free) = (f64::NEG_INFINITY, f64::INFINITY, 0.0, 0);
    for i in 0..t.len() {
        let value = -t[i] * gradient[i];
        if alpha[i] > 0.0 && alpha[i] < cost {
            (sum, free) = (sum + value, free + 1);
            continue;
        }
        // Optimal is −t g ≤ bias where alpha t may grow, ≥ where it may shrink.
        if may_grow(t[i], alpha[i], cost) { low = low.max(value) } else { high = high.min(value) }
    }
    match (free > 0, low.is_finite() && high.is_finite()) {
        (true, _) => sum / f64::from(free),
        (_, true) => 0.5 * (low + high),
        _ => [low, high].into_iter().find(|v| v.is_finite()).unwrap_or(0.0),
    }
}
