//! What the answers of several folds come to: means over folds, figures of all answers together, and their intervals.
//!
//! Both are in use and differ: the mean over folds weighs each fold alike, the figure of the pooled answers each class's clips, whichever
//! fold tested them.

use super::metrics::{Confusion, Interval, concordance, deviation, mean, percentiles};
use super::predictions::Predictions;
use super::task::Measure;
use crate::random::Rng;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Resamples of the bootstrap, and the level of its intervals.
const RESAMPLES: usize = 2000;
const LEVEL: f64 = 0.95;
/// Metrics of classes, in the order of [`scores`]; of a number, the first is its concordance.
const METRICS: [&str; 3] = ["uar", "wa", "macro_f1"];
const CCC: [&str; 1] = ["ccc"];

/// A metric over all folds and seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Mean over the folds (and over the seeds of each).
    pub mean_over_folds: f64,
    /// Standard deviation over the folds, each the mean of its seeds; null for one fold.
    pub std_over_folds: Option<f64>,
    /// Interval of the mean.
    pub interval_of_mean: Interval,
    /// Of the answers of all folds together, the mean over seeds.
    pub pooled: f64,
    /// Its interval.
    pub interval_of_pooled: Interval,
    /// The mean over folds of each seed.
    pub mean_by_seed: Vec<f64>,
}

/// What is drawn in a resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Speakers with all that they say: the interval speaks of other speakers.
    Speakers,
    /// Clips, where speakers are unknown or there is one: the interval speaks of other clips of the same speakers.
    Clips,
}

/// What folds come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    /// Share of the resamples inside each interval.
    pub level: f64,
    /// Resamples drawn.
    pub resamples: usize,
    /// What was drawn.
    pub drawn: Unit,
    /// How many of these there are.
    pub units: usize,
    /// Metrics by name: `uar`, `wa` and `macro_f1`, or `ccc` of a number.
    pub metrics: BTreeMap<String, Figure>,
}

/// The answers of one fold of one seed.
pub struct Part<'a> {
    /// Number of the fold.
    pub fold: usize,
    /// Number of the seed.
    pub seed: usize,
    /// Its answers.
    pub predictions: &'a Predictions,
}

/// Truth and prediction of each answer.
enum Pairs {
    Classes(Vec<[usize; 2]>),
    Numbers(Vec<[f64; 2]>),
}

/// A part with what is drawn of it.
struct Run {
    fold: usize,
    seed: usize,
    /// The unit of each answer, and how many different ones there are.
    units: Vec<usize>,
    distinct: usize,
    pairs: Pairs,
}

impl Run {
    /// Adds the answers, each as often as its unit was drawn.
    fn add(&self, measure: &mut Measure, times: &[u64]) -> Result<()> {
        match (measure, &self.pairs) {
            (Measure::Classes(matrix), Pairs::Classes(pairs)) => {
                self.units.iter().zip(pairs).filter(|(u, _)| times[**u] > 0).try_for_each(|(&u, p)| matrix.add(p[0], p[1], times[u]))
            }
            (Measure::Numbers(all), Pairs::Numbers(pairs)) => {
                self.units.iter().zip(pairs).for_each(|(&u, p)| (0..times[u]).for_each(|_| all.push((p[0], p[1]))));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The values of the metrics.
fn scores(measure: &Measure) -> [Option<f64>; 3] {
    match measure {
        Measure::Classes(m) => [m.uar(), m.accuracy(), m.macro_f1()],
        Measure::Numbers(pairs) => [concordance(pairs), None, None],
    }
}

/// All parts.
struct Answers {
    outputs: Vec<String>,
    runs: Vec<Run>,
    seeds: usize,
}

impl Answers {
    fn empty(&self) -> Measure {
        if self.outputs.len() == 1 { Measure::Numbers(Vec::new()) } else { Measure::Classes(Confusion::new(self.outputs.iter().cloned())) }
    }

    /// Metrics of a seed where each unit was drawn so many times: their means over folds, then those of all answers together. A fold
    /// counts in the mean as often as its units were drawn, so that each fold counts alike where each unit was drawn once.
    fn of_seed(&self, seed: usize, times: &[u64]) -> Result<[Option<f64>; 6]> {
        let mut all = self.empty();
        let mut sums = [(0.0, 0.0); 3];
        for run in self.runs.iter().filter(|r| r.seed == seed) {
            let mut own = self.empty();
            run.add(&mut own, times)?;
            run.add(&mut all, times)?;
            let drawn: u64 = run.units.iter().collect::<BTreeSet<_>>().into_iter().map(|&u| times[u]).sum();
            let weight = drawn as f64 / run.distinct.max(1) as f64;
            for (sum, score) in sums.iter_mut().zip(scores(&own)) {
                *sum = score.map_or(*sum, |score| (sum.0 + weight * score, sum.1 + weight));
            }
        }
        let means = sums.map(|(sum, weight)| (weight > 0.0).then(|| sum / weight));
        let [a, b, c] = scores(&all);
        Ok([means[0], means[1], means[2], a, b, c])
    }

    /// The mean of [`Answers::of_seed`] over seeds.
    fn of(&self, times: &[u64]) -> Result<[Option<f64>; 6]> {
        let seeds = (0..self.seeds).map(|seed| self.of_seed(seed, times)).collect::<Result<Vec<_>>>()?;
        Ok(std::array::from_fn(|i| mean(seeds.iter().filter_map(|s| s[i]))))
    }
}

/// All answers together: parts by their numbers, and the answer of each row of the result in its part.
pub fn together(parts: &[Part]) -> (Predictions, Vec<usize>) {
    let outputs = parts.first().map(|p| p.predictions.outputs.clone()).unwrap_or_default();
    let rows = parts.iter().flat_map(|p| p.predictions.rows.iter().cloned()).collect();
    let part = parts.iter().enumerate().flat_map(|(i, p)| std::iter::repeat_n(i, p.predictions.rows.len())).collect();
    (Predictions { outputs, rows }, part)
}

/// Means, pooled figures and percentile intervals of the answers `parts`. A resample draws as many speakers (whom `speaker` names by their
/// clip) with replacement as there are, the same for all seeds, and takes all their clips; where some are unknown or there is only one, it
/// draws clips. The same `seed` gives the same intervals.
///
/// # Errors
/// [`Error::Data`] where the parts answer different things, or nothing.
pub fn pool<'a>(parts: &[Part<'a>], speaker: &dyn Fn(&'a str) -> Option<&'a str>, seed: u64) -> Result<Pooled> {
    let names = || parts.iter().flat_map(|p| p.predictions.rows.iter().map(|r| r.clip.as_str()));
    let speakers: Option<BTreeSet<&str>> = names().map(speaker).collect();
    let (drawn, all): (Unit, Vec<&str>) = match speakers.filter(|s| s.len() > 1) {
        Some(speakers) => (Unit::Speakers, speakers.into_iter().collect()),
        None => (Unit::Clips, names().collect::<BTreeSet<_>>().into_iter().collect()),
    };
    let unit = |clip: &'a str| all.binary_search(&if drawn == Unit::Speakers { speaker(clip).unwrap_or_default() } else { clip });
    let runs = parts.iter().map(|p| part(p, &unit).filter(|_| p.predictions.outputs == parts[0].predictions.outputs));
    let runs: Option<Vec<Run>> = runs.collect();
    let bad = || Error::Data("the folds answer different things, or nothing; make them again".into());
    let runs = runs.filter(|r| !r.is_empty()).ok_or_else(bad)?;
    let seeds = runs.iter().map(|r| r.seed + 1).max().unwrap_or(0);
    let answers = Answers { outputs: parts[0].predictions.outputs.clone(), runs, seeds };

    let (once, mut rng) = (vec![1; all.len()], Rng::new(seed, &[0xf01d]));
    let by_seed = (0..seeds).map(|s| answers.of_seed(s, &once)).collect::<Result<Vec<_>>>()?;
    let whole = answers.of(&once)?;
    let mut times = vec![0; all.len()];
    let intervals = percentiles(RESAMPLES, LEVEL, || {
        times.fill(0);
        all.iter().for_each(|_| times[rng.below(all.len())] += 1);
        answers.of(&times).unwrap_or_default()
    });
    let names: &[&str] = if answers.outputs.len() == 1 { &CCC } else { &METRICS };
    let figure = |(m, name): (usize, &&str)| {
        let figure = Figure {
            mean_over_folds: whole[m]?,
            std_over_folds: deviation(&of_folds(&answers, &once, m)),
            interval_of_mean: intervals[m],
            pooled: whole[m + 3]?,
            interval_of_pooled: intervals[m + 3],
            mean_by_seed: by_seed.iter().filter_map(|s| s[m]).collect(),
        };
        Some((name.to_string(), figure))
    };
    let metrics = names.iter().enumerate().filter_map(figure).collect();
    Ok(Pooled { level: LEVEL, resamples: RESAMPLES, drawn, units: all.len(), metrics })
}

/// A metric of each fold, the mean of its seeds.
fn of_folds(answers: &Answers, once: &[u64], metric: usize) -> Vec<f64> {
    let mut folds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for run in &answers.runs {
        let mut own = answers.empty();
        if run.add(&mut own, once).is_ok() {
            folds.entry(run.fold).or_default().extend(scores(&own)[metric]);
        }
    }
    folds.into_values().filter_map(mean).collect()
}

fn part<'a>(part: &Part<'a>, unit: &dyn Fn(&'a str) -> Result<usize, usize>) -> Option<Run> {
    let p = part.predictions;
    let units: Vec<usize> = p.rows.iter().map(|r| unit(&r.clip).ok()).collect::<Option<_>>()?;
    let distinct = units.iter().collect::<BTreeSet<_>>().len();
    let pairs = if p.outputs.len() == 1 { Pairs::Numbers(p.numbers()?) } else { Pairs::Classes(p.classes()?) };
    Some(Run { fold: part.fold, seed: part.seed, units, distinct, pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::predictions::Answer;

    /// Answers of a speaker: of `n` clips of each of two classes, the first of every `wrong` are wrong.
    fn answers(speaker: &str, n: usize, wrong: usize) -> Predictions {
        let row = |i: usize| {
            let (truth, other) = if i < n { ("a", "b") } else { ("b", "a") };
            let prediction = if i.is_multiple_of(wrong) { other } else { truth };
            Answer { clip: format!("{speaker}/{i}"), truth: truth.into(), prediction: prediction.into(), values: vec![0.0; 2] }
        };
        Predictions { outputs: vec!["a".into(), "b".into()], rows: (0..2 * n).map(row).collect() }
    }

    fn speaker(clip: &str) -> Option<&str> {
        clip.split_once('/').map(|(s, _)| s)
    }

    fn parts(all: &[Predictions]) -> Vec<Part<'_>> {
        all.iter().enumerate().map(|(fold, predictions)| Part { fold, seed: 0, predictions }).collect()
    }

    #[test]
    fn means_over_folds_and_pooled_figures_by_hand() {
        // 2 of 4 and 2 of 20 clips wrong: recalls 0.5, 0.5 and 0.9, 0.9.
        let all = [answers("s", 2, 2), answers("t", 10, 10)];
        let pooled = pool(&parts(&all), &|_| None, 1).unwrap();
        assert_eq!((pooled.drawn, pooled.units), (Unit::Clips, 24));
        let uar = &pooled.metrics["uar"];
        assert!((uar.mean_over_folds - 0.7).abs() < 1e-12 && (uar.pooled - 20.0 / 24.0).abs() < 1e-12, "{uar:?}");
        assert!((uar.std_over_folds.unwrap() - 0.08f64.sqrt()).abs() < 1e-12);
        assert_eq!((uar.mean_by_seed.len(), pooled.metrics.len()), (1, 3));
        for (value, interval) in [(uar.mean_over_folds, uar.interval_of_mean), (uar.pooled, uar.interval_of_pooled)] {
            assert!(interval.low < value && value < interval.high, "{uar:?}");
        }
        assert_eq!(pool(&parts(&all), &|_| None, 1).unwrap(), pooled);
        assert_ne!(pool(&parts(&all), &|_| None, 2).unwrap(), pooled);
        let (together, part) = together(&parts(&all));
        assert_eq!((together.rows.len(), part[3], part[4]), (24, 0, 1));
    }

    /// Speakers who differ widen the interval; clips of the same count would not.
    #[test]
    fn speakers_are_drawn_with_all_they_say() {
        let all: Vec<Predictions> = (0..8).map(|s| answers(&format!("s{s}"), 30, [2, 60][s % 2])).collect();
        let by_speaker = pool(&parts(&all), &speaker, 1).unwrap();
        let by_clip = pool(&parts(&all), &|_| None, 1).unwrap();
        assert_eq!((by_speaker.drawn, by_speaker.units, by_clip.units), (Unit::Speakers, 8, 480));
        let width = |p: &Pooled| p.metrics["uar"].interval_of_mean.high - p.metrics["uar"].interval_of_mean.low;
        // The mean of eight draws of 29.5 / 30 or 0.5, of which one to seven are the better in the middle 95 % of the resamples.
        assert!((width(&by_speaker) - 0.75 * (29.5 / 30.0 - 0.5)).abs() < 1e-9, "{}", width(&by_speaker));
        assert!(width(&by_clip) < 0.1, "{}", width(&by_clip));
        // One speaker is no sample of speakers.
        assert_eq!(pool(&parts(&all[..1]), &speaker, 1).unwrap().drawn, Unit::Clips);
    }

    #[test]
    fn seeds_are_averaged_and_a_class_that_a_fold_lacks_is_left_out() {
        let (good, bad) = (answers("s", 5, 100), answers("s", 5, 2));
        let mut lacking = answers("t", 5, 100);
        lacking.rows.retain(|r| r.truth == "a");
        let parts = [
            Part { fold: 0, seed: 0, predictions: &good },
            Part { fold: 1, seed: 0, predictions: &lacking },
            Part { fold: 0, seed: 1, predictions: &bad },
            Part { fold: 1, seed: 1, predictions: &lacking },
        ];
        let uar = &pool(&parts, &speaker, 1).unwrap().metrics["uar"];
        // Of the first clip of the speakers each is wrong; the bad seed has 2 of 5 and 3 of 5 right.
        let (first, second) = ((0.9 + 0.8) / 2.0, (0.5 + 0.8) / 2.0);
        assert!((uar.mean_by_seed[0] - first).abs() < 1e-12 && (uar.mean_by_seed[1] - second).abs() < 1e-12, "{uar:?}");
        assert!((uar.mean_over_folds - (first + second) / 2.0).abs() < 1e-12);
        assert!((uar.std_over_folds.unwrap() - deviation(&[0.7, 0.8]).unwrap()).abs() < 1e-12, "{uar:?}");
    }

    #[test]
    fn numbers_are_pooled_by_concordance() {
        let row = |i: usize, says: f64| Answer { clip: i.to_string(), truth: i.to_string(), prediction: says.to_string(), values: vec![] };
        let of = |rows: Vec<Answer>| Predictions { outputs: vec!["valence".into()], rows };
        let all = [of((0..4).map(|i| row(i, i as f64)).collect()), of((4..8).map(|i| row(i, 11.0 - i as f64)).collect())];
        let pooled = pool(&parts(&all), &|_| None, 1).unwrap();
        let ccc = &pooled.metrics["ccc"];
        assert!(ccc.mean_over_folds.abs() < 1e-12 && ccc.pooled > 0.7, "{pooled:?}");
        assert!(pool(&[], &|_| None, 1).is_err());
        let other = Predictions { outputs: vec!["joy".into(), "fear".into()], ..all[1].clone() };
        assert!(pool(&parts(&[all[0].clone(), other]), &|_| None, 1).is_err());
    }
}
