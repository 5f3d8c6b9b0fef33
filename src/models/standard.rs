//! Vectors brought to the mean and deviation of those that a machine was solved on.

use crate::graph::Var;
use crate::nn::{Context, Init};
use crate::{Result, ops, parallel};
use std::collections::BTreeSet;

/// `(x − mean) / std` with the statistics `mean` and `std` of the place: (B, n) -> (B, n). With a `reach`, what lies further from 0 is brought to
/// it; 0 is none.
pub(super) fn standardise(cx: &mut Context, x: Var, n: usize, reach: f32) -> Result<Var> {
    let mean = cx.statistic("mean", [n], Init::Fill(0.0))?;
    let std = cx.statistic("std", [n], Init::Fill(1.0))?;
    let var = ops::mul(cx.g, std, std)?;
    let (ones, zeros) = (cx.g.constant([n], &vec![1.0; n])?, cx.g.constant([n], &vec![0.0; n])?);
    let z = ops::batch_norm_eval(cx.g, x, [ones, zeros], [mean, var], 0.0, false)?;
    if reach == 0.0 {
        return Ok(z);
    }
    // reach − max(0, 2 reach − max(0, z + reach)).
    let up = ops::affine(cx.g, z, 1.0, reach)?;
    let up = ops::relu(cx.g, up)?;
    let down = ops::affine(cx.g, up, -1.0, 2.0 * reach)?;
    let down = ops::relu(cx.g, down)?;
    ops::affine(cx.g, down, -1.0, reach)
}

/// Mean and population standard deviation of each value; 1 for what never changes.
pub(super) fn moments(rows: &[&[f32]]) -> (Vec<f64>, Vec<f64>) {
    let (n, width) = (rows.len().max(1) as f64, rows.first().map_or(0, |r| r.len()));
    let (mut mean, mut square) = (vec![0.0; width], vec![0.0; width]);
    rows.iter().for_each(|r| mean.iter_mut().zip(*r).for_each(|(m, v)| *m += f64::from(*v)));
    mean.iter_mut().for_each(|m| *m /= n);
    rows.iter().for_each(|r| square.iter_mut().zip(&mean).zip(*r).for_each(|((s, m), v)| *s += (f64::from(*v) - m).powi(2)));
    let std = square.iter().map(|s| if *s == 0.0 { 1.0 } else { (s / n).sqrt() }).collect();
    (mean, std)
}

/// [`standardise`] on the host, with the very statistics that the network has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standard {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
    pub reach: f64,
}

/// Values of a vector that are looked at together.
const AT_ONCE: usize = 512;
/// Deviations below this are rounding.
const LEAST: f64 = 1e-8;

impl Standard {
    /// That of vectors of several corpora, which count alike: the mean of their means, and the root of the mean of their variances. `rows` names
    /// the vectors that are looked at, and `corpora` the corpus of each of all.
    pub fn of(inputs: &[&[f32]], corpora: &[usize], rows: &[usize], reach: f64) -> Standard {
        let width = inputs.first().map_or(0, |x| x.len());
        let all: BTreeSet<usize> = rows.iter().map(|&i| corpora[i]).collect();
        let own: Vec<Vec<&[f32]>> = all.iter().map(|c| rows.iter().filter(|&&i| corpora[i] == *c).map(|&i| inputs[i]).collect()).collect();
        let part = |p: usize| {
            let columns = p * AT_ONCE..width.min((p + 1) * AT_ONCE);
            let (mut mean, mut var) = (vec![0.0; columns.len()], vec![0.0; columns.len()]);
            for rows in &own {
                let rows: Vec<&[f32]> = rows.iter().map(|row| &row[columns.clone()]).collect();
                let (own, std) = moments(&rows);
                // What never changes has a deviation of 1 there.
                let constant = |k: usize| rows.iter().all(|row| row[k] == rows[0][k]);
                mean.iter_mut().zip(&own).for_each(|(m, own)| *m += own / all.len() as f64);
                var.iter_mut().zip(&std).enumerate().filter(|(k, (_, s))| **s != 1.0 || !constant(*k)).for_each(|(_, (v, s))| {
                    *v += s * s / all.len() as f64;
                });
            }
            mean.into_iter().zip(var).map(|(m, v)| (m as f32, if v.sqrt() < LEAST { 1.0 } else { v.sqrt() as f32 })).collect::<Vec<_>>()
        };
        let (mean, std) = parallel::map(parallel::cores(), width.div_ceil(AT_ONCE), part).into_iter().flatten().unzip();
        Standard { mean, std, reach }
    }

    /// The values of a vector from the `first` on, as many as there is room for in `z`.
    pub fn bring(&self, x: &[f32], first: usize, z: &mut [f64]) {
        let reach = if self.reach == 0.0 { f64::INFINITY } else { self.reach };
        for (z, ((x, m), s)) in z.iter_mut().zip(x[first..].iter().zip(&self.mean[first..]).zip(&self.std[first..])) {
            *z = ((f64::from(*x) - f64::from(*m)) / f64::from(*s)).clamp(-reach, reach);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Options, Program, States};
    use crate::gpu::{AdapterRequest, Device};
    use crate::graph::{Graph, Shape};
    use crate::nn::{Params, Weights};
    use crate::reference::noise;

    /// The network brings vectors to where the host does.
    #[test]
    fn network_and_host_agree() {
        let Ok(device) = Device::open(&AdapterRequest::from_env()) else {
            return eprintln!("no adapter: networks run on one");
        };
        let (n, rows) = (67, 5);
        let x: Vec<f32> = noise(3, n * rows).into_iter().map(|v| 4.0 + 3.0 * v as f32).collect();
        let vectors: Vec<&[f32]> = x.chunks(n).collect();
        for reach in [0.0, 1.0] {
            let standard = Standard::of(&vectors, &vec![0; rows], &[0, 1, 2], reach);
            let (mut g, mut params) = (Graph::new(), Params::new(|_| false));
            let mut cx = Context::new(&mut g, &mut params, false);
            let input = cx.input("x", [rows, n]);
            let z = standardise(&mut cx, input, n, reach as f32).unwrap();
            g.output("z", z);
            let tensor = |values: &Vec<f32>| (Shape(vec![n]), values.clone());
            let weights = Weights::from([("mean".into(), tensor(&standard.mean)), ("std".into(), tensor(&standard.std))]);
            let mut states = States::new(&device);
            params.allocate(&mut states).unwrap();
            params.upload(&states, &weights, true).unwrap();
            let program = Program::new(&g, &states, Options::default()).unwrap();
            program.write("x", &x).unwrap();
            program.run().unwrap();
            let got = program.read("z").unwrap();
            let (mut z, mut most) = (vec![0.0; n], 0f64);
            for (row, got) in vectors.iter().zip(got.chunks(n)) {
                standard.bring(row, 0, &mut z);
                for (want, got) in z.iter().zip(got) {
                    most = most.max(want.abs());
                    assert!((want - f64::from(*got)).abs() < 1e-5 * want.abs().max(1.0), "{got} is not {want} with a reach of {reach}");
                }
            }
            assert!(if reach == 0.0 { most > 1.5 } else { most == reach }, "{most}");
        }
    }
}
