//! Tasks on data: the targets of every utterance, the loss in a graph, and how well a head did.

use super::config::{Loss, Metric, Task, Train};
use super::metrics::{Confusion, argmax, concordance};
use crate::graph::{Graph, Var};
use crate::{Result, ops};

/// Targets of one task for every utterance of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// What each output of the head stands for: classes, speakers, or columns of numbers.
    pub outputs: Vec<String>,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    Classes(Vec<Option<usize>>),
    Numbers(Vec<Option<Vec<f32>>>),
    Vectors(Vec<Option<Vec<f32>>>),
}

impl Targets {
    /// One of the classes `outputs` for each utterance, where it is known.
    pub fn classes(outputs: Vec<String>, of: Vec<Option<usize>>) -> Self {
        Targets { outputs, values: Values::Classes(of) }
    }

    /// A number for each of `outputs` and each utterance, where they are known.
    pub fn numbers(outputs: Vec<String>, of: Vec<Option<Vec<f32>>>) -> Self {
        Targets { outputs, values: Values::Numbers(of) }
    }

    /// A vector for each utterance, where it is known; `outputs` are its dimensions.
    pub fn vectors(outputs: Vec<String>, of: Vec<Option<Vec<f32>>>) -> Self {
        Targets { outputs, values: Values::Vectors(of) }
    }

    /// Whether the target of utterance `i` is known.
    pub fn known(&self, i: usize) -> bool {
        match &self.values {
            Values::Classes(of) => of[i].is_some(),
            Values::Numbers(of) | Values::Vectors(of) => of[i].is_some(),
        }
    }

    /// The target of utterance `i` as the loss takes it: one-hot for a class; zeros where it is not known.
    pub fn row(&self, i: usize) -> Vec<f32> {
        let n = self.outputs.len();
        match &self.values {
            Values::Classes(of) => (0..n).map(|k| f32::from(u8::from(Some(k) == of[i]))).collect(),
            Values::Numbers(of) | Values::Vectors(of) => of[i].clone().unwrap_or_else(|| vec![0.0; n]),
        }
    }

    /// The class of utterance `i`, or its most probable one; `None` where it is not known, for the numbers of one column, and for vectors.
    pub fn class(&self, i: usize) -> Option<usize> {
        match &self.values {
            Values::Classes(of) => of[i],
            Values::Numbers(of) => of[i].as_ref().filter(|v| v.len() > 1).map(|v| argmax(v)),
            Values::Vectors(_) => None,
        }
    }

    /// What `logits` of the utterances `rows` amount to; `None` where the target of none is known.
    ///
    /// # Errors
    /// None for targets within the outputs.
    pub fn measure(&self, rows: &[usize], logits: &[Vec<f32>]) -> Result<Option<Measure>> {
        let known: Vec<(usize, &Vec<f32>)> = rows.iter().copied().zip(logits).filter(|(i, _)| self.known(*i)).collect();
        if known.is_empty() {
            return Ok(None);
        }
        if self.outputs.len() == 1 || matches!(self.values, Values::Vectors(_)) {
            let pair = |(t, l): (f32, &f32)| (f64::from(t), f64::from(*l));
            let pairs = known.iter().flat_map(|(i, l)| self.row(*i).into_iter().zip(*l).map(pair)).collect();
            return Ok(Some(Measure::Numbers(pairs)));
        }
        let truth: Vec<usize> = known.iter().filter_map(|(i, _)| self.class(*i)).collect();
        let predicted: Vec<usize> = known.iter().map(|(_, l)| argmax(l)).collect();
        Confusion::from_pairs(&self.outputs, &truth, &predicted).map(|m| Some(Measure::Classes(m)))
    }
}

/// How well a head did.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Which class was taken for which.
    Classes(Confusion),
    /// Pairs of true and predicted number.
    Numbers(Vec<(f64, f64)>),
}

impl Measure {
    /// The value of a metric, larger is better; `None` where it says nothing of this kind of target.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match (self, metric) {
            (Measure::Classes(m), Metric::Uar) => m.uar(),
            (Measure::Classes(m), Metric::Accuracy) => m.accuracy(),
            (Measure::Numbers(pairs), Metric::Ccc) => concordance(pairs),
            _ => None,
        }
    }

    /// The confusion matrix, of classes.
    pub fn confusion(&self) -> Option<&Confusion> {
        if let Measure::Classes(m) = self { Some(m) } else { None }
    }
}

/// The loss of a task: `logits` (B, K) and targets (B, K) to a scalar of shape (1), the mean over the rows of the batch; with `weight` (B)
/// over those whose weight is not 0.
///
/// # Errors
/// Shape errors of the ops.
pub fn loss(g: &mut Graph, task: &Task, train: &Train, logits: Var, target: Var, weight: Option<Var>) -> Result<Var> {
    let smoothing = train.label_smoothing as f32;
    match task.loss {
        Loss::CrossEntropy => ops::cross_entropy(g, logits, target, weight, smoothing),
        Loss::FocalBce => ops::focal_bce(g, logits, target, weight, train.focal_gamma as f32, smoothing),
        Loss::Bce => ops::bce_with_logits(g, logits, target, weight),
        Loss::Margin => ops::margin(g, logits, target, weight, ops::Margin::default()),
        Loss::SquaredHinge => ops::squared_hinge(g, logits, target, weight),
        Loss::Mse => {
            let minus = ops::scale(g, target, -1.0)?;
            let difference = ops::add(g, logits, minus)?;
            let square = ops::mul(g, difference, difference)?;
            let rows = ops::mean(g, square, 1)?;
            ops::row_mean(g, rows, weight)
        }
    }
}

impl Loss {
    /// Whether targets are plain numbers.
    pub fn of_numbers(self) -> bool {
        self == Loss::Mse
    }

    /// Logits, but for a constant that a softmax does not see, to which [`Loss::answer`] says this. A probability of 0 counts as a very small one.
    pub fn logits_of(self, answer: &[f32]) -> Vec<f32> {
        let log = |p: f32| p.max(f32::MIN_POSITIVE).ln();
        match self {
            Loss::Mse => answer.to_vec(),
            Loss::Bce => answer.iter().map(|&p| log(p) - log(1.0 - p)).collect(),
            Loss::CrossEntropy | Loss::FocalBce | Loss::Margin | Loss::SquaredHinge => answer.iter().map(|&p| log(p)).collect(),
        }
    }

    /// What a head that was trained with it says: softmax of the logits; their sigmoids where classes are independent; numbers as they are.
    pub fn answer(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Loss::Mse => logits.to_vec(),
            Loss::Bce => logits.iter().map(|l| 1.0 / (1.0 + (-l).exp())).collect(),
            Loss::CrossEntropy | Loss::FocalBce | Loss::Margin | Loss::SquaredHinge => {
                let top = logits.iter().fold(f32::MIN, |m, &l| m.max(l));
                let shares: Vec<f32> = logits.iter().map(|l| (l - top).exp()).collect();
                let sum: f32 = shares.iter().sum();
                shares.into_iter().map(|s| s / sum).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_stable_for_large_logits() {
        assert_eq!(Loss::CrossEntropy.answer(&[1000.0, 1000.0, -1000.0]), [0.5, 0.5, 0.0]);
        assert_eq!((Loss::Bce.answer(&[0.0, 3.0])[0], Loss::Mse.answer(&[-7.5])), (0.5, vec![-7.5]));
    }

    #[test]
    fn logits_of_an_answer_are_answered_with_it() {
        for loss in [Loss::CrossEntropy, Loss::FocalBce, Loss::Margin, Loss::SquaredHinge, Loss::Bce, Loss::Mse] {
            let said = loss.answer(&[2.0, -1.0, 0.5]);
            let again = loss.answer(&loss.logits_of(&said));
            assert!(said.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-6), "{loss}: {said:?}, then {again:?}");
        }
        assert!(Loss::CrossEntropy.logits_of(&[1.0, 0.0]).iter().chain(&Loss::Bce.logits_of(&[1.0, 0.0])).all(|l| l.is_finite()));
    }

    #[test]
    fn targets_of_classes_and_of_numbers() {
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let t = Targets::classes(names(&["joy", "fear"]), vec![Some(1), None, Some(0)]);
        assert_eq!((t.row(0), t.row(1), t.known(1), t.class(2)), (vec![0.0, 1.0], vec![0.0, 0.0], false, Some(0)));
        let m = t.measure(&[0, 1, 2], &[vec![0.0, 1.0], vec![9.0, 0.0], vec![0.0, 2.0]]).unwrap().unwrap();
        assert_eq!((m.value(Metric::Uar), m.value(Metric::Accuracy), m.value(Metric::Ccc)), (Some(0.5), Some(0.5), None));
        assert_eq!(t.measure(&[1], &[vec![9.0, 0.0]]).unwrap(), None);
        let soft = Targets::numbers(names(&["joy", "fear"]), vec![Some(vec![0.3, 0.7]), None]);
        assert_eq!((soft.class(0), soft.row(0), soft.row(1)), (Some(1), vec![0.3, 0.7], vec![0.0, 0.0]));
        let vectors = Targets::vectors(names(&["e0", "e1"]), vec![Some(vec![0.5, 1.0]), None]);
        let m = vectors.measure(&[0, 1], &[vec![0.0, 2.0], vec![9.0, 9.0]]).unwrap().unwrap();
        assert_eq!((vectors.class(0), m), (None, Measure::Numbers(vec![(0.5, 0.0), (1.0, 2.0)])));
        let numbers = Targets::numbers(names(&["valence"]), vec![Some(vec![0.5]), Some(vec![-1.5]), None]);
        assert_eq!(numbers.class(0), None);
        let m = numbers.measure(&[0, 1, 2], &[vec![0.5], vec![-1.5], vec![7.0]]).unwrap().unwrap();
        assert_eq!((m.value(Metric::Ccc), m.value(Metric::Uar), m.confusion()), (Some(1.0), None, None));
    }
}
