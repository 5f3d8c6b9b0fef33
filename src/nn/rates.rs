//! Learning rates of parts of the parameters: factors of the optimiser's own.

use super::gradients::cut;
use super::params::{Param, Params, TRAINABLE};
use std::ops::Range;

/// Which trained parameters learn at which factor of the learning rate. Parameters of a factor that lie one behind the other are updated
/// together, so blocks that learn at rates of their own cost a few launches each.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Every factor once.
    factors: Vec<f64>,
    /// Runs of elements of a buffer laid out as [`TRAINABLE`], and the places of their factors; none where all share the one factor.
    runs: Vec<(Range<usize>, usize)>,
}

impl Default for Rates {
    /// One rate for all.
    fn default() -> Self {
        Rates { factors: vec![1.0], runs: Vec::new() }
    }
}

impl Rates {
    /// The factors that `of` gives the trained parameters.
    pub fn of(params: &Params, of: impl Fn(&Param) -> f64) -> Self {
        let mut rates = Rates { factors: Vec::new(), runs: Vec::new() };
        let mut trained: Vec<&Param> = params.trainable().collect();
        trained.sort_by_key(|p| p.place.offset);
        let ends = trained.iter().skip(1).map(|p| p.place.offset).chain([params.extent(TRAINABLE)]);
        for (p, end) in trained.iter().zip(ends) {
            let factor = of(p);
            let place = rates.factors.iter().position(|f| *f == factor).unwrap_or_else(|| {
                rates.factors.push(factor);
                rates.factors.len() - 1
            });
            match rates.runs.last_mut() {
                Some((run, same)) if *same == place => run.end = end,
                _ => rates.runs.push((p.place.offset..end, place)),
            }
        }
        match rates.factors.len() {
            0 => Self::default(),
            1 => Rates { runs: Vec::new(), ..rates },
            _ => rates,
        }
    }

    /// How many rates there are.
    pub fn count(&self) -> usize {
        self.factors.len()
    }

    /// The regions of a buffer of `extent` elements that are updated at once, each with the place of its rate: runs, cut where they are
    /// longer than a kernel may bind.
    pub(super) fn cuts(&self, extent: usize) -> Vec<(Range<usize>, usize)> {
        let whole = [(0..extent, 0)];
        let runs = if self.runs.is_empty() { &whole[..] } else { &self.runs };
        runs.iter().flat_map(|(run, rate)| cut(run.clone()).map(|part| (part, *rate))).collect()
    }

    /// The rates themselves, where the optimiser's is `lr`.
    pub(super) fn at(&self, lr: f64) -> impl Iterator<Item = f64> {
        self.factors.iter().map(move |factor| factor * lr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::nn::Init;

    fn params() -> Params {
        let (mut params, mut g) = (Params::new(|group| group != "frozen"), Graph::new());
        for (name, n) in [("a.w", 70), ("a.b", 1), ("b.w", 5), ("c.w", 64), ("d.w", 3)] {
            params.param(&mut g, "trunk", name, [n], Init::Fill(1.0)).unwrap();
        }
        params.param(&mut g, "frozen", "e.w", [9], Init::Fill(1.0)).unwrap();
        params
    }

    #[test]
    fn neighbours_of_one_factor_are_one_run_and_every_element_is_in_one() {
        let factor = |p: &Param| if p.name.starts_with('b') || p.name.starts_with('d') { 0.5 } else { 1.0 };
        let rates = Rates::of(&params(), factor);
        // Tensors begin at multiples of 64 elements.
        assert_eq!(rates.cuts(384), [(0..192, 0), (192..256, 1), (256..320, 0), (320..384, 1)]);
        assert_eq!(rates.at(0.1).collect::<Vec<_>>(), [0.1, 0.05]);
    }

    #[test]
    fn one_factor_needs_no_runs() {
        assert_eq!(Rates::of(&params(), |_| 1.0), Rates::default());
        let slow = Rates::of(&params(), |_| 0.25);
        assert_eq!((slow.cuts(384), slow.count()), (vec![(0..384, 0)], 1));
        assert_eq!(slow.at(0.4).collect::<Vec<_>>(), [0.1]);
        assert_eq!(Rates::of(&Params::new(|_| true), |_| 0.5), Rates::default(), "nothing is trained");
    }
}
