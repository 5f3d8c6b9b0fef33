//! Honest probabilities, and what adaptation starts from: what is found of a task's logits on clips that the network has not learnt from.
//!
//! Probabilities are the softmax of logits over a temperature, under which the classes of these clips are the most probable (Guo et al. 2017,
//! "On calibration of modern neural networks"). The chosen class stays the same.

use super::config::Loss;
use super::metrics::argmax;
use serde::{Deserialize, Serialize};

/// Reach of the search: the logarithm of the temperature.
const REACH: f64 = 5.0;
const GOLDEN: f64 = 0.618_033_988_749_895;
/// Bins of the expected calibration error, of equal width.
const BINS: usize = 15;

/// What was found of a task of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What logits are divided by before the softmax.
    pub temperature: f32,
    /// The mean over classes of the class means of the logits: where a group of recordings lies, on the average, that has as many of each class.
    /// Empty in models of earlier versions, which found none.
    #[serde(default)]
    pub centre: Vec<f32>,
    /// Clips it was found on.
    #[serde(default)]
    pub clips: usize,
    /// Expected calibration error on these without the temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_before: Option<f64>,
    /// The same with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
}

impl Calibration {
    /// Of a head that was trained with `loss` and gave clips of these classes these logits. Where classes are independent there is no softmax, and
    /// the temperature is 1. `None` without clips, and for numbers.
    pub fn find(loss: Loss, logits: &[Vec<f32>], classes: &[usize]) -> Option<Self> {
        let outputs = logits.first().map_or(0, Vec::len);
        if loss.of_numbers() || outputs < 2 {
            return None;
        }
        let temperature = if loss == Loss::Bce { 1.0 } else { temperature(logits, classes) };
        let error = |temperature: f32| {
            let answers = logits.iter().map(|l| loss.answer(&divided(l, temperature)));
            expected_error(&reliability(answers.zip(classes).map(|(a, &class)| sure(&a, class))))
        };
        Some(Calibration {
            temperature,
            centre: centre(outputs, logits, classes),
            clips: logits.len(),
            ece_before: error(1.0),
            ece: error(temperature),
        })
    }

    /// The calibration of a factor of logits that an earlier version found.
    pub(super) fn of_scale(scale: f64) -> Self {
        Calibration { temperature: (1.0 / scale) as f32, centre: Vec::new(), clips: 0, ece_before: None, ece: None }
    }
}

/// Logits over a temperature.
pub(super) fn divided(logits: &[f32], temperature: f32) -> Vec<f32> {
    if temperature == 1.0 { logits.to_vec() } else { logits.iter().map(|l| l / temperature).collect() }
}

/// The temperature under which the classes are the most probable. One clip more counts as answered with no class before the others: else the most
/// probable temperature of clips that are all answered rightly would be none.
fn temperature(logits: &[Vec<f32>], classes: &[usize]) -> f32 {
    let n = logits.len() as f64;
    // Minus the logarithm of the probability is convex in the factor 1 / T; its minimum over a few decades by golden section.
    let badness = |log_factor: f64| -> f64 {
        let factor = log_factor.exp();
        let of = |(l, &class): (&Vec<f32>, &usize)| {
            let top = l.iter().fold(f64::MIN, |m, &v| m.max(factor * f64::from(v)));
            let whole = l.iter().map(|&v| (factor * f64::from(v) - top).exp()).sum::<f64>().ln() + top;
            let mean = l.iter().map(|&v| f64::from(v)).sum::<f64>() / l.len() as f64;
            whole - factor * (n * f64::from(l[class]) + mean) / (n + 1.0)
        };
        logits.iter().zip(classes).map(of).sum()
    };
    let (mut low, mut high) = (-REACH, REACH);
    while high - low > 1e-6 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if badness(a) < badness(b) { high = b } else { low = a }
    }
    (-0.5 * (low + high)).exp() as f32
}

/// The mean over the classes that there are of the mean logits of each.
fn centre(outputs: usize, logits: &[Vec<f32>], classes: &[usize]) -> Vec<f32> {
    let mut sums = vec![(0usize, vec![0.0; outputs]); outputs];
    for (l, &class) in logits.iter().zip(classes) {
        let (count, sum) = &mut sums[class];
        *count += 1;
        sum.iter_mut().zip(l).for_each(|(s, &v)| *s += f64::from(v));
    }
    let known: Vec<&(usize, Vec<f64>)> = sums.iter().filter(|(count, _)| *count > 0).collect();
    let mean = |k: usize| known.iter().map(|(count, sum)| sum[k] / *count as f64).sum::<f64>() / known.len().max(1) as f64;
    (0..outputs).map(|k| mean(k) as f32).collect()
}

/// How sure an answer is of the class it chooses, and whether that is the true one.
pub fn sure(answer: &[f32], class: usize) -> (f32, bool) {
    let chosen = argmax(answer);
    (answer[chosen], chosen == class)
}

/// Answers that are about as sure of the class they choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub clips: usize,
    /// The mean probability of the chosen class.
    pub confidence: f64,
    /// The share that is right.
    pub accuracy: f64,
}

/// A reliability diagram: answers in bins of equal width of the probability of the chosen class, from 0 to 1.
pub fn reliability(answers: impl IntoIterator<Item = (f32, bool)>) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); BINS];
    for (confidence, right) in answers {
        let bin = &mut bins[((f64::from(confidence) * BINS as f64) as usize).min(BINS - 1)];
        bin.clips += 1;
        bin.confidence += f64::from(confidence);
        bin.accuracy += f64::from(u8::from(right));
    }
    for bin in bins.iter_mut().filter(|b| b.clips > 0) {
        bin.confidence /= bin.clips as f64;
        bin.accuracy /= bin.clips as f64;
    }
    bins
}

/// Expected calibration error: the mean distance of confidence and accuracy over the bins, each weighed by its clips; `None` without any.
pub fn expected_error(bins: &[Bin]) -> Option<f64> {
    let clips = bins.iter().map(|b| b.clips).sum::<usize>();
    let sum = bins.iter().map(|b| b.clips as f64 * (b.confidence - b.accuracy).abs()).sum::<f64>();
    (clips > 0).then(|| sum / clips as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    /// Logits, and classes drawn with the probabilities softmax(logits / temperature).
    fn drawn(n: usize, temperature: f64) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut rng = Rng::at(4);
        let one = |_| {
            let l: Vec<f32> = (0..3).map(|_| 4.0 * rng.unit() as f32).collect();
            let e: Vec<f64> = l.iter().map(|v| (f64::from(*v) / temperature).exp()).collect();
            let mut u = rng.unit() * e.iter().sum::<f64>();
            let class = e.iter().position(|e| {
                u -= e;
                u < 0.0
            });
            (l, class.unwrap_or(2))
        };
        (0..n).map(one).unzip()
    }

    #[test]
    fn the_temperature_is_that_of_the_draw_and_lowers_the_error() {
        for wanted in [0.3, 2.5] {
            let (logits, classes) = drawn(4000, wanted);
            let found = Calibration::find(Loss::CrossEntropy, &logits, &classes).expect("classes");
            assert!((f64::from(found.temperature) / wanted - 1.0).abs() < 0.1, "{found:?}, wanted {wanted}");
            let (before, after) = (found.ece_before.expect("clips"), found.ece.expect("clips"));
            assert!(after < 0.04 && before > 0.1 && found.clips == 4000, "{found:?}");
        }
        let (logits, classes) = drawn(50, 2.5);
        assert_eq!(Calibration::find(Loss::Bce, &logits, &classes).expect("classes").temperature, 1.0);
        assert!(Calibration::find(Loss::Mse, &logits, &classes).is_none());
        assert!(Calibration::find(Loss::CrossEntropy, &[], &[]).is_none());
    }

    /// Fifty right answers are no reason to be certain of the next.
    #[test]
    fn right_answers_alone_do_not_make_certain() {
        let logits: Vec<Vec<f32>> = (0..50).map(|i| (0..4).map(|k| f32::from(u8::from(k == i % 4))).collect()).collect();
        let classes: Vec<usize> = (0..50).map(|i| i % 4).collect();
        let found = Calibration::find(Loss::CrossEntropy, &logits, &classes).expect("classes");
        let sure = Loss::CrossEntropy.answer(&divided(&logits[0], found.temperature))[0];
        assert!((sure - (1.0 - 0.75 / 51.0)).abs() < 1e-4, "{sure} of {found:?}");
    }

    #[test]
    fn the_centre_weighs_classes_alike() {
        // Three clips of the first class around (1, 0), one of the last: (5, 2); none of the middle one.
        let logits = [vec![0.0, 0.0, 1.0], vec![1.0, 0.0, 1.0], vec![2.0, 0.0, 1.0], vec![5.0, 2.0, -1.0]];
        let found = Calibration::find(Loss::SquaredHinge, &logits, &[0, 0, 0, 2]).expect("classes");
        assert_eq!(found.centre, [3.0, 1.0, 0.0]);
    }

    #[test]
    fn the_expected_error_by_hand() {
        // Two bins: sure of 0.5 and right in both; sure of 0.9 and 1.0 and right in the first alone.
        let bins = reliability([(0.5, true), (0.5, true), (0.95, true), (1.0, false)]);
        assert_eq!((bins.len(), bins[7], bins[14].clips), (15, Bin { clips: 2, confidence: 0.5, accuracy: 1.0 }, 2));
        let error = expected_error(&bins).expect("clips");
        assert!((error - (0.5 * 0.5 + 0.5 * 0.475)).abs() < 1e-6, "{error}");
        assert_eq!(expected_error(&reliability([])), None);
    }
}
