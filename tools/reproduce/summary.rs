//! What several runs of a setup come to.

use crate::runs::Outcome;
use anyhow::{Result, ensure};
use emotone::train::metrics::{deviation, mean};
use std::collections::BTreeMap;

/// A setup over its seeds and splits.
pub struct Summary {
    /// Runs.
    pub runs: usize,
    pub seeds: usize,
    /// Classes, those of the paper first and in its order.
    pub classes: Vec<String>,
    /// Mean recall of each class.
    pub recall: Vec<Option<f64>>,
    /// Unweighted average recall: the mean, and the half-width of the interval.
    pub uar: f64,
    pub uar_half: Option<f64>,
    pub macro_f1: f64,
    pub parameters: usize,
    /// Mean seconds of training.
    pub seconds: f64,
    pub clips_per_s: Option<f64>,
    /// Counts over all runs, rows the truth.
    pub confusion: Vec<Vec<u64>>,
}

impl Summary {
    /// The means over runs. The interval of UAR is the spread of the runs, twice their standard error, where there are several; else the
    /// bootstrap interval of the one run over its clips.
    pub fn of(outcomes: &[Outcome]) -> Result<Self> {
        ensure!(!outcomes.is_empty(), "no runs to sum up");
        let tests = || outcomes.iter().map(|o| &o.test);
        let known = &outcomes[0].test.classes;
        ensure!(tests().all(|t| t.classes == *known), "runs with different classes: {known:?} and others");
        let order = in_order(known);
        let classes: Vec<String> = order.iter().map(|&i| known[i].clone()).collect();
        let recall = classes.iter().map(|c| mean(tests().filter_map(|t| t.recall.get(c).copied().flatten()))).collect();
        let uars: Vec<f64> = tests().filter_map(|t| t.uar).collect();
        let uar = mean(uars.iter().copied()).unwrap_or(f64::NAN);
        let confusion = order.iter().map(|&t| order.iter().map(|&p| tests().map(|m| m.confusion[t][p]).sum()).collect()).collect();
        let seeds: BTreeMap<u64, ()> = outcomes.iter().map(|o| (o.seed, ())).collect();
        Ok(Summary {
            runs: outcomes.len(),
            seeds: seeds.len(),
            recall,
            uar,
            uar_half: half(&uars).or_else(|| outcomes[0].test.intervals.map(|i| (i.uar.high - i.uar.low) / 2.0)),
            macro_f1: mean(tests().filter_map(|t| t.macro_f1)).unwrap_or(f64::NAN),
            parameters: outcomes[0].parameters,
            seconds: mean(outcomes.iter().map(|o| o.seconds)).unwrap_or(0.0),
            clips_per_s: mean(outcomes.iter().filter_map(|o| o.clips_per_s)),
            confusion,
            classes,
        })
    }
}

/// Beginnings of the paper's classes in its order, and of what comes nearest to gentleness elsewhere.
const PAPER: [&[&str]; 4] = [&["happ", "joy"], &["sad"], &["ang"], &["gentle", "calm"]];

/// Indices of the classes: the paper's first.
fn in_order(classes: &[String]) -> Vec<usize> {
    let place = |i: &usize| PAPER.iter().position(|words| words.iter().any(|w| classes[*i].starts_with(w))).unwrap_or(PAPER.len());
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(place);
    order
}

/// Twice the standard error of several values.
fn half(values: &[f64]) -> Option<f64> {
    deviation(values).map(|d| 2.0 * d / (values.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_classes_come_first() {
        let classes = ["anger", "calm", "fear", "happiness", "sadness"].map(String::from);
        assert_eq!(in_order(&classes), [3, 4, 0, 1, 2]);
    }

    #[test]
    fn intervals_need_several_runs() {
        assert_eq!(half(&[0.5]), None);
        assert!((half(&[0.5, 0.7]).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(half(&[0.6, 0.6, 0.6]), Some(0.0));
    }
}
