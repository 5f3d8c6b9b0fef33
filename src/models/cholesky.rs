//! Systems of a symmetric positive definite matrix by Cholesky's factorisation, in double precision.

use crate::{Result, parallel};

/// The lower triangle of a symmetric matrix, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Triangle(pub Vec<Vec<f64>>);

impl Triangle {
    /// Rows and columns.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The element of row `i` and column `j`, in either order.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        if j <= i { self.0[i][j] } else { self.0[j][i] }
    }

    /// The matrix times a vector.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; v.len()];
        for (i, row) in self.0.iter().enumerate() {
            sums[i] += dot(row, &v[..=i]);
            sums[..i].iter_mut().zip(row).for_each(|(s, k)| *s += k * v[i]);
        }
        sums
    }

    /// The rows and columns `which`, in this order.
    pub fn part(&self, which: &[usize]) -> Triangle {
        let row = |a: usize| which[..=a].iter().map(|&j| self.at(which[a], j)).collect();
        Triangle(parallel::map(parallel::cores(), which.len(), row))
    }
}

/// The lower triangle L of `L Lᵀ`.
pub(super) struct Factor(Vec<Vec<f64>>);

/// Columns that are finished before the rows below take note of them.
const PANEL: usize = 64;
/// Rows that a thread takes at once.
const ROWS: usize = 32;
/// Columns whose products are added up while the panel's part of them is near.
const DEPTH: usize = 256;
/// Sums side by side, of so many rows with so many others.
const HIGH: usize = 4;
const WIDE: usize = 2;

impl Factor {
    /// Factors a matrix in its own memory: panel after panel of columns, the rows of each on all cores and every sum in a fixed order. `progress`
    /// hears how many columns are done.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn of(Triangle(mut h): Triangle, progress: &mut dyn FnMut(usize) -> Result<()>) -> Result<Factor> {
        let n = h.len();
        for first in (0..n).step_by(PANEL) {
            progress(first)?;
            let last = (first + PANEL).min(n);
            let (above, below) = h.split_at_mut(last);
            finish(&mut above[first..], first);
            let (panel, rows) = (&above[first..], &*below);
            let blocks = rows.len().div_ceil(ROWS);
            let lines = parallel::map(parallel::cores(), blocks, |b| {
                let own = &rows[b * ROWS..rows.len().min((b + 1) * ROWS)];
                let mut lines = less_products(own, panel, first);
                for line in lines.chunks_mut(last - first) {
                    substitute(line, panel, first);
                }
                lines
            });
            for (b, lines) in lines.iter().enumerate() {
                let own = below[b * ROWS..].iter_mut();
                own.zip(lines.chunks(last - first)).for_each(|(row, line)| row[first..last].copy_from_slice(line));
            }
        }
        Ok(Factor(h))
    }

    /// `(L Lᵀ)⁻¹ b`.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let (l, n) = (&self.0, b.len());
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
}

/// The panel's own rows: what the columns before it and its own say of them.
fn finish(panel: &mut [Vec<f64>], first: usize) {
    let sums = less_products(panel, panel, first);
    let width = panel.len();
    for (row, line) in panel.iter_mut().zip(sums.chunks(width)) {
        let own = row.len() - first;
        row[first..].copy_from_slice(&line[..own]);
    }
    for i in 0..panel.len() {
        for j in 0..=i {
            let (a, b) = (&panel[i][first..first + j], &panel[j][first..first + j]);
            let s = panel[i][first + j] - dot(a, b);
            panel[i][first + j] = if i == j { s.max(f64::MIN_POSITIVE).sqrt() } else { s / panel[j][first + j] };
        }
    }
}

/// The panel's columns of a row below it, whose products with earlier columns are taken off.
fn substitute(line: &mut [f64], panel: &[Vec<f64>], first: usize) {
    for j in 0..line.len() {
        line[j] = (line[j] - dot(&line[..j], &panel[j][first..first + j])) / panel[j][first + j];
    }
}

/// The panel's columns of some rows, less the products of the columns before them: as many values a row as the panel has rows. Beyond a row's end
/// they mean nothing.
fn less_products(rows: &[Vec<f64>], panel: &[Vec<f64>], first: usize) -> Vec<f64> {
    let width = panel.len();
    let mut out = vec![0.0; rows.len() * width];
    for (row, line) in rows.iter().zip(out.chunks_mut(width)) {
        let own = width.min(row.len() - first);
        line[..own].copy_from_slice(&row[first..first + own]);
    }
    for from in (0..first).step_by(DEPTH) {
        let to = (from + DEPTH).min(first);
        for r in (0..rows.len()).step_by(HIGH) {
            let a: [&[f64]; HIGH] = std::array::from_fn(|i| &rows[(r + i).min(rows.len() - 1)][from..to]);
            for p in (0..width).step_by(WIDE) {
                let b: [&[f64]; WIDE] = std::array::from_fn(|j| &panel[(p + j).min(width - 1)][from..to]);
                let sums = tile(a, b);
                for (i, sums) in sums.iter().enumerate().take(rows.len() - r) {
                    let line = &mut out[(r + i) * width..][..width];
                    line[p..].iter_mut().zip(sums).for_each(|(o, s)| *o -= s);
                }
            }
        }
    }
    out
}

/// The products of some rows with some others, of equal length.
fn tile(a: [&[f64]; HIGH], b: [&[f64]; WIDE]) -> [[f64; WIDE]; HIGH] {
    let (a2, b2) = (a.map(|row| row.as_chunks::<2>().0), b.map(|row| row.as_chunks::<2>().0));
    let n = a2[0].len();
    let (a2, b2) = (a2.map(|row| &row[..n]), b2.map(|row| &row[..n]));
    let mut sums = [[[0.0f64; 2]; WIDE]; HIGH];
    for k in 0..n {
        for (sums, a) in sums.iter_mut().zip(&a2) {
            for (sum, b) in sums.iter_mut().zip(&b2) {
                sum[0] += a[k][0] * b[k][0];
                sum[1] += a[k][1] * b[k][1];
            }
        }
    }
    let odd = |i: usize, j: usize| a[i][2 * n..].iter().zip(&b[j][2 * n..]).map(|(a, b)| a * b).sum::<f64>();
    std::array::from_fn(|i| std::array::from_fn(|j| sums[i][j][0] + sums[i][j][1] + odd(i, j)))
}

/// The scalar product: eight sums side by side, which the processor adds at once; always in this order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        sums.iter_mut().zip(a).zip(b).for_each(|((s, a), b)| *s += a * b);
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::noise;

    /// Sizes around those of panels, blocks of rows and tiles: the matrix times the solution is what it was solved for.
    #[test]
    fn solutions_solve() {
        for n in [1, 2, 5, 31, 63, 64, 65, 129, 200, 331] {
            let x: Vec<Vec<f64>> = (0..n).map(|i| noise(i as u64, n + 3)).collect();
            let row = |i: usize| (0..=i).map(|j| dot(&x[i], &x[j]) + if i == j { 0.1 } else { 0.0 }).collect();
            let k = Triangle((0..n).map(row).collect());
            let b = noise(999, n);
            let mut heard = 0;
            let mut count = |_: usize| {
                heard += 1;
                Ok(())
            };
            let y = Factor::of(k.clone(), &mut count).unwrap().solve(&b);
            for (i, b) in b.iter().enumerate() {
                let back: f64 = (0..n).map(|j| k.at(i, j) * y[j]).sum();
                assert!((back - b).abs() < 1e-8 * y.iter().fold(1.0, |m, v| v.abs().max(m)), "{n}: {back} is not {b}");
            }
            let times = k.times(&y);
            assert!((0..n).all(|i| (times[i] - b[i]).abs() < 1e-8 * y.iter().fold(1.0, |m, v| v.abs().max(m))), "{n}");
            assert_eq!(heard, n.div_ceil(PANEL));
            let which: Vec<usize> = (0..n).rev().step_by(2).collect();
            let part = k.part(&which);
            assert!((0..which.len()).all(|a| (0..which.len()).all(|b| part.at(a, b) == k.at(which[a], which[b]))));
        }
        let stopped = Factor::of(Triangle(vec![vec![1.0]]), &mut |_| Err(crate::Error::Interrupted));
        assert!(matches!(stopped, Err(crate::Error::Interrupted)));
    }
}
