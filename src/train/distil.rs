//! What learning from a teacher means: its distribution at a temperature, what that adds to a task's loss, and what a model keeps of it.

use super::config::Distil;
use crate::graph::{Graph, Var};
use crate::words::words;
use crate::{Result, ops};
use serde::{Deserialize, Serialize};

words! {
    /// What a teacher gives for each recording.
    Lesson {
        /// A probability for each class.
        Answers = "answers",
        /// A vector.
        Embeddings = "embeddings",
    }
}

/// The teacher of a model, as its file and report name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taught {
    /// The name of the teacher's file.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What it gave.
    pub lesson: Lesson,
}

/// The least probability a teacher is taken to give a class, so that there is a logarithm of it.
const LEAST: f64 = 1e-12;

/// The name under which a batch carries the teacher's distribution beside the targets of `task`; no task is called so.
pub fn key(task: &str) -> String {
    format!("{task}.teacher")
}

/// A teacher's distribution at a temperature: `softmax(ln p / T)`, which is `softmax(z / T)` of the logits `z` that `p` came from. `p` need
/// not sum to one; each is taken as at least 1e-12. `None` where all are 0, or one is negative or not a number.
pub fn soften(p: &[f32], temperature: f64) -> Option<Vec<f32>> {
    if !p.iter().all(|p| *p >= 0.0 && p.is_finite()) || p.iter().all(|p| *p == 0.0) {
        return None;
    }
    let total: f64 = p.iter().map(|p| f64::from(*p)).sum();
    let logits: Vec<f64> = p.iter().map(|p| (f64::from(*p) / total).max(LEAST).ln() / temperature).collect();
    let top = logits.iter().fold(f64::MIN, |m, l| m.max(*l));
    let shares: Vec<f64> = logits.iter().map(|l| (l - top).exp()).collect();
    let sum: f64 = shares.iter().sum();
    Some(shares.iter().map(|s| (s / sum) as f32).collect())
}

/// The loss of a task with a teacher's answers: `(1 − share)·own + share·T²·KL(q ‖ softmax(logits/T))`, the divergence averaged over the
/// rows that have an answer (Hinton et al. 2015).
///
/// # Shapes
/// `own` (1), `logits` and `teacher` (B, K), `weight` (B); the result is (1).
///
/// # Errors
/// Shape errors of the ops.
pub fn loss(g: &mut Graph, distil: &Distil, own: Var, logits: Var, teacher: Var, weight: Option<Var>) -> Result<Var> {
    let divergence = ops::kl_distillation(g, logits, teacher, weight, distil.temperature as f32)?;
    let own = ops::scale(g, own, (1.0 - distil.share) as f32)?;
    let divergence = ops::scale(g, divergence, distil.share as f32)?;
    ops::add(g, own, divergence)
}

/// A teacher's probabilities p as answers of machines that say 1 to a class and −1 to another: `τ (ln p − mean ln p) + 2/K − 1` over its K classes,
/// with the τ that is closest to the rows' `classes` by least squares, over those that are `labelled` where any is. Of a teacher that is such machines
/// under a softmax these are its own answers, as far as the labels bear them out, whatever its temperature.
pub fn answers(said: &[Option<Vec<f32>>], classes: &[usize], labelled: &[bool]) -> Vec<Option<Vec<f32>>> {
    let centred = |p: &Vec<f32>| {
        let logs: Vec<f64> = p.iter().map(|p| f64::from(*p).max(LEAST).ln()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
        logs.into_iter().map(|l| l - mean).collect::<Vec<f64>>()
    };
    let logs: Vec<Option<Vec<f64>>> = said.iter().map(|p| p.as_ref().map(centred)).collect();
    let taught = |n: usize| logs[n].is_some() && labelled[n];
    let any = (0..logs.len()).any(taught);
    let (mut along, mut square) = (0.0, 0.0);
    for (n, row) in logs.iter().enumerate().filter(|(n, _)| !any || taught(*n)) {
        // The sum over classes of a centred value times 1 for its own class and −1 for the rest.
        along += row.as_ref().map_or(0.0, |row| 2.0 * row[classes[n]]);
        square += row.iter().flatten().map(|l| l * l).sum::<f64>();
    }
    let scale = if square > 0.0 { (along / square).max(0.0) } else { 0.0 };
    let answer = |row: Vec<f64>| {
        let level = 2.0 / row.len().max(1) as f64 - 1.0;
        row.into_iter().map(|l| (scale * l + level) as f32).collect()
    };
    logs.into_iter().map(|row| row.map(answer)).collect()
}

/// Scales each column to mean 0 and standard deviation 1 over the rows `over` that are there, so that every dimension of an embedding
/// counts the same whatever its unit.
pub fn standardise(rows: &mut [Option<Vec<f32>>], over: &[usize]) {
    let width = rows.iter().flatten().next().map_or(0, Vec::len);
    for column in 0..width {
        let values: Vec<f64> = over.iter().filter_map(|&i| rows[i].as_ref().map(|r| f64::from(r[column]))).collect();
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let std = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        // A column that never changes says nothing.
        let scale = if std > 1e-9 * mean.abs().max(1e-9) { 1.0 / std } else { 0.0 };
        rows.iter_mut().flatten().for_each(|r| r[column] = ((f64::from(r[column]) - mean) * scale) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softened_teacher_is_the_softmax_of_its_logits_over_the_temperature() {
        let logits = [2.0f64, -1.0, 0.5, 0.0];
        let softmax = |t: f64| {
            let e: Vec<f64> = logits.iter().map(|l| (l / t).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.into_iter().map(|e| e / sum).collect::<Vec<f64>>()
        };
        let p: Vec<f32> = softmax(1.0).iter().map(|p| *p as f32).collect();
        // Shares that sum to another number are the same distribution.
        let double: Vec<f32> = p.iter().map(|p| 2.0 * p).collect();
        for q in [soften(&p, 4.0).unwrap(), soften(&double, 4.0).unwrap()] {
            assert!(q.iter().zip(softmax(4.0)).all(|(q, want)| (f64::from(*q) - want).abs() < 1e-6), "{q:?}");
        }
        let sure = soften(&[1.0, 0.0], 2.0).unwrap();
        assert!((f64::from(sure[1] / sure[0]) - 1e-6).abs() < 1e-9, "{sure:?}");
        assert!([vec![0.0, 0.0], vec![-0.1, 1.0], vec![f32::NAN, 1.0]].iter().all(|p| soften(p, 2.0).is_none()));
    }

    #[test]
    fn answers_of_machines_come_back_from_their_softmax_at_any_temperature() {
        // Machines whose answers sum to 2 − K, each as good as its label says on the average.
        let theirs = [[0.9f32, -0.5, -1.4], [-0.3, 0.7, -1.4], [-1.9, 0.3, 0.6], [0.2, -0.9, -0.3]];
        let (classes, level) = ([0, 1, 2, 2], -1.0 / 3.0);
        let own = |n: usize, k: usize| if classes[n] == k { 1.0 } else { -1.0 };
        let (mut along, mut square) = (0.0, 0.0);
        for (n, row) in theirs.iter().enumerate().take(3) {
            for (k, a) in row.iter().enumerate() {
                along += f64::from(a - level) * own(n, k);
                square += f64::from(a - level).powi(2);
            }
        }
        for temperature in [0.2, 3.0] {
            let said = theirs.map(|row| soften(&row.map(f32::exp), temperature));
            let said = [&said[..], &[None]].concat();
            // The fourth is no label, but what the teacher thinks.
            let found = answers(&said, &[0, 1, 2, 0, 1], &[true, true, true, false, true]);
            assert!(found[4].is_none());
            for (row, wanted) in found.iter().flatten().zip(theirs) {
                for (a, wanted) in row.iter().zip(wanted) {
                    let wanted = level + (along / square) as f32 * (wanted - level);
                    assert!((a - wanted).abs() < 1e-5, "{temperature}: {a} for {wanted}");
                }
            }
        }
        // Without labels by what it thinks itself; a teacher that is wrong throughout teaches nothing but the level.
        let said = [Some(vec![0.9, 0.1])];
        assert_eq!(answers(&said, &[0], &[false]), [Some(vec![1.0, -1.0])]);
        assert_eq!(answers(&said, &[1], &[true]), [Some(vec![0.0, 0.0])]);
        assert_eq!(answers(&[Some(vec![0.5, 0.5])], &[1], &[true]), [Some(vec![0.0, 0.0])]);
    }

    #[test]
    fn columns_are_standardised_over_some_rows() {
        let mut rows = vec![Some(vec![1.0, 7.0]), None, Some(vec![3.0, 7.0]), Some(vec![7.0, 8.0])];
        standardise(&mut rows, &[0, 1, 2]);
        assert_eq!(rows, [Some(vec![-1.0, 0.0]), None, Some(vec![1.0, 0.0]), Some(vec![5.0, 0.0])]);
    }
}
