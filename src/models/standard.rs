//! Vectors brought to the mean and deviation of those that a machine was solved on.

use crate::graph::Var;
use crate::nn::{Context, Init};
use crate::{Result, ops};

/// `(x − mean) / std` with the statistics `mean` and `std` of the place: (B, n) -> (B, n).
pub(super) fn standardise(cx: &mut Context, x: Var, n: usize) -> Result<Var> {
    let mean = cx.statistic("mean", [n], Init::Fill(0.0))?;
    let std = cx.statistic("std", [n], Init::Fill(1.0))?;
    let var = ops::mul(cx.g, std, std)?;
    let (ones, zeros) = (cx.g.constant([n], &vec![1.0; n])?, cx.g.constant([n], &vec![0.0; n])?);
    ops::batch_norm_eval(cx.g, x, [ones, zeros], [mean, var], 0.0, false)
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
