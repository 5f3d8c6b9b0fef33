//! Measures which variant of each matrix product and convolution is the fastest on an adapter.
//!
//! Only variants this adapter may run take part (what [`doctor`](crate::doctor) switched off does not), and only if they agree with the
//! heuristic's variant on the very problem. Variants differ in the order of their sums, so another one changes the last bits of a
//! result: the tuned cache is kept with a run's state and with its model, and replayed from there.

use crate::compile::{Options, States, Storage, Trial, TrialPass, assemble};
use crate::gpu::Device;
use crate::gpu::cache::TUNED;
use crate::graph::{Graph, Shape, Var};
use crate::kernels::conv2d;
use crate::kernels::matmul::Product;
use crate::kernels::{Problem, Target, TunedCache};
use crate::ops::{self, Conv2d};
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// The share of the heuristic's time that another variant must stay under, so that chance decides little.
const CLEARLY: f64 = 0.95;
/// Largest difference from the heuristic's result, relative to its largest value: sums of many terms in another order, Winograd's transforms.
const TOLERANCE: f32 = 1e-4;
/// The same of results that are rounded to 11 bits.
const TOLERANCE_OF_HALVES: f32 = 2e-3;
/// A variant is run until this much time was measured, but at least [`RUNS`] times and at most [`MOST`]: a device takes microseconds for small
/// problems, and the host a hundred times as long to ask for them.
const ENOUGH: Duration = Duration::from_millis(30);
const RUNS: usize = 3;
const MOST: usize = 50;
/// A variant this much slower than the heuristic's in its first run is not run again.
const HOPELESS: u32 = 3;

/// What was measured, now or before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tuned {
    /// The variant of each problem that has several.
    pub cache: TunedCache,
    /// Problems measured now.
    pub measured: usize,
    /// Problems taken over from earlier runs on this adapter and driver.
    pub known: usize,
    /// Problems whose variant is not the heuristic's.
    pub changed: usize,
    /// Whether later runs will know.
    pub kept: bool,
}

/// Chooses a variant for each of `problems`: one measured before on this adapter and driver, else the fastest now; the results are kept
/// for later runs. `progress` hears how many of how many are done.
///
/// # Errors
/// Device faults.
pub fn tune(device: &Arc<Device>, problems: &[Problem], half: bool, progress: &mut dyn FnMut(usize, usize)) -> Result<Tuned> {
    let target = &Target { half, ..Target::new(device) };
    let mut distinct: Vec<(String, &Problem)> = problems.iter().map(|p| (p.key(target), p)).collect();
    distinct.sort_by(|a, b| a.0.cmp(&b.0));
    distinct.dedup_by(|a, b| a.0 == b.0);
    distinct.retain(|(_, p)| p.candidates(target).len() > 1);
    let mut kept = device.cache().recall::<TunedCache>(TUNED).unwrap_or_default();
    let mut result = Tuned::default();
    for (i, (key, problem)) in distinct.iter().enumerate() {
        progress(i, distinct.len());
        let heuristic = problem.heuristic(target);
        let name = match kept.get(key).filter(|n| problem.candidates(target).contains(n)) {
            Some(name) => {
                result.known += 1;
                name.clone()
            }
            None => {
                result.measured += 1;
                fastest(device, problem, key, half, &heuristic, problem.candidates(target))?
            }
        };
        result.changed += usize::from(name != heuristic);
        kept.insert(key.clone(), name.clone());
        result.cache.insert(key.clone(), name);
    }
    progress(distinct.len(), distinct.len());
    result.kept = result.measured == 0 || device.cache().remember(TUNED, Some(&kept));
    Ok(result)
}

/// The fastest of `candidates` that agrees with the heuristic's.
fn fastest(device: &Arc<Device>, problem: &Problem, key: &str, half: bool, heuristic: &str, candidates: Vec<String>) -> Result<String> {
    let trial = |name: &str| {
        let tuned = Arc::new(TunedCache::from([(key.to_string(), name.to_string())]));
        let storage = if half { Storage::Throughout } else { Storage::Single };
        compile(device, problem, Options { half, storage, tuned, ..Options::default() })
    };
    let first = trial(heuristic)?;
    let expected = result(&first)?;
    let standard = time(&first, None)?;
    let mut best = (heuristic.to_string(), standard.mul_f64(CLEARLY));
    for name in candidates.into_iter().filter(|n| n != heuristic) {
        let other = trial(&name)?;
        if !agree(&expected, &result(&other)?, if half { TOLERANCE_OF_HALVES } else { TOLERANCE }) {
            continue;
        }
        let time = time(&other, Some(standard * HOPELESS))?;
        if time < best.1 {
            best = (name, time);
        }
    }
    match best.0 == heuristic {
        true => Ok(best.0),
        // Clocks rise while a device works, so what ran later looks faster: the two in turns decide.
        false => Ok(if duel(&first, &trial(&best.0)?)? { best.0 } else { heuristic.to_string() }),
    }
}

/// Whether `other` is clearly faster than `standard`, run in turns.
fn duel(standard: &Trial, other: &Trial) -> Result<bool> {
    let (mut best, mut sum) = ([Duration::MAX; 2], Duration::ZERO);
    for runs in 0..MOST {
        if runs >= RUNS && sum >= 2 * ENOUGH {
            break;
        }
        for (best, trial) in best.iter_mut().zip([standard, other]) {
            let time = trial.time()?;
            (*best, sum) = (time.min(*best), sum + time);
        }
    }
    Ok(best[1] < best[0].mul_f64(CLEARLY))
}

fn agree(expected: &[f32], got: &[f32], tolerance: f32) -> bool {
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    // A NaN on either side fails.
    expected.len() == got.len() && expected.iter().zip(got).all(|(e, g)| (e - g).abs() <= tolerance * largest)
}

/// One problem solved by one variant, on numbers of both signs.
fn compile(device: &Arc<Device>, problem: &Problem, options: Options) -> Result<Trial> {
    let ([a, b], pass) = match problem {
        Problem::Product(p) => {
            let [ta, tb] = layout(p)?;
            let a = if ta { [p.batch, p.k, p.m] } else { [p.batch, p.m, p.k] };
            let b = if tb { [p.batch, p.n, p.k] } else { [p.batch, p.k, p.n] };
            ([Shape::from(a), Shape::from(b)], TrialPass::Forward)
        }
        Problem::Convolution(conv2d::ConvolutionProblem { geometry: c, pass }) => {
            let x = [c.n, c.groups * c.cin, c.input[0], c.input[1]];
            let w = [c.groups * c.cout, c.cin, c.kernel[0], c.kernel[1]];
            let pass = match pass {
                conv2d::Pass::Forward => TrialPass::Forward,
                conv2d::Pass::Input => TrialPass::Gradient(vec![0]),
                conv2d::Pass::Weight => TrialPass::Gradient(vec![1]),
            };
            ([x.into(), w.into()], pass)
        }
    };
    let build = |g: &mut Graph, x: &mut [Var]| match problem {
        Problem::Product(p) => layout(p).and_then(|[ta, tb]| ops::matmul(g, x[0], x[1], ta, tb)),
        Problem::Convolution(conv2d::ConvolutionProblem { geometry: c, .. }) => {
            let spec = Conv2d { stride: c.stride, padding: c.padding, dilation: c.dilation, groups: c.groups };
            ops::conv2d(g, x[0], x[1], None, spec)
        }
    };
    let graph = assemble(&[(a, None), (b, None)], &pass, &|_| true, |g, x| Ok(vec![build(g, x)?]))?;
    let trial = Trial::new(&graph, &States::new(device), &pass, options)?;
    for (i, (name, shape)) in trial.inputs.iter().enumerate() {
        trial.program.write(name, &numbers(i as u32, shape.elements()))?;
    }
    Ok(trial)
}

/// Which operands of a product are stored transposed.
fn layout(p: &Product) -> Result<[bool; 2]> {
    let fits = |t: &[bool; 2]| {
        let q = Product::new(p.batch, p.m, p.n, p.k, t[0], t[1]);
        (q.a, q.b) == (p.a, p.b)
    };
    let layouts = [[false, false], [false, true], [true, false], [true, true]];
    layouts.into_iter().find(fits).ok_or_else(|| Error::Graph(format!("a product of strides {:?} and {:?} cannot be tuned", p.a, p.b)))
}

/// Runs for the first time, which compiles the kernels.
fn result(trial: &Trial) -> Result<Vec<f32>> {
    trial.program.run()?;
    trial.outputs.first().map_or(Ok(Vec::new()), |y| trial.program.read(y))
}

/// The shortest of several runs; of one where that takes `limit` or more.
fn time(trial: &Trial, limit: Option<Duration>) -> Result<Duration> {
    let (mut best, mut sum) = (Duration::MAX, Duration::ZERO);
    let mut runs = 0;
    while runs < RUNS || sum < ENOUGH && runs < MOST {
        let time = trial.time()?;
        (best, sum, runs) = (best.min(time), sum + time, runs + 1);
        if limit.is_some_and(|l| time >= l) {
            break;
        }
    }
    Ok(best)
}

/// `n` numbers in [-1, 1), the same each time (multiplicative hashing).
fn numbers(seed: u32, n: usize) -> Vec<f32> {
    let value = |i: usize| (i as u32).wrapping_add(seed << 16).wrapping_mul(2_654_435_761).rotate_left(15).wrapping_mul(2_246_822_519);
    (0..n).map(|i| (value(i) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_agree_up_to_rounding() {
        let agree = |a: &[f32], b: &[f32]| super::agree(a, b, TOLERANCE);
        assert!(agree(&[1000.0, 1.0], &[1000.05, 1.05]));
        assert!(!agree(&[1000.0, 1.0], &[1000.2, 1.0]));
        assert!(!agree(&[f32::NAN], &[f32::NAN]) && !agree(&[1.0], &[f32::NAN]) && !agree(&[1.0], &[]));
    }

    #[test]
    fn the_numbers_are_of_both_signs() {
        let v = numbers(1, 10_000);
        let mean = v.iter().sum::<f32>() / v.len() as f32;
        assert!(mean.abs() < 0.03 && v.iter().all(|v| v.abs() <= 1.0) && v != numbers(2, 10_000));
    }
}
