//! Self-training (Scudder 1965): what some recordings' answers come to when these recordings themselves are what is learnt from, without labels.
//!
//! A machine tells the recordings of another place apart by what told classes apart where it was trained. What the recordings differ in here, they say
//! themselves: a ridge regression on their own features learns their own answers, and learns them along the directions in which the recordings
//! differ most before any other. Its answers are added to the machine's, and learnt again:
//!
//! `p = softmax(β a)`, `f = K (K + λ tr(K)/n)⁻¹ (p − p̄)`, `a = (o + γ n/(n + 10) σ(o − ō) f/σ(f)) / σ(o)`, `a ← a/σ(a)`, `K = z zᵀ / D`
//!
//! of the answers `o` (n, classes), with z the D features of each recording over their deviations, σ the deviation of all values, p̄ and ō the means by class. That the
//! mean is taken from p is why a class of few recordings stays one of few; that f is measured by what recordings differ in, why those that hardly differ
//! are hardly answered differently. What comes out is linear in answers and features: `b o + W x`.

use super::gram::gram;
use super::rows::Rows;
use super::{Standard, Triangle};
use crate::gpu::Device;
use crate::models::cholesky::Factor;
use crate::{Result, parallel};
use std::sync::Arc;

/// β. With values of deviation 1 the likeliest class has half to nine tenths.
const SHARPNESS: f64 = 3.0;
/// λ, in mean eigenvalues: directions of less than the mean deviation say little.
const PENALTY: f64 = 1.0;
/// γ: what the own machine of many recordings counts beside the answers; that of [`FEW`] half as much.
const SHARE: f64 = 1.5;
const FEW: f64 = 10.0;
/// How often is learnt.
const ROUNDS: usize = 3;

/// What is made of a recording's answers o and features x: `own · o + weight x`.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTraining {
    /// The factor of the answers.
    pub own: f64,
    /// (classes, D).
    pub weight: Vec<Vec<f32>>,
    /// The share of p − p̄ that f learns, in the first round.
    pub explained: f64,
}

/// Of the features of some recordings and a machine's answers to them, both centred. `None` where the recordings, or the answers, are all alike.
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for more recordings than fit; device faults.
pub fn self_train(device: Option<&Arc<Device>>, features: &[&[f32]], answers: &[Vec<f64>]) -> Result<Option<SelfTraining>> {
    let (n, classes) = (features.len(), answers.first().map_or(0, Vec::len));
    let all: Vec<usize> = (0..n).collect();
    let standard = Standard { mean: vec![0.0; features.first().map_or(0, |x| x.len())], ..Standard::of(features, &vec![0; n], &all, 0.0) };
    let rows = Rows { inputs: features, standard: &standard };
    let k = gram(device, &rows, &mut |_, _| Ok(()))?;
    let penalty = PENALTY * (0..n).map(|i| k.at(i, i)).sum::<f64>() / n.max(1) as f64;
    let scale = deviation(answers);
    if penalty <= 0.0 || scale <= 0.0 || classes < 2 {
        return Ok(None);
    }
    let o: Vec<Vec<f64>> = answers.iter().map(|a| a.iter().map(|v| v / scale).collect()).collect();
    let counts = SHARE * n as f64 / (n as f64 + FEW) * deviation(&less_means(&o));
    let factor = Factor::of(with_penalty(k, penalty), &mut |_| Ok(()))?;
    let (mut a, mut learnt, mut explained) = (o.clone(), None, 0.0);
    for round in 0..ROUNDS {
        let targets = targets(&a);
        let dual = parallel::map(parallel::cores(), classes, |c| factor.solve(&targets[c]));
        // K x = t − penalty x where (K + penalty) x = t.
        let f: Vec<Vec<f64>> = (0..n).map(|i| (0..classes).map(|c| targets[c][i] - penalty * dual[c][i]).collect()).collect();
        if round == 0 {
            explained = share(&targets, &f);
        }
        let own = deviation(&f);
        if own <= 0.0 {
            return Ok(None);
        }
        let both = |(o, f): (&Vec<f64>, &Vec<f64>)| o.iter().zip(f).map(|(o, f)| o + counts / own * f).collect::<Vec<f64>>();
        a = o.iter().zip(&f).map(both).collect();
        let whole = deviation(&a);
        a.iter_mut().flatten().for_each(|v| *v /= whole);
        learnt = Some((dual, own, whole));
    }
    Ok(learnt.map(|(dual, own, whole)| {
        let factor = counts * scale / (own * whole * rows.width() as f64);
        let sums = rows.sums(&vec![0; n], 1, &dual).swap_remove(0);
        let over = |sum: Vec<f64>| sum.iter().zip(&standard.std).map(|(s, std)| (factor * s / f64::from(*std)) as f32).collect();
        SelfTraining { own: 1.0 / whole, weight: sums.into_iter().map(over).collect(), explained }
    }))
}

fn with_penalty(mut k: Triangle, penalty: f64) -> Triangle {
    k.0.iter_mut().enumerate().for_each(|(i, row)| row[i] += penalty);
    k
}

/// By class, how likely it is for each recording, less the mean.
fn targets(answers: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let likely = |a: &Vec<f64>| {
        let most = a.iter().fold(f64::MIN, |m, v| m.max(*v));
        let e: Vec<f64> = a.iter().map(|v| (SHARPNESS * (v - most)).exp()).collect();
        let sum: f64 = e.iter().sum();
        e.into_iter().map(|e| e / sum).collect::<Vec<f64>>()
    };
    let p = less_means(&answers.iter().map(likely).collect::<Vec<_>>());
    (0..answers[0].len()).map(|class| p.iter().map(|p| p[class]).collect()).collect()
}

/// `1 − |t − f|² / |t|²` of targets by class, and of what is answered by recording.
fn share(targets: &[Vec<f64>], f: &[Vec<f64>]) -> f64 {
    let square = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        targets.iter().enumerate().flat_map(|(c, t)| t.iter().zip(f).map(move |(t, f)| (*t, f[c]))).map(|(t, f)| of(t, f).powi(2)).sum()
    };
    1.0 - square(&|t, f| t - f) / square(&|t, _| t)
}

/// Values less their mean by class.
fn less_means(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mean = |c: usize| rows.iter().map(|r| r[c]).sum::<f64>() / rows.len() as f64;
    let means: Vec<f64> = (0..rows[0].len()).map(mean).collect();
    rows.iter().map(|r| r.iter().zip(&means).map(|(v, mean)| v - mean).collect()).collect()
}

/// The deviation of all values from their mean.
fn deviation(rows: &[Vec<f64>]) -> f64 {
    let values = || rows.iter().flatten();
    let n = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / n;
    (values().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{noise, self_trained};

    /// `count` recordings of `width` features and answers about `classes`, centred.
    fn made(count: usize, width: usize, classes: usize) -> (Vec<Vec<f32>>, Vec<Vec<f64>>) {
        let centred = |seed: u64, width: usize| {
            let mut rows: Vec<Vec<f64>> = (0..count).map(|i| noise(seed + i as u64, width)).collect();
            for c in 0..width {
                let mean = rows.iter().map(|r| r[c]).sum::<f64>() / count as f64;
                rows.iter_mut().for_each(|r| r[c] = (r[c] - mean) * (1 + c) as f64);
            }
            rows
        };
        let features = centred(1, width).into_iter().map(|r| r.into_iter().map(|v| v as f32).collect()).collect();
        (features, centred(1000, classes))
    }

    #[test]
    fn answers_are_those_of_the_equations() {
        for (n, width, classes) in [(2, 3, 2), (9, 5, 3), (12, 31, 4)] {
            let (features, o) = made(n, width, classes);
            let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
            let learnt = self_train(None, &rows, &o).unwrap().unwrap();
            let doubles: Vec<Vec<f64>> = features.iter().map(|x| x.iter().map(|v| f64::from(*v)).collect()).collect();
            for ((x, o), wanted) in features.iter().zip(&o).zip(self_trained(&doubles, &o)) {
                for (c, wanted) in wanted.iter().enumerate() {
                    let said: f64 = learnt.weight[c].iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                    let got = learnt.own * o[c] + said;
                    assert!((got - wanted).abs() < 1e-5 * (1.0 + wanted.abs()), "{n} recordings: {got}, wanted {wanted}");
                }
            }
        }
    }

    /// Two groups that lie apart in many features, and a machine that hears one more beside noise: it is wrong in a third of the recordings.
    #[test]
    fn what_recordings_differ_in_most_is_learnt() {
        let (mut features, mut o) = made(80, 20, 2);
        for (i, (x, o)) in features.iter_mut().zip(&mut o).enumerate() {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            x.iter_mut().enumerate().for_each(|(d, x)| *x += (side * (1 + d) as f64) as f32);
            *o = vec![o[0] + 0.4 * side, -o[0] - 0.4 * side];
        }
        let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let learnt = self_train(None, &rows, &o).unwrap().unwrap();
        let right = |said: &dyn Fn(usize, usize) -> f64| (0..80).filter(|&i| (said(i, 0) > said(i, 1)) == (i % 2 == 0)).count();
        let alone = right(&|i, c| o[i][c]);
        let learnt = right(&|i, c| {
            learnt.own * o[i][c] + learnt.weight[c].iter().zip(&features[i]).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()
        });
        assert!(alone < 55 && learnt > 65, "{alone} of 80, then {learnt}");
    }

    /// Recordings that differ by rounding are answered as they were, but for rounding.
    #[test]
    fn what_hardly_differs_is_hardly_answered_differently() {
        let (features, o) = made(8, 20, 3);
        let near = |(x, o): (&Vec<f32>, &Vec<f64>)| {
            (
                x.iter().map(|v| 1e-6 * v).collect::<Vec<f32>>(),
                o.iter().zip([0.5, -0.2, -0.3]).map(|(v, common)| 1e-6 * v + common).collect::<Vec<f64>>(),
            )
        };
        let (features, o): (Vec<_>, Vec<_>) = features.iter().zip(&o).map(near).unzip();
        let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let learnt = self_train(None, &rows, &o).unwrap().unwrap();
        for (x, o) in features.iter().zip(&o) {
            for (c, o) in o.iter().enumerate() {
                let said = learnt.own * o + learnt.weight[c].iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
                assert!((said - o).abs() < 1e-4, "{o}, then {said}");
            }
        }
    }

    #[test]
    fn nothing_is_learnt_from_recordings_or_answers_that_are_all_alike() {
        let (features, o) = made(6, 4, 3);
        let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let alike = vec![0.0f32; 4];
        assert_eq!(self_train(None, &[alike.as_slice(); 6], &o).unwrap(), None);
        assert_eq!(self_train(None, &rows, &[const { [0.5; 3] }; 6].map(Vec::from)).unwrap(), None);
        assert_eq!(self_train(None, &[], &[]).unwrap(), None);
        assert_eq!(self_train(None, &[alike.as_slice()], &[vec![0.0; 3]]).unwrap(), None);
    }
}
