//! Rows of figures: collected, printed, kept as JSON.

use super::gauge::Ceilings;
use anyhow::{Context, Result, bail};
use emotone::gpu::Capabilities;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The times of one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// Launches per run.
    pub launches: usize,
    /// Floating-point operations per run.
    pub flops: u64,
    /// Bytes moved per run.
    pub bytes: u64,
    /// Milliseconds of every run.
    pub samples: Vec<f64>,
}

impl Row {
    /// Median milliseconds.
    pub fn median(&self) -> f64 {
        median(&self.samples)
    }
}

/// The middle of `samples`, NaN where there are none.
pub fn median(samples: &[f64]) -> f64 {
    let mut s = samples.to_vec();
    s.sort_by(f64::total_cmp);
    match s.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => s[n / 2],
        n => 0.5 * (s[n / 2 - 1] + s[n / 2]),
    }
}

/// A run of the tool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub adapter: String,
    pub driver: String,
    /// How launches were timed: `timestamps` or `submit and wait`.
    pub clock: String,
    /// What was timed.
    pub what: String,
    pub ceilings: Ceilings,
    /// What the machine did at most, time after time.
    pub controls: Vec<Row>,
    /// Parts.
    pub rows: Vec<Row>,
    /// Their sum and the whole, where there is a whole.
    pub totals: Vec<Row>,
}

impl Report {
    pub fn new(caps: &Capabilities) -> Self {
        let clock = if caps.timestamps { "timestamps" } else { "submit and wait" };
        Report {
            adapter: caps.adapter.clone(),
            driver: caps.driver.clone(),
            clock: clock.into(),
            what: String::new(),
            ceilings: Ceilings::default(),
            controls: Vec::new(),
            rows: Vec::new(),
            totals: Vec::new(),
        }
    }

    pub fn load(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text).with_context(|| format!("{} is not of this tool", file.display()))
    }

    pub fn save(&self, file: &Path) -> Result<()> {
        std::fs::write(file, serde_json::to_string_pretty(self)?).with_context(|| file.display().to_string())
    }

    /// Adds the samples of an earlier run of the same.
    pub fn merge(&mut self, earlier: Report) -> Result<()> {
        self.comparable(&earlier)?;
        self.ceilings = self.ceilings.larger(&earlier.ceilings);
        let Report { rows, totals, controls, .. } = earlier;
        for (mine, theirs) in [(&mut self.rows, rows), (&mut self.totals, totals), (&mut self.controls, controls)] {
            for row in theirs {
                match mine.iter_mut().find(|r| r.name == row.name) {
                    Some(r) => r.samples.splice(0..0, row.samples).for_each(drop),
                    None => mine.push(row),
                }
            }
        }
        Ok(())
    }

    /// Refuses to set apples beside pears.
    pub fn comparable(&self, other: &Report) -> Result<()> {
        for (what, a, b) in
            [("what was timed", &self.what, &other.what), ("adapter", &self.adapter, &other.adapter), ("clock", &self.clock, &other.clock)]
        {
            if a != b {
                bail!("{what} differs: {b} in the file, {a} now");
            }
        }
        Ok(())
    }

    /// Prints the rows, slowest first where they are parts of a whole.
    pub fn print(&self, top: usize) {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        let parts = !self.totals.is_empty();
        if parts {
            rows.sort_by(|a, b| b.median().total_cmp(&a.median()));
        }
        let sum: f64 = rows.iter().map(|r| r.median()).sum();
        println!("\n{}; times by {}, medians of {} runs", self.what, self.clock, rows.first().map_or(0, |r| r.samples.len()));
        println!("fma and copy: shares of the ceilings, {}", self.ceilings);
        let width = self.rows.iter().chain(&self.totals).map(|r| r.name.chars().count()).max().unwrap_or(0).clamp(20, 72);
        let head = if parts { "   share" } else { "" };
        println!(
            "{:width$} {:>10} {:>10}{head} {:>5} {:>10} {:>9} {:>6} {:>6}",
            "", "ms", "best", "calls", "GFLOP/s", "GB/s", "fma", "copy"
        );
        let line = |name: &str, rows: &[&Row], part: bool| {
            let ms: f64 = rows.iter().map(|r| r.median()).sum();
            let launches: usize = rows.iter().map(|r| r.launches).sum();
            let flops = rows.iter().map(|r| r.flops).sum::<u64>() as f64;
            let bytes = rows.iter().map(|r| r.bytes).sum::<u64>() as f64;
            let [fma, copy] = self.ceilings.shares(flops, bytes, ms / 1e3);
            let (gflops, gbs) = (flops / ms / 1e6, bytes / ms / 1e6);
            let share = match (parts, part) {
                (false, _) => String::new(),
                (true, false) => " ".repeat(8),
                (true, true) => format!(" {:>6.1}%", 100.0 * ms / sum),
            };
            let best: f64 = rows.iter().map(|r| r.samples.iter().copied().fold(f64::INFINITY, f64::min)).sum();
            println!("{name:width$} {ms:>10.3} {best:>10.3}{share} {launches:>5} {gflops:>10.1} {gbs:>9.1} {fma:>5.1}% {copy:>5.1}%");
        };
        let shown = if top == 0 || !parts { rows.len() } else { top.min(rows.len()) };
        rows[..shown].iter().for_each(|r| line(&r.name, &[r], true));
        if let rest @ [_, ..] = &rows[shown..] {
            line(&format!("{} others", rest.len()), rest, true);
        }
        if parts {
            line("= these medians, added", &rows, true);
        }
        self.totals.iter().for_each(|r| line(&r.name, &[r], false));
    }
}
