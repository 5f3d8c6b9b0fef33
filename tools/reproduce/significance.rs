//! Which differences stand: a paired bootstrap over folds, seeds and clips.

use emotone::random::Rng;
use emotone::train::metrics::{Interval, mean, percentiles};
use emotone::train::predictions::Predictions;

/// Resamples of the bootstrap, and the level of its interval.
const RESAMPLES: usize = 2000;
const LEVEL: f64 = 0.95;

/// The same test clips answered by two systems, in runs of the same split and seed.
pub struct Pair<'a> {
    /// Index of the split.
    pub split: usize,
    /// The two systems' answers.
    pub answers: [&'a Predictions; 2],
}

/// A difference of unweighted average recalls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Second system less the first, the mean over runs.
    pub mean: f64,
    /// The middle 95 % of the resamples.
    pub low: f64,
    pub high: f64,
}

impl Difference {
    /// Whether the interval leaves out 0.
    pub fn stands(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Truth and the two systems' predictions of one run, as class numbers, by clip.
struct Run {
    split: usize,
    rows: Vec<[usize; 3]>,
}

/// The difference in unweighted average recall between two systems over runs that differ in split and seed. A resample draws runs within
/// each split (the seeds) and the clips of each split with replacement, the same clips for both systems and all seeds of a split, so that
/// hard clips and lucky seeds weigh on both alike. `None` where a run's clips differ between the systems, or there is no run.
pub fn difference(pairs: &[Pair], seed: u64) -> Option<Difference> {
    let runs: Vec<Run> = pairs.iter().map(run).collect::<Option<_>>()?;
    let classes = pairs.first()?.answers[0].outputs.len();
    let splits: Vec<Vec<&Run>> = {
        let mut names: Vec<usize> = runs.iter().map(|r| r.split).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().map(|n| runs.iter().filter(|r| r.split == *n).collect()).collect()
    };
    if splits.iter().any(|s| s.iter().any(|r| r.rows.len() != s[0].rows.len())) {
        return None;
    }
    let all: Vec<Vec<usize>> = splits.iter().map(|s| (0..s[0].rows.len()).collect()).collect();
    let gains = splits.iter().zip(&all).flat_map(|(s, clips)| s.iter().map(|r| gain(r, clips, classes)).collect::<Vec<_>>());
    let mean_gain = mean(gains)?;
    let mut rng = Rng::new(seed, &[0x9a17]);
    let [Interval { low, high }] = percentiles(RESAMPLES, LEVEL, || {
        let mut gains = Vec::with_capacity(runs.len());
        for split in &splits {
            let n = split[0].rows.len();
            let clips: Vec<usize> = (0..n).map(|_| rng.below(n)).collect();
            gains.extend((0..split.len()).map(|_| gain(split[rng.below(split.len())], &clips, classes)));
        }
        [mean(gains)]
    });
    Some(Difference { mean: mean_gain, low, high })
}

fn run(pair: &Pair) -> Option<Run> {
    let [a, b] = pair.answers;
    let same = a.rows.iter().map(|r| &r.clip).eq(b.rows.iter().map(|r| &r.clip));
    if a.outputs != b.outputs || !same || a.rows.is_empty() {
        return None;
    }
    let rows = a.classes()?.into_iter().zip(b.classes()?).map(|([truth, first], [_, second])| [truth, first, second]).collect();
    Some(Run { split: pair.split, rows })
}

/// UAR of the second system less that of the first, over some clips of a run; classes without a clip are left out.
fn gain(run: &Run, clips: &[usize], classes: usize) -> f64 {
    let mut counts = vec![[0usize; 3]; classes];
    for &clip in clips {
        let [truth, first, second] = run.rows[clip];
        counts[truth][0] += 1;
        counts[truth][1] += usize::from(first == truth);
        counts[truth][2] += usize::from(second == truth);
    }
    let present = counts.iter().filter(|c| c[0] > 0);
    mean(present.map(|[n, first, second]| (*second as f64 - *first as f64) / *n as f64)).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotone::train::predictions::Answer;

    /// Answers to 200 clips of two classes, every `wrong`-th of them wrong.
    fn answers(wrong: usize, shift: usize) -> Predictions {
        let row = |i: usize| {
            let (truth, other) = if i.is_multiple_of(2) { ("a", "b") } else { ("b", "a") };
            let prediction = if (i + shift).is_multiple_of(wrong) { other } else { truth };
            Answer { clip: i.to_string(), truth: truth.into(), prediction: prediction.into(), values: vec![0.0; 2] }
        };
        Predictions { outputs: vec!["a".into(), "b".into()], rows: (0..200).map(row).collect() }
    }

    #[test]
    fn a_clear_difference_stands_and_none_does_not() {
        let (good, bad, same) = (answers(20, 0), answers(3, 0), answers(20, 7));
        let pairs = |a, b| [Pair { split: 0, answers: [a, b] }, Pair { split: 1, answers: [a, b] }];
        let d = difference(&pairs(&bad, &good), 1).unwrap();
        assert!((d.mean - (1.0 / 3.0 - 0.05)).abs() < 0.02 && d.stands() && d.low > 0.15 && d.high < 0.45, "{d:?}");
        let back = difference(&pairs(&good, &bad), 1).unwrap();
        assert!((back.mean + d.mean).abs() < 1e-12 && back.high < 0.0);
        let none = difference(&pairs(&good, &same), 1).unwrap();
        assert!(!none.stands() && none.low < 0.0 && none.high > 0.0, "{none:?}");
    }

    #[test]
    fn clips_must_be_the_same() {
        let (a, mut b) = (answers(3, 0), answers(3, 0));
        b.rows[7].clip = "other".into();
        assert_eq!(difference(&[Pair { split: 0, answers: [&a, &b] }], 1), None);
        assert_eq!(difference(&[], 1), None);
    }
}
