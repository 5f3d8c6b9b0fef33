//! Vectors of examples, standardised when they are looked at: they are too many to be kept twice.

use super::super::cholesky::dot;
use super::super::standard::Standard;
use crate::parallel;

/// The examples' vectors, and what they are standardised by.
pub(super) struct Rows<'a> {
    pub inputs: &'a [&'a [f32]],
    pub standard: &'a Standard,
}

/// Values of a vector that a thread takes at once.
const COLUMNS: usize = 512;
/// Vectors that a thread takes at once.
const TOGETHER: usize = 16;

impl Rows<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Values of each.
    pub fn width(&self) -> usize {
        self.standard.mean.len()
    }

    /// The values of vector `i` from the `first` on.
    pub fn bring(&self, i: usize, first: usize, z: &mut [f64]) {
        self.standard.bring(self.inputs[i], first, z);
    }

    /// For each of so many parts and each of the `factors` (one value per vector) the sum of the part's vectors times theirs: (parts, factors,
    /// values).
    pub fn sums(&self, part: &[usize], parts: usize, factors: &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> {
        let width = self.width();
        let of = |p: usize| {
            let (first, last) = (p * COLUMNS, width.min((p + 1) * COLUMNS));
            let mut z = vec![0.0; last - first];
            let mut sums = vec![vec![vec![0.0; last - first]; factors.len()]; parts];
            for i in 0..self.len() {
                self.bring(i, first, &mut z);
                for (sum, factor) in sums[part[i]].iter_mut().zip(factors) {
                    sum.iter_mut().zip(&z).for_each(|(s, z)| *s += factor[i] * z);
                }
            }
            sums
        };
        let pieces = parallel::map(parallel::cores(), width.div_ceil(COLUMNS), of);
        let whole = |part: usize, f: usize| pieces.iter().flat_map(|piece| piece[part][f].iter().copied()).collect();
        (0..parts).map(|part| (0..factors.len()).map(|f| whole(part, f)).collect()).collect()
    }

    /// What each vector answers to the weights of its part, (parts, weights, values): a value per vector for each of the weights.
    pub fn answers(&self, part: &[usize], weights: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
        let outputs = weights.first().map_or(0, Vec::len);
        let of = |b: usize| {
            let mut z = vec![0.0; self.width()];
            let answer = |i: usize| {
                self.bring(i, 0, &mut z);
                weights[part[i]].iter().map(|w| dot(w, &z)).collect::<Vec<f64>>()
            };
            (b * TOGETHER..self.len().min((b + 1) * TOGETHER)).map(answer).collect::<Vec<_>>()
        };
        let rows = parallel::map(parallel::cores(), self.len().div_ceil(TOGETHER), of).concat();
        (0..outputs).map(|k| rows.iter().map(|row| row[k]).collect()).collect()
    }
}
