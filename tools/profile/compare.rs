//! Two runs beside each other: the ratio of their times, an interval for it, and whether it could be chance.
//!
//! The test is Mann and Whitney's (1947): exact, and without a model of the noise. The ratio is the median of all ratios of a later to an
//! earlier run (Hodges and Lehmann 1963, on logarithms), its interval holds the ratios the test does not reject. Runs of one process are
//! less different than two processes are, so a row only counts as changed where it changed by more than the controls, the kernels
//! that measure the machine.

use super::report::{Report, Row};
use anyhow::Result;

/// Chance that an interval misses the true ratio. Small, because a table has many rows.
const MISS: f64 = 0.01;

/// Prints a line per row that both have, the `top` slowest (0 for all); rows that only one has are named.
pub fn print(before: &Report, after: &Report, top: usize) -> Result<()> {
    after.comparable(before)?;
    println!("\nafter / before, with an interval that holds the true ratio with {:.0} % certainty", 100.0 * (1.0 - MISS));
    let controls = pairs(&before.controls, &after.controls);
    // What the machine itself changed by: no row is called faster or slower for that.
    let [mut least, mut most] = [1.0f64; 2];
    for (then, now) in &controls {
        let r = now.median() / then.median();
        (least, most) = (least.min(r), most.max(r));
    }
    let mut parts = pairs(&before.rows, &after.rows);
    parts.sort_by(|x, y| y.0.median().total_cmp(&x.0.median()));
    parts.truncate(if top == 0 { parts.len() } else { top });
    let width = parts.iter().map(|(_, n)| n.name.chars().count()).max().unwrap_or(0).clamp(34, 72);
    for (then, now) in controls.into_iter().chain(parts).chain(pairs(&before.totals, &after.totals)) {
        let verdict = match ratio(&then.samples, &now.samples) {
            None => "too few runs to tell".into(),
            Some([r, low, high]) => {
                let word = match (low > 1.0, high < 1.0) {
                    _ if now.name.starts_with("control") => "",
                    (true, _) if low > most => "slower",
                    (_, true) if high < least => "faster",
                    (false, false) => "same",
                    _ => "same as the machine",
                };
                format!("{r:>7.3} [{low:.3}, {high:.3}] {word}")
            }
        };
        println!("{:width$} {:>10.3} -> {:>10.3} ms {verdict}", now.name, then.median(), now.median());
    }
    let missing = |rows: &[Row], others: &[Row], when: &str| {
        for r in rows.iter().filter(|r| !others.iter().any(|o| o.name == r.name)) {
            println!("only {when}: {} {:.3} ms", r.name, r.median());
        }
    };
    missing(&before.rows, &after.rows, "before");
    missing(&after.rows, &before.rows, "after");
    Ok(())
}

/// Rows of the same name.
fn pairs<'a>(before: &'a [Row], after: &'a [Row]) -> Vec<(&'a Row, &'a Row)> {
    after.iter().filter_map(|now| Some((before.iter().find(|then| then.name == now.name)?, now))).collect()
}

/// Ratio of `after` to `before` and the ends of its interval; `None` where there are too few samples, or times that are not positive.
fn ratio(before: &[f64], after: &[f64]) -> Option<[f64; 3]> {
    let (n, m) = (before.len(), after.len());
    if before.iter().chain(after).any(|t| t.is_nan() || *t <= 0.0) {
        return None;
    }
    let mut all: Vec<f64> = before.iter().flat_map(|b| after.iter().map(move |a| a / b)).collect();
    all.sort_by(f64::total_cmp);
    let out = rejected(n, m)?;
    let middle = (all[(n * m - 1) / 2] * all[n * m / 2]).sqrt();
    Some([middle, all[out - 1], all[n * m - out]])
}

/// How many of the `n·m` sorted ratios the interval leaves out at each end, counting the end itself: the largest c with
/// P(U < c) <= MISS / 2, `None` where that is 0.
fn rejected(n: usize, m: usize) -> Option<usize> {
    // Coefficients of the Gaussian binomial Π (1 − q^(m+i)) / (1 − q^i): arrangements with U = u, as shares of all.
    let mut share = vec![0.0f64; n * m + 1];
    share[0] = 1.0;
    for i in 1..=n {
        for u in (m + i..share.len()).rev() {
            share[u] -= share[u - m - i];
        }
        for u in i..share.len() {
            share[u] += share[u - i];
        }
        let weight = i as f64 / (m + i) as f64;
        share.iter_mut().for_each(|s| *s *= weight);
    }
    let mut below = 0.0;
    let c = share.iter().take_while(|s| {
        below += **s;
        below <= 0.5 * MISS
    });
    Some(c.count()).filter(|&c| c > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use emotone::reference::noise;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        // Two-sided 1 %: the table's value is the largest U that is rejected.
        for (n, m, table) in [(5, 5, 0), (6, 6, 2), (8, 8, 7), (10, 10, 16), (9, 12, 18), (20, 20, 105)] {
            assert_eq!(rejected(n, m), Some(table + 1), "{n} and {m}");
        }
        assert_eq!(rejected(4, 4), None);
    }

    #[test]
    fn a_difference_is_found_and_chance_is_not() {
        // Pieces of one stream: those of neighbouring seeds overlap, so they would not be independent.
        let stream = noise(1, 9 * 2000);
        let times = |piece: usize, scale: f64| -> Vec<f64> { stream[9 * piece..][..9].iter().map(|e| scale * (1.0 + 0.02 * e)).collect() };
        let [r, low, high] = ratio(&times(1, 2.0), &times(2, 3.0)).expect("enough");
        assert!(low > 1.4 && high < 1.6 && low <= r && r <= high, "{r} [{low}, {high}]");
        let missed = (0..1000).filter(|s| ratio(&times(2 * s, 1.0), &times(2 * s + 1, 1.0)).is_none_or(|[_, l, h]| l > 1.0 || h < 1.0));
        let missed = missed.count();
        assert!((1..=25).contains(&missed), "{missed} of 1000 equal pairs differ, about 10 should");
        assert!(ratio(&[1.0; 3], &[1.0; 3]).is_none());
        assert!(ratio(&[1.0; 9], &[0.0; 9]).is_none());
    }
}
