//! Ridge regression as a classifier (Hoerl & Kennard 1970): a linear machine per class against the rest by weighted least squares, in closed form.
//!
//! `min over w, b of  Σ_i s_i (t_i − w·x_i − b)² + α |w|²`, t = 1 for the class and −1 for the rest; s = n / (classes · clips of the clip's
//! class), so that rare classes count as much as others. Centring by the weighted mean takes b out; what remains is a positive definite system of
//! as many unknowns as there are clips or values, whichever are fewer.

use crate::parallel;
use crate::{Error, Result};

/// The machines of all classes.
pub(super) struct Ridge {
    /// (classes, values).
    pub weight: Vec<f64>,
    /// (classes).
    pub bias: Vec<f64>,
    /// The objective of each class.
    pub objective: Vec<f64>,
    /// How far each may be from its minimum: the objective curves at least by 2α in every direction, so `|gradient|² / 4α`.
    pub gap: Vec<f64>,
}

/// Rows of one length.
struct Rows {
    width: usize,
    values: Vec<f64>,
}

impl Rows {
    fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.width..][..self.width]
    }

    fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    fn transposed(&self) -> Rows {
        let n = self.len();
        let column = |c: usize| (0..n).map(|i| self.values[i * self.width + c]).collect::<Vec<f64>>();
        Rows { width: n, values: parallel::map(parallel::cores(), self.width, column).concat() }
    }

    /// Lower triangle of the rows' products with each other, `alpha` added to the diagonal.
    fn gram(&self, alpha: f64) -> Vec<Vec<f64>> {
        let line = |i: usize| {
            let mut line: Vec<f64> = (0..=i).map(|j| dot(self.row(i), self.row(j))).collect();
            line[i] += alpha;
            line
        };
        parallel::map(parallel::cores(), self.len(), line)
    }
}

/// Solves all machines on rows `x` (n, values) of the given classes.
///
/// # Errors
/// [`Error::Config`] for a class without clips; [`Error::NonFinite`] for values that are not finite; that of `progress`.
pub(super) fn solve(
    x: &[Vec<f64>],
    classes: &[usize],
    outputs: usize,
    alpha: f64,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<Ridge> {
    let weights = balanced(classes, outputs)?;
    let (n, width) = (x.len(), x.first().map_or(0, Vec::len));
    if let Some(i) = x.iter().position(|row| row.iter().any(|v| !v.is_finite())) {
        return Err(Error::NonFinite(format!("features of training clip {i}")));
    }
    let total: f64 = weights.iter().sum();
    let mut mean = vec![0.0; width];
    x.iter().zip(&weights).for_each(|(row, s)| row.iter().zip(&mut mean).for_each(|(v, m)| *m += s * v / total));
    let scaled = |i: usize| x[i].iter().zip(&mean).map(|(v, m)| weights[i].sqrt() * (v - m)).collect::<Vec<f64>>();
    let rows = Rows { width, values: parallel::map(parallel::cores(), n, scaled).concat() };
    progress(0, outputs)?;
    let across = (width < n).then(|| rows.transposed());
    let factor = cholesky(across.as_ref().unwrap_or(&rows).gram(alpha), &mut || progress(0, outputs))?;
    let mut found = Ridge { weight: Vec::new(), bias: Vec::new(), objective: Vec::new(), gap: Vec::new() };
    for class in 0..outputs {
        progress(class, outputs)?;
        let t: Vec<f64> = classes.iter().map(|&c| if c == class { 1.0 } else { -1.0 }).collect();
        let mid = t.iter().zip(&weights).map(|(t, s)| t * s).sum::<f64>() / total;
        let y: Vec<f64> = t.iter().zip(&weights).map(|(t, s)| s.sqrt() * (t - mid)).collect();
        let w = match &across {
            Some(across) => back(&factor, &products(across, &y)),
            None => sums(&rows, &back(&factor, &y)),
        };
        let residual: Vec<f64> = products(&rows, &w).iter().zip(&y).map(|(f, y)| y - f).collect();
        let gradient: Vec<f64> = sums(&rows, &residual).iter().zip(&w).map(|(g, w)| 2.0 * (alpha * w - g)).collect();
        found.objective.push(dot(&residual, &residual) + alpha * dot(&w, &w));
        found.gap.push(dot(&gradient, &gradient) / (4.0 * alpha));
        found.bias.push(mid - dot(&w, &mean));
        found.weight.extend(w);
    }
    progress(outputs, outputs)?;
    Ok(found)
}

/// Weights under which all classes count alike.
fn balanced(classes: &[usize], outputs: usize) -> Result<Vec<f64>> {
    let mut counts = vec![0usize; outputs];
    classes.iter().for_each(|&c| counts[c] += 1);
    if let Some(empty) = counts.iter().position(|n| *n == 0) {
        return Err(Error::Config(format!("class {empty} of {outputs} has no training clip, so nothing tells it from the others")));
    }
    Ok(classes.iter().map(|&c| classes.len() as f64 / (outputs * counts[c]) as f64).collect())
}

/// Eight sums side by side, which the processor adds at once; always in this order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        sums.iter_mut().zip(a).zip(b).for_each(|((s, a), b)| *s += a * b);
    }
    sums.iter().sum::<f64>() + rest
}

/// The rows times a vector.
fn products(rows: &Rows, v: &[f64]) -> Vec<f64> {
    parallel::map(parallel::cores(), rows.len(), |i| dot(rows.row(i), v))
}

/// The sum of the rows, each times its value of `v`.
fn sums(rows: &Rows, v: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; rows.width];
    v.iter().enumerate().for_each(|(i, v)| rows.row(i).iter().zip(&mut sum).for_each(|(x, s)| *s += v * x));
    sum
}

/// Columns that are finished before the rows below take note of them.
const BLOCK: usize = 64;

/// The lower triangle L of `L Lᵀ = h`, in place: block after block of columns, the rows of each on all cores.
fn cholesky(mut h: Vec<Vec<f64>>, progress: &mut dyn FnMut() -> Result<()>) -> Result<Vec<Vec<f64>>> {
    let n = h.len();
    for first in (0..n).step_by(BLOCK) {
        progress()?;
        let last = (first + BLOCK).min(n);
        for i in first..last {
            for j in first..=i {
                let s = h[i][j] - dot(&h[i][..j], &h[j][..j]);
                h[i][j] = if i == j { s.max(f64::MIN_POSITIVE).sqrt() } else { s / h[j][j] };
            }
        }
        let below = |k: usize| {
            let mut line = h[last + k][..last].to_vec();
            for j in first..last {
                line[j] = (line[j] - dot(&line[..j], &h[j][..j])) / h[j][j];
            }
            line[first..].to_vec()
        };
        let lines = parallel::map(parallel::cores(), n - last, below);
        h[last..].iter_mut().zip(&lines).for_each(|(row, line)| row[first..last].copy_from_slice(line));
    }
    Ok(h)
}

/// `(L Lᵀ)⁻¹ b`.
fn back(l: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut y = b.to_vec();
    for i in 0..n {
        y[i] = (y[i] - dot(&l[i][..i], &y[..i])) / l[i][i];
    }
    for i in (0..n).rev() {
        y[i] /= l[i][i];
        let (above, own) = y.split_at_mut(i);
        above.iter_mut().zip(&l[i]).for_each(|(y, l)| *y -= own[0] * l);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::noise;

    fn data(n: usize, width: usize, outputs: usize) -> (Vec<Vec<f64>>, Vec<usize>) {
        let classes: Vec<usize> = (0..n).map(|i| if i < outputs { i } else { i * i % outputs }).collect();
        let row =
            |i: usize| noise(i as u64, width).iter().enumerate().map(|(k, v)| v + f64::from(u8::from(k % outputs == classes[i]))).collect();
        ((0..n).map(row).collect(), classes)
    }

    /// More values than clips and more clips than values, around the size of a block: the gradient says that it is the minimum, and a
    /// change in any direction is worse.
    #[test]
    fn the_minimum_is_found_either_way() {
        for (n, width, alpha) in [(40, 97, 5.0), (97, 40, 5.0), (130, 129, 0.1), (129, 130, 0.1), (65, 64, 10.0), (3, 1, 1.0)] {
            let (x, classes) = data(n, width, 3);
            let found = solve(&x, &classes, 3, alpha, &mut |_, _| Ok(())).unwrap();
            let weights = balanced(&classes, 3).unwrap();
            for class in 0..3 {
                let value = |w: &[f64], b: f64| {
                    let error = |(i, row): (usize, &Vec<f64>)| {
                        let t = if classes[i] == class { 1.0 } else { -1.0 };
                        weights[i] * (t - row.iter().zip(w).map(|(x, w)| x * w).sum::<f64>() - b).powi(2)
                    };
                    x.iter().enumerate().map(error).sum::<f64>() + alpha * w.iter().map(|w| w * w).sum::<f64>()
                };
                let (w, b) = (&found.weight[class * width..][..width], found.bias[class]);
                let best = value(w, b);
                assert!((best - found.objective[class]).abs() < 1e-9 * best, "{best} is not {}", found.objective[class]);
                assert!(found.gap[class] >= 0.0 && found.gap[class] < 1e-12 * best, "gap {}", found.gap[class]);
                for seed in 0..3 {
                    let step = noise(seed + 77, width + 1);
                    let moved: Vec<f64> = w.iter().zip(&step).map(|(w, s)| w + 1e-3 * s).collect();
                    assert!(value(&moved, b + 1e-3 * step[width]) > best);
                }
            }
        }
    }

    /// A class of a third of the clips, each three times, is that class with as many clips as the others.
    #[test]
    fn rare_classes_count_as_much() {
        let (x, classes) = data(60, 20, 2);
        let keep: Vec<usize> = (0..60).filter(|&i| classes[i] == 0 || i % 3 == 0).collect();
        let of = |rows: &[usize]| {
            solve(
                &rows.iter().map(|&i| x[i].clone()).collect::<Vec<_>>(),
                &rows.iter().map(|&i| classes[i]).collect::<Vec<_>>(),
                2,
                4.0,
                &mut |_, _| Ok(()),
            )
        };
        let once = of(&keep).unwrap();
        let thrice: Vec<usize> = keep.iter().flat_map(|&i| vec![i; if classes[i] == 1 { 3 } else { 1 }]).collect();
        let copies = of(&thrice).unwrap();
        // As many clips more as the weights' sum says; the penalty is per clip.
        let scale = thrice.len() as f64 / keep.len() as f64;
        let again = solve(
            &thrice.iter().map(|&i| x[i].clone()).collect::<Vec<_>>(),
            &thrice.iter().map(|&i| classes[i]).collect::<Vec<_>>(),
            2,
            4.0 * scale,
            &mut |_, _| Ok(()),
        )
        .unwrap();
        assert!(once.weight.iter().zip(&again.weight).all(|(a, b)| (a - b).abs() < 1e-9), "weights of copies differ");
        assert!(once.weight.iter().zip(&copies.weight).any(|(a, b)| (a - b).abs() > 1e-6), "the penalty does nothing");
    }

    #[test]
    fn what_cannot_be_solved_is_refused() {
        let (mut x, classes) = data(10, 4, 2);
        assert!(solve(&x, &classes, 3, 1.0, &mut |_, _| Ok(())).is_err(), "a class without clips");
        x[3][1] = f64::NAN;
        assert!(matches!(solve(&x, &classes, 2, 1.0, &mut |_, _| Ok(())), Err(Error::NonFinite(_))));
    }
}
