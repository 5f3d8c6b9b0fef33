//! What the answers of several `train --folds` come to when they are averaged, and which differences stand.
//!
//!     cargo run --release --example ensemble -- RUN RUN... [--out FILE]
//!
//! Reads `predictions.csv` of each folder, which hold answers to the same test clips in the same folds. Probabilities are averaged, of all
//! runs and all their seeds alike, as `infer --model A --model B` does. `mean` is over folds, `pooled` of all answers; intervals are drawn over
//! speakers. --out writes them in the same form, for instance as a teacher's.

mod table;

use anyhow::{Context as _, Result};
use clap::Parser;
use emotone::random::Rng;
use emotone::train::metrics::{Confusion, Interval, mean, percentiles};
use emotone::train::pooled::{Part, Pooled, pool};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use table::Table;

/// Resamples of the bootstrap, the level of its intervals, and its seed.
const RESAMPLES: usize = 2000;
const LEVEL: f64 = 0.95;
const SEED: u64 = 1;

/// Averages the answers of runs over folds.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 all done; 1 an error; 2 wrong flags.")]
struct Args {
    /// Folders that `train --folds` has completed.
    #[arg(required = true, num_args = 1..)]
    run: Vec<PathBuf>,
    /// Write the averages here, in the form of a run's predictions.csv.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runs = args.run.iter().map(|run| Table::read(&run.join("predictions.csv"))).collect::<Result<Vec<_>>>()?;
    let all = Table::mean(&runs)?;
    println!("{:<40} {:>6} {:>6}  {:<14}  all together less this", "UAR", "mean", "pooled", "95 %, pooled");
    for (path, run) in args.run.iter().zip(&runs) {
        let (gain, Interval { low, high }) = gain(run, &all)?;
        println!("{}  {gain:+.3}, {low:+.3} to {high:+.3}", line(&path.display().to_string(), &figures(run)?));
    }
    println!("{}", line("all together", &figures(&all)?));
    args.out.map_or(Ok(()), |out| all.write(&out))
}

/// The figures of a run, or of the average.
fn figures(table: &Table) -> Result<Pooled> {
    let parts: Vec<Part> = table.parts.iter().map(|p| Part { fold: p.fold, seed: p.seed, predictions: &p.predictions }).collect();
    Ok(pool(&parts, &|clip| table.speaker(clip), SEED)?)
}

fn line(name: &str, pooled: &Pooled) -> String {
    let uar = &pooled.metrics["uar"];
    let Interval { low, high } = uar.interval_of_pooled;
    format!("{name:<40} {:>6.3} {:>6.3}  {low:.3} to {high:.3}", uar.mean_over_folds, uar.pooled)
}

/// UAR of all answers of `other` less that of `run`, each the mean of its seeds, and the interval of the difference. A resample draws speakers with
/// all their clips (or clips, where some speaker is unknown), the same for both.
fn gain(run: &Table, other: &Table) -> Result<(f64, Interval)> {
    let units = run.units();
    let (own, others) = (answers(run, &units)?, answers(other, &units)?);
    let difference = |times: &[u64]| Some(uar(&run.outputs, &others, times)? - uar(&run.outputs, &own, times)?);
    let n = units.values().max().map_or(0, |last| last + 1);
    let whole = difference(&vec![1; n]).context("no answers")?;
    let mut rng = Rng::new(SEED, &[0xe25e]);
    let [interval] = percentiles(RESAMPLES, LEVEL, || {
        let mut times = vec![0; n];
        (0..n).for_each(|_| times[rng.below(n)] += 1);
        [difference(&times)]
    });
    Ok((whole, interval))
}

/// Unit, truth and prediction of each answer, by seed.
fn answers(table: &Table, units: &HashMap<&str, usize>) -> Result<BTreeMap<usize, Vec<[usize; 3]>>> {
    let mut all: BTreeMap<usize, Vec<[usize; 3]>> = BTreeMap::new();
    for part in &table.parts {
        for row in &part.predictions.rows {
            let answer = [units[row.clip.as_str()], table.class(&row.truth)?, table.class(&row.prediction)?];
            all.entry(part.seed).or_default().push(answer);
        }
    }
    Ok(all)
}

/// The mean over seeds, each answer counted as often as its unit was drawn.
fn uar(classes: &[String], seeds: &BTreeMap<usize, Vec<[usize; 3]>>, times: &[u64]) -> Option<f64> {
    mean(seeds.values().filter_map(|answers| {
        let mut matrix = Confusion::new(classes.iter().cloned());
        answers.iter().try_for_each(|&[unit, truth, predicted]| matrix.add(truth, predicted, times[unit])).ok()?;
        matrix.uar()
    }))
}
