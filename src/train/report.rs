//! The outcome of a run for people and programs: confusion matrix as terminal text and CSV; `result.json`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::distil::Taught;
use super::metrics::{Confusion, Intervals};
use super::picture::Palette;
use crate::text::{self, width};
use crate::{Error, Result, storage};

/// True when standard output is a terminal that shows colours and the user has not asked for none (`NO_COLOR`).
pub fn colour_terminal() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() && std::env::var_os("TERM").is_some_and(|t| t != "dumb")
}

/// The matrix as aligned text, rows the truth: counts with the share of their row as shading, and the recall of each class. In `colour`
/// the cells have 24-bit backgrounds, else a block from light to dark stands beside each number.
pub fn terminal(matrix: &Confusion, colour: bool) -> String {
    let classes = matrix.classes();
    let corner = "truth \\ predicted";
    let left = classes.iter().map(|c| width(c)).chain([corner.len()]).max().unwrap_or(0);
    let digits = matrix.rows().iter().flatten().map(|n| n.to_string().len()).max().unwrap_or(1);
    let cell = classes.iter().map(|c| width(c)).chain([digits + 2]).max().unwrap_or(1);
    let mut out = format!("{corner:<left$} │");
    for class in classes {
        let _ = write!(out, " {}", text::right(class, cell));
    }
    let _ = write!(out, " │ recall\n{}┼{}┼{}\n", "─".repeat(left + 1), "─".repeat((cell + 1) * classes.len() + 1), "─".repeat(7));
    for (t, class) in classes.iter().enumerate() {
        let _ = write!(out, "{} │", text::left(class, left));
        let support = matrix.support(t);
        for p in 0..classes.len() {
            let n = matrix.count(t, p);
            let share = if support > 0 { n as f64 / support as f64 } else { 0.0 };
            let _ = if colour {
                let [r, g, b] = Palette::Magma.colour(0.1 + 0.8 * share as f32);
                let ink = if share > 0.6 { 30 } else { 97 };
                write!(out, " \x1b[48;2;{r};{g};{b};{ink}m{n:>cell$}\x1b[0m")
            } else {
                write!(out, " {n:>width$} {}", shade(n, share), width = cell.saturating_sub(2))
            };
        }
        let _ = match matrix.recall(t) {
            Some(recall) => writeln!(out, " │ {recall:>6.3}"),
            None => writeln!(out, " │ {:>6}", "-"),
        };
    }
    let value = |v: Option<f64>| v.map_or_else(|| "-".to_string(), |v| format!("{v:.3}"));
    let _ = writeln!(
        out,
        "{} clips: unweighted recall {}, accuracy {}, macro F1 {}",
        matrix.total(),
        value(matrix.uar()),
        value(matrix.accuracy()),
        value(matrix.macro_f1())
    );
    let absent = matrix.absent();
    if !absent.is_empty() {
        let _ = writeln!(out, "no test clips, left out of the averages: {}", text::names(&absent));
    }
    out
}

fn shade(n: u64, share: f64) -> char {
    match share {
        _ if n == 0 => ' ',
        s if s < 0.15 => '░',
        s if s < 0.45 => '▒',
        s if s < 0.75 => '▓',
        _ => '█',
    }
}

/// Writes the counts as CSV: a header `truth,<classes>,recall`, then a row per class; an absent class has an empty recall.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_csv(matrix: &Confusion, path: &Path) -> Result<()> {
    let encode = || -> Result<Vec<u8>, csv::Error> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(std::iter::once("truth").chain(matrix.classes().iter().map(String::as_str)).chain(["recall"]))?;
        for (t, (class, row)) in matrix.classes().iter().zip(matrix.rows()).enumerate() {
            let recall = matrix.recall(t).map_or_else(String::new, |r| format!("{r:.6}"));
            table.write_record(std::iter::once(class.clone()).chain(row.iter().map(u64::to_string)).chain([recall]))?;
        }
        table.into_inner().map_err(|e| e.into_error().into())
    };
    storage::write(path, &encode().map_err(|e| Error::io(path)(std::io::Error::other(e)))?)
}

/// One training stage of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageResult {
    /// Epochs trained.
    pub epochs: u64,
    /// Wall-clock seconds of training, validation excluded.
    pub train_seconds: f64,
    /// Training clips per second of that time.
    pub clips_per_s: f64,
    /// Steps skipped because their gradient was not finite in half precision.
    #[serde(default)]
    pub skipped_steps: u64,
}

/// The test of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// How the test clips were chosen, for example `speakers: emo08, emo10` or `random (speakers overlap)`.
    pub split: String,
    /// Test clips.
    pub clips: u64,
    /// Unweighted average recall over the classes present.
    pub uar: Option<f64>,
    /// Weighted accuracy.
    pub wa: Option<f64>,
    /// Mean F1 over the classes present.
    pub macro_f1: Option<f64>,
    /// F1 weighted by support.
    pub weighted_f1: Option<f64>,
    /// Recall by class; null for a class without test clips.
    pub recall: BTreeMap<String, Option<f64>>,
    /// Classes without test clips, left out of the averages.
    pub absent: Vec<String>,
    /// Class names in the order of the matrix.
    pub classes: Vec<String>,
    /// Counts, rows the truth.
    pub confusion: Vec<Vec<u64>>,
    /// Bootstrap confidence intervals.
    pub intervals: Option<Intervals>,
    /// Expected calibration error of the probabilities (15 bins).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
}

impl TestResult {
    /// Everything `matrix` says, with `intervals` where they were computed.
    pub fn new(matrix: &Confusion, split: impl Into<String>, intervals: Option<Intervals>) -> Self {
        TestResult {
            split: split.into(),
            clips: matrix.total(),
            uar: matrix.uar(),
            wa: matrix.accuracy(),
            macro_f1: matrix.macro_f1(),
            weighted_f1: matrix.weighted_f1(),
            recall: matrix.classes().iter().enumerate().map(|(c, name)| (name.clone(), matrix.recall(c))).collect(),
            absent: matrix.absent().into_iter().map(String::from).collect(),
            classes: matrix.classes().to_vec(),
            confusion: matrix.rows(),
            intervals,
            ece: None,
        }
    }
}

/// What `result.json` holds; the names are stable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The GPU adapter that trained.
    pub adapter: String,
    /// Hash of the configuration.
    pub config_hash: String,
    /// SHA-256 of the weight file.
    pub weights_sha256: String,
    /// Stages by name.
    pub stages: BTreeMap<String, StageResult>,
    /// What was found of the model's logits on validation, where it answers classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The test, where there was one.
    pub test: Option<TestResult>,
    /// The same test by six [views](super::views) of each image, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_tta: Option<TestResult>,
    /// Concordance of the test, where the model answers a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_ccc: Option<f64>,
    /// Accuracy of the speaker head on clips it was not trained on, where there is one.
    pub speaker_accuracy: Option<f64>,
    /// What was otherwise than before where the run went on, sentence by sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continued: Vec<String>,
    /// The teacher it learnt from, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught: Option<Taught>,
}

impl RunResult {
    /// Writes the result as indented JSON; the file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        storage::write_json(path, self)
    }

    /// Reads a result back.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file when it cannot be read or is not a result.
    pub fn read(path: &Path) -> Result<Self> {
        storage::read_json(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Loss;
    use crate::train::metrics::bootstrap;

    fn matrix() -> Confusion {
        let mut m = Confusion::new(["happiness", "sadness", "anger", "boredom"]);
        for (t, p, n) in [(0, 0, 112), (0, 2, 3), (1, 1, 40), (1, 0, 22), (2, 2, 61)] {
            m.add(t, p, n).unwrap();
        }
        m
    }

    #[test]
    fn terminal_text_is_aligned() {
        let text = terminal(&matrix(), false);
        println!("{text}\n{}", terminal(&matrix(), true));
        let lines: Vec<&str> = text.lines().collect();
        let bar = |l: &str| l.chars().enumerate().filter(|(_, c)| "│┼".contains(*c)).map(|(i, _)| i).collect::<Vec<_>>();
        assert!(lines[..6].iter().all(|l| bar(l) == bar(lines[0]) && bar(l).len() == 2), "columns are not aligned:\n{text}");
        assert!(lines[2].starts_with("happiness") && lines[2].contains("112 █") && lines[2].ends_with("0.974"));
        assert!(lines[5].ends_with("     -"));
        assert!(text.contains("238 clips: unweighted recall 0.873") && text.contains("left out of the averages: boredom"));
        let coloured = terminal(&matrix(), true);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            rest = rest[at..].split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert!(plain.lines().take(6).all(|l| bar(l) == bar(lines[0])), "colours break the columns:\n{plain}");
        assert!(terminal(&Confusion::new(Vec::<String>::new()), false).contains("0 clips"));
    }

    /// Wide letters take two columns, marks none, and what would drive the terminal is written out.
    #[test]
    fn names_of_any_script_are_aligned() {
        let mut m = Confusion::new(["喜び", "Печаль", "क्रोध", "غضب", "a\u{1b}[2J\n"]);
        (0..5).for_each(|i| m.add(i, i, 3).unwrap());
        let text = terminal(&m, false);
        let lines: Vec<&str> = text.lines().take(7).collect();
        let columns = |line: &str| line.split(['│', '┼']).map(unicode_width::UnicodeWidthStr::width).collect::<Vec<_>>();
        assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{text}");
        assert!(text.contains("a\\u{1b}[2J\\n") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("\u{2068}غضب\u{2069}"), "{text}");
    }

    #[test]
    fn csv_has_a_row_per_class() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::io("temporary folder"))?;
        let path = dir.path().join("confusion.csv");
        write_csv(&matrix(), &path)?;
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        assert_eq!(text.lines().next(), Some("truth,happiness,sadness,anger,boredom,recall"));
        assert_eq!(text.lines().nth(2), Some("sadness,22,40,0,0,0.645161"));
        assert_eq!(text.lines().nth(4), Some("boredom,0,0,0,0,"));
        assert!(write_csv(&matrix(), &dir.path().join("no/confusion.csv")).is_err());
        Ok(())
    }

    #[test]
    fn result_json_has_its_names_and_reads_back() -> Result<()> {
        let dir = tempfile::tempdir().map_err(Error::io("temporary folder"))?;
        let path = dir.path().join("result.json");
        let m = matrix();
        let result = RunResult {
            adapter: "some adapter".into(),
            config_hash: "abc".into(),
            weights_sha256: "def".into(),
            stages: [("emotion".to_string(), StageResult { epochs: 3, train_seconds: 1.5, clips_per_s: 80.0, skipped_steps: 0 })].into(),
            calibration: Calibration::find(Loss::CrossEntropy, &[vec![0.5, 0.25], vec![0.1, 0.7]], &[0, 0]),
            test: Some(TestResult { ece: Some(0.25), ..TestResult::new(&m, "speakers: a, b", Some(bootstrap(&m, 50, 0.95, 1)?)) }),
            test_tta: Some(TestResult::new(&m, "speakers: a, b", None)),
            test_ccc: None,
            speaker_accuracy: None,
            continued: vec!["goes on with stage.emotion.epochs = 3 (2 before)".into()],
            taught: None,
        };
        result.write(&path)?;
        result.write(&path)?;
        assert_eq!(RunResult::read(&path)?, result);
        let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).map_err(Error::io(&path))?).unwrap();
        for pointer in [
            "/adapter",
            "/config_hash",
            "/weights_sha256",
            "/stages/emotion/epochs",
            "/stages/emotion/train_seconds",
            "/stages/emotion/clips_per_s",
            "/test/uar",
            "/test/ece",
            "/calibration/temperature",
            "/calibration/centre/1",
            "/calibration/ece_before",
            "/calibration/ece",
            "/test_tta/uar",
            "/test/wa",
            "/test/macro_f1",
            "/test/recall/happiness",
            "/test/confusion/1/0",
            "/test/split",
            "/test/intervals/uar/low",
            "/test/intervals/wa/high",
            "/speaker_accuracy",
        ] {
            assert!(json.pointer(pointer).is_some(), "{pointer} is missing");
        }
        assert!(json.pointer("/test/recall/boredom").is_some_and(|v| v.is_null()));
        assert!(RunResult::read(&dir.path().join("none.json")).is_err());
        Ok(())
    }
}
