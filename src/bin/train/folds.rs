//! The report of several folds.

use crate::show::{Mode, Show, say};
use anyhow::Result;
use emotone::text;
use emotone::train::folds::{FoldResult, FoldsResult};
use emotone::train::metrics::{Confusion, Interval, mean};
use emotone::train::pooled::{Figure, Pooled, Unit};
use emotone::train::report;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Prints what the folds come to.
pub fn finish(show: &Show, out: &Path, result: &FoldsResult) -> Result<()> {
    if show.mode() == Mode::Json {
        say!("{}", json!({ "folds": result }));
        return Ok(());
    }
    if let Some(test) = &result.test {
        let mut matrix = Confusion::new(test.classes.clone());
        for (t, row) in test.confusion.iter().enumerate() {
            for (p, &n) in row.iter().enumerate() {
                matrix.add(t, p, n)?;
            }
        }
        say!("\nthe answers of all folds together\n{}", report::terminal(&matrix, report::colour_terminal()));
    }
    say!("{}", table(out, result));
    say!("results: {}", text::path(&out.join("folds.json")));
    say!("answers: {}", text::path(&out.join("predictions.csv")));
    Ok(())
}

/// Names of the metrics in `folds.json`, and their headings.
const COLUMNS: [(&str, &str); 4] = [("uar", "UAR"), ("wa", "WA"), ("macro_f1", "macro F1"), ("ccc", "CCC")];

fn value(fold: &FoldResult, metric: &str) -> Option<f64> {
    match metric {
        "uar" => fold.uar,
        "wa" => fold.wa,
        "macro_f1" => fold.macro_f1,
        _ => fold.ccc,
    }
}

/// The folds, a line each (the mean of its seeds), and what they come to.
fn table(out: &Path, result: &FoldsResult) -> String {
    let Some(pooled) = &result.pooled else { return String::new() };
    let columns: Vec<(&str, &str)> = COLUMNS.into_iter().filter(|(metric, _)| pooled.metrics.contains_key(*metric)).collect();
    let mut names: Vec<&str> = Vec::new();
    result.folds.iter().for_each(|f| {
        if !names.contains(&f.fold.as_str()) {
            names.push(&f.fold)
        }
    });
    let summary = ["mean over folds", "standard deviation", "pooled answers"];
    let left = names.iter().map(|n| text::width(n)).chain(summary.map(str::len)).max().unwrap_or(0);
    let mut text = format!("{:<left$} {:>6}", format!("fold of {}", result.split), "clips");
    columns.iter().for_each(|(_, heading)| _ = write!(text, " {heading:>9}"));
    text.push('\n');
    let mut line = |name: &str, clips: usize, values: &dyn Fn(&str) -> Option<f64>, note: &str| {
        let clips = if clips > 0 { clips.to_string() } else { String::new() };
        let _ = write!(text, "{} {clips:>6}", text::left(name, left));
        for (metric, _) in &columns {
            let cell = values(metric).map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
            let _ = write!(text, " {cell:>9}");
        }
        text.push_str(note);
        text.push('\n');
    };
    for name in &names {
        let own: Vec<&FoldResult> = result.folds.iter().filter(|f| f.fold == *name).collect();
        let absent = &own[0].absent;
        let note = if absent.is_empty() { String::new() } else { format!("  without clips of {}", text::names(absent)) };
        line(name, own[0].clips, &|metric| mean(own.iter().filter_map(|f| value(f, metric))), &note);
    }
    let figure = |metric: &str| pooled.metrics.get(metric);
    let clips = result.folds.iter().map(|f| f.clips).sum::<usize>() / result.seeds.len().max(1);
    line(summary[0], 0, &|m| figure(m).map(|f| f.mean_over_folds), "");
    line(summary[1], 0, &|m| figure(m).and_then(|f| f.std_over_folds), "");
    line(summary[2], clips, &|m| figure(m).map(|f| f.pooled), "");
    text + &sentences(out, result, pooled)
}

/// Intervals, seeds, and what to know of them.
fn sentences(out: &Path, result: &FoldsResult, pooled: &Pooled) -> String {
    let range = |i: Interval| format!("[{:.3}, {:.3}]", i.low, i.high);
    let mut text = String::new();
    let heading = COLUMNS.into_iter().find_map(|(metric, heading)| Some((heading, pooled.metrics.get(metric)?)));
    if let Some((heading, f)) = heading {
        let of = |f: &Figure| format!("mean over folds {}, pooled answers {}", range(f.interval_of_mean), range(f.interval_of_pooled));
        let drawn = match pooled.drawn {
            Unit::Speakers => format!("{} speakers with all their clips", pooled.units),
            Unit::Clips => format!("{} clips, which says nothing of other speakers", pooled.units),
        };
        let _ = writeln!(text, "{:.0} % of {heading}: {} (bootstrap over {drawn})", 100.0 * pooled.level, of(f));
        if result.seeds.len() > 1 {
            let seeds: Vec<String> = result.seeds.iter().zip(&f.mean_by_seed).map(|(seed, v)| format!("{seed}: {v:.3}")).collect();
            let _ = writeln!(text, "{heading}, mean over folds, by seed: {}", seeds.join(", "));
        }
    }
    if let Some(f) = result.enrolled.as_ref().and_then(|e| e.metrics.get("uar")) {
        let means = format!("mean over folds {:.3}, pooled answers {:.3}", f.mean_over_folds, f.pooled);
        let _ = writeln!(text, "enrolled speaker, another protocol (each test speaker's own unlabelled clips at hand): UAR {means}");
    }
    if let Some(ece) = result.test.as_ref().and_then(|t| t.ece) {
        let _ = writeln!(text, "expected calibration error of the pooled answers: {ece:.3}");
    }
    if result.folds.iter().any(|f| !f.absent.is_empty()) {
        let _ = writeln!(text, "where a fold has no clips of a class, its UAR and F1 are over the others");
    }
    if result.never_tested > 0 {
        let _ = writeln!(text, "{} clips are in no fold: they were never tested", result.never_tested);
    }
    let trained = result.folds.len() / result.seeds.len().max(1);
    if trained < result.folds_in_all {
        let _ =
            writeln!(text, "{trained} of {} folds; --resume {} --folds all makes the others too", result.folds_in_all, text::shell(out));
    }
    text
}
