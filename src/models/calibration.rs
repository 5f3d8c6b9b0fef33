//! Honest probabilities of machines: the factor of their answers before the softmax (temperature scaling, Guo et al. 2017).

use toml::{Table, Value};

/// Reach of the search: the logarithm of the factor.
const REACH: f64 = 5.0;
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The setting `scale`: what it was, times the factor under which the classes of clips with these answers are the most probable. Without clips it
/// stays what it was.
pub(super) fn table(scale: f64, answers: &[Vec<f32>], classes: &[usize]) -> Table {
    // The logarithm's mean is concave in the factor; its maximum over a few decades by golden section.
    let badness = |log_scale: f64| -> f64 {
        let factor = log_scale.exp();
        let of = |(a, &class): (&Vec<f32>, &usize)| {
            let top = a.iter().fold(f64::MIN, |m, &v| m.max(factor * f64::from(v)));
            a.iter().map(|&v| (factor * f64::from(v) - top).exp()).sum::<f64>().ln() + top - factor * f64::from(a[class])
        };
        answers.iter().zip(classes).map(of).sum()
    };
    let (mut low, mut high) = (-REACH, REACH);
    while high - low > 1e-6 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if badness(a) < badness(b) { high = b } else { low = a }
    }
    let scale = if answers.is_empty() { scale } else { scale * (0.5 * (low + high)).exp() };
    Table::from_iter([("scale".to_string(), Value::Float(scale))])
}
