//! What a classifier got right: confusion matrix, recalls, F1 and bootstrap intervals.
//!
//! Rows of the matrix are the truth, columns the prediction. A class without a single test clip has no recall: it is left out of every
//! average over classes and named by [`Confusion::absent`], never counted as 0 or 1.

use crate::random::Rng;
use crate::{Error, Result};

/// Counts of (truth, prediction) pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: Vec<String>,
    counts: Vec<u64>,
}

impl Confusion {
    /// An empty matrix over `classes`.
    pub fn new<S: Into<String>>(classes: impl IntoIterator<Item = S>) -> Self {
        let classes: Vec<String> = classes.into_iter().map(Into::into).collect();
        Confusion { counts: vec![0; classes.len() * classes.len()], classes }
    }

    /// The matrix of paired class indices.
    ///
    /// # Errors
    /// [`Error::Data`] when the lists differ in length or an index is no class.
    pub fn from_pairs(classes: &[String], truth: &[usize], predicted: &[usize]) -> Result<Self> {
        if truth.len() != predicted.len() {
            return Err(Error::Data(format!("confusion: {} true labels but {} predictions", truth.len(), predicted.len())));
        }
        let mut matrix = Confusion::new(classes.iter().cloned());
        truth.iter().zip(predicted).try_for_each(|(&t, &p)| matrix.add(t, p, 1))?;
        Ok(matrix)
    }

    /// Counts `times` clips of class `truth` taken for `predicted`.
    ///
    /// # Errors
    /// [`Error::Data`] when an index is no class.
    pub fn add(&mut self, truth: usize, predicted: usize, times: u64) -> Result<()> {
        let k = self.classes.len();
        if truth >= k || predicted >= k {
            return Err(Error::Data(format!("confusion: pair ({truth}, {predicted}) outside the {k} classes")));
        }
        self.counts[truth * k + predicted] += times;
        Ok(())
    }

    /// Names of the classes, in index order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Clips of class `truth` taken for `predicted`; 0 outside the matrix.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        let k = self.classes.len();
        if truth < k && predicted < k { self.counts[truth * k + predicted] } else { 0 }
    }

    /// The counts by rows.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks(self.classes.len().max(1)).map(<[u64]>::to_vec).collect()
    }

    /// Clips whose truth is `class`.
    pub fn support(&self, class: usize) -> u64 {
        (0..self.classes.len()).map(|p| self.count(class, p)).sum()
    }

    /// All clips.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Classes without a test clip, left out of the averages.
    pub fn absent(&self) -> Vec<&str> {
        (0..self.classes.len()).filter(|&c| self.support(c) == 0).map(|c| self.classes[c].as_str()).collect()
    }

    /// Share of the clips of `class` that were recognised ("class accuracy" in much of the literature); `None` without such clips.
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), self.support(class))
    }

    /// Share of the clips taken for `class` that are; `None` when nothing was.
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), (0..self.classes.len()).map(|t| self.count(t, class)).sum())
    }

    /// F1 = 2·TP / (2·TP + FP + FN); `None` for a class without test clips, 0 for one never predicted.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let support = self.support(class);
        let predicted: u64 = (0..self.classes.len()).map(|t| self.count(t, class)).sum();
        if support == 0 { None } else { ratio(2 * self.count(class, class), support + predicted) }
    }

    /// Unweighted average recall over the classes present: the headline of speech-emotion work. `None` for an empty matrix.
    pub fn uar(&self) -> Option<f64> {
        self.average(Self::recall, |_| 1.0)
    }

    /// Weighted accuracy: the share of clips recognised. `None` for an empty matrix.
    pub fn accuracy(&self) -> Option<f64> {
        ratio((0..self.classes.len()).map(|c| self.count(c, c)).sum(), self.total())
    }

    /// Mean F1 over the classes present.
    pub fn macro_f1(&self) -> Option<f64> {
        self.average(Self::f1, |_| 1.0)
    }

    /// F1 weighted by the classes' test clips.
    pub fn weighted_f1(&self) -> Option<f64> {
        self.average(Self::f1, |c| self.support(c) as f64)
    }

    fn average(&self, value: impl Fn(&Self, usize) -> Option<f64>, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (v, w) in (0..self.classes.len()).filter_map(|c| Some((value(self, c)?, weight(c)))) {
            sum += v * w;
            weights += w;
        }
        (weights > 0.0).then(|| sum / weights)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Intervals of the averages of a test.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Intervals {
    /// Share of the resamples inside each interval, for example 0.95.
    pub level: f64,
    /// Resamples drawn.
    pub resamples: usize,
    /// Of the unweighted average recall.
    pub uar: Interval,
    /// Of the weighted accuracy.
    pub wa: Interval,
    /// Of the macro F1.
    pub macro_f1: Interval,
}

/// Percentile bootstrap (Efron 1979): utterances are drawn with replacement `resamples` times; an interval runs from the (1-level)/2 to the
/// (1+level)/2 quantile of what the resamples score. The same seed gives the same interval. It speaks of other utterances of the same
/// speakers, not of other speakers.
///
/// # Errors
/// [`Error::Data`] for an empty matrix, no resamples, or a level outside (0, 1).
pub fn bootstrap(matrix: &Confusion, resamples: usize, level: f64, seed: u64) -> Result<Intervals> {
    let total = matrix.total();
    if total == 0 || resamples == 0 || !(level > 0.0 && level < 1.0) {
        return Err(Error::Data(format!(
            "bootstrap: {total} clips, {resamples} resamples, level {level}: each must be positive, level < 1"
        )));
    }
    // Utterances in one cell are alike, so drawing an utterance is drawing a cell with probability count/total.
    let utterances: Vec<u32> =
        matrix.counts.iter().enumerate().flat_map(|(cell, &n)| std::iter::repeat_n(cell as u32, n as usize)).collect();
    let mut rng = Rng::new(seed, &[0xb007]);
    let mut again = Confusion::new(matrix.classes.iter().cloned());
    let [uar, wa, macro_f1] = percentiles(resamples, level, || {
        again.counts.fill(0);
        for _ in 0..utterances.len() {
            again.counts[utterances[rng.below(utterances.len())] as usize] += 1;
        }
        [again.uar(), again.accuracy(), again.macro_f1()]
    });
    Ok(Intervals { level, resamples, uar, wa, macro_f1 })
}

/// The percentile intervals of a bootstrap: of each of the scores that `draw` gives its resamples, the middle `level`. A resample whose
/// score is not defined does not count.
pub fn percentiles<const N: usize>(resamples: usize, level: f64, mut draw: impl FnMut() -> [Option<f64>; N]) -> [Interval; N] {
    let mut scores: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(resamples));
    for _ in 0..resamples {
        scores.iter_mut().zip(draw()).for_each(|(list, value)| list.extend(value));
    }
    scores.map(|mut list| {
        list.sort_by(f64::total_cmp);
        Interval { low: quantile(&list, 0.5 * (1.0 - level)), high: quantile(&list, 0.5 * (1.0 + level)) }
    })
}

/// Mean of some values; `None` of none.
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// Standard deviation of what some values are a sample of (divided by their number less one); `None` of fewer than two.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let centre = mean(values.iter().copied())?;
    let squares = values.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>();
    (values.len() > 1).then(|| (squares / (values.len() as f64 - 1.0)).sqrt())
}

/// Quantile of a sorted list, linear between neighbours; NaN for an empty one.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (sorted.get(at.floor() as usize), sorted.get(at.ceil() as usize));
    below.zip(above).map_or(f64::NAN, |(a, b)| a + (b - a) * at.fract())
}

/// Index of the largest value; the first on a tie.
pub fn argmax(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Concordance correlation coefficient of pairs (Lin 1989): `2·cov / (var x + var y + (mean x − mean y)²)`, 1 where all pairs are equal;
/// `None` without pairs, or where neither side varies and they differ by nothing.
pub fn concordance(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|p| f(p.0 - x, p.1 - y)).sum::<f64>() / n;
    let (covariance, spread) = (sum(&|a, b| a * b), sum(&|a, b| a * a + b * b));
    let denominator = spread + (x - y) * (x - y);
    (denominator > 0.0).then(|| 2.0 * covariance / denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concordance_punishes_scale_and_shift() {
        let of = |f: fn(f64) -> f64| concordance(&[-1.0, 0.0, 2.0, 3.0].map(|v| (v, f(v))));
        assert_eq!((of(|v| v), of(|v| -v + 2.0), concordance(&[]), concordance(&[(1.0, 1.0)])), (Some(1.0), Some(-1.0), None, None));
        // Variance 2.5, shift 1: 2 · 2.5 / (2.5 + 2.5 + 1).
        assert!(of(|v| v + 1.0).is_some_and(|c| (c - 5.0 / 6.0).abs() < 1e-12));
        assert!(of(|v| 0.5 * v).is_some_and(|c| c < 0.9));
    }

    fn close(what: &str, got: Option<f64>, wanted: f64, tolerance: f64) {
        let got = got.unwrap_or(f64::NAN);
        assert!(((got - wanted).abs() <= tolerance), "{what}: got {got}, wanted {wanted}");
    }

    fn matrix(rows: &[&[u64]]) -> Confusion {
        let mut m = Confusion::new((0..rows.len()).map(|c| format!("c{c}")));
        for (t, row) in rows.iter().enumerate() {
            for (p, &n) in row.iter().enumerate() {
                m.add(t, p, n).unwrap();
            }
        }
        m
    }

    #[test]
    fn published_table_two() {
        // Table II of the Res-Trans paper, per mille, times the class sizes of its training set.
        let table = [[994, 2, 4, 0], [12, 979, 0, 8], [17, 10, 957, 15], [4, 37, 17, 942]];
        let sizes = [615, 323, 552, 294];
        let rows: Vec<Vec<u64>> = table.iter().zip(sizes).map(|(row, n)| row.iter().map(|v| v * n).collect()).collect();
        let m = matrix(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        close("macro F1", m.macro_f1(), 0.968, 0.0005);
        close("weighted F1", m.weighted_f1(), 0.972, 0.0005);
        // Rows two and three of the table add up to 0.999.
        close("accuracy", m.accuracy(), 0.971, 0.001);
        close("UAR", m.uar(), (0.994 + 0.979 / 0.999 + 0.957 / 0.999 + 0.942) / 4.0, 1e-9);
    }

    #[test]
    fn hand_computed() {
        let m = matrix(&[&[3, 1, 0], &[0, 2, 2], &[1, 0, 1]]);
        close("recall 0", m.recall(0), 0.75, 1e-12);
        close("precision 1", m.precision(1), 2.0 / 3.0, 1e-12);
        close("f1 2", m.f1(2), 2.0 / 5.0, 1e-12);
        close("uar", m.uar(), (0.75 + 0.5 + 0.5) / 3.0, 1e-12);
        close("accuracy", m.accuracy(), 0.6, 1e-12);
        close("macro", m.macro_f1(), (0.75 + 4.0 / 7.0 + 0.4) / 3.0, 1e-12);
        close("weighted", m.weighted_f1(), (4.0 * 0.75 + 4.0 * 4.0 / 7.0 + 2.0 * 0.4) / 10.0, 1e-12);
        assert_eq!(m.rows(), vec![vec![3, 1, 0], vec![0, 2, 2], vec![1, 0, 1]]);
    }

    #[test]
    fn absent_classes_are_left_out_and_named() {
        let m = matrix(&[&[8, 1, 1], &[0, 0, 0], &[0, 0, 10]]);
        assert_eq!(m.absent(), ["c1"]);
        assert_eq!((m.recall(1), m.f1(1)), (None, None));
        close("uar", m.uar(), 0.9, 1e-12);
        let never = matrix(&[&[5, 0], &[5, 0]]);
        assert_eq!((never.f1(1), never.precision(1)), (Some(0.0), None));
        close("macro with a class never predicted", never.macro_f1(), 1.0 / 3.0, 1e-12);
        let empty = matrix(&[&[0, 0], &[0, 0]]);
        assert_eq!((empty.uar(), empty.accuracy(), empty.macro_f1(), empty.weighted_f1()), (None, None, None, None));
    }

    #[test]
    fn bad_pairs_are_errors() {
        let classes = ["a".to_string(), "b".to_string()];
        assert!(Confusion::from_pairs(&classes, &[0, 1], &[0]).is_err());
        assert!(Confusion::from_pairs(&classes, &[0, 2], &[0, 1]).is_err());
        let m = Confusion::from_pairs(&classes, &[0, 1, 1], &[0, 0, 1]).unwrap();
        assert_eq!(m.rows(), vec![vec![1, 0], vec![1, 1]]);
    }

    #[test]
    fn bootstrap_matches_the_binomial_error() {
        // 929 clips at 0.966: a standard error of 0.006, hence about ±0.0116 at 95 %.
        let m = matrix(&[&[449, 16], &[16, 448]]);
        let all = bootstrap(&m, 2000, 0.95, 1).unwrap();
        let p = m.accuracy().unwrap();
        let half = 1.96 * (p * (1.0 - p) / 929.0).sqrt();
        assert!((all.wa.low - (p - half)).abs() < 0.0025 && (all.wa.high - (p + half)).abs() < 0.0025, "{all:?}, wanted {p} ± {half}");
        assert!(all.uar.low < m.uar().unwrap() && m.uar().unwrap() < all.uar.high);
        assert!(all.macro_f1.low < m.macro_f1().unwrap() && m.macro_f1().unwrap() < all.macro_f1.high);
        assert_eq!(all, bootstrap(&m, 2000, 0.95, 1).unwrap());
        assert_ne!(all, bootstrap(&m, 2000, 0.95, 2).unwrap());
        let narrow = bootstrap(&m, 2000, 0.5, 1).unwrap();
        assert!(narrow.wa.high - narrow.wa.low < 0.5 * (all.wa.high - all.wa.low));
        assert!(bootstrap(&matrix(&[&[0]]), 10, 0.95, 1).is_err());
        assert!(bootstrap(&m, 0, 0.95, 1).is_err() && bootstrap(&m, 10, 1.0, 1).is_err());
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!((mean([]), deviation(&[0.5]), deviation(&[0.6, 0.6])), (None, None, Some(0.0)));
        assert!((deviation(&[0.5, 0.7]).unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
    }
}
