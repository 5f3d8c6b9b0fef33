//! The answers of a run over folds: its `predictions.csv`.

use anyhow::{Context as _, Result, bail, ensure};
use emotone::train::metrics::argmax;
use emotone::train::predictions::{Answer, Predictions};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// The columns before those of the classes.
const COLUMNS: [&str; 6] = ["fold", "seed", "speaker", "clip", "truth", "prediction"];

/// The answers of a fold and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Number of the fold in [`Table::folds`].
    pub fold: usize,
    /// Number of the seed.
    pub seed: usize,
    /// The answers, by clip.
    pub predictions: Predictions,
}

/// All answers of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file, for errors.
    name: String,
    /// Names of the folds.
    folds: Vec<String>,
    /// The classes.
    pub outputs: Vec<String>,
    /// By seed and fold.
    pub parts: Vec<Part>,
    speakers: HashMap<String, String>,
}

impl Table {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("{}: is this folder a completed `train --folds`?", path.display()))?;
        Self::parse(&path.display().to_string(), &text).with_context(|| path.display().to_string())
    }

    fn parse(name: &str, text: &[u8]) -> Result<Self> {
        let mut table = csv::Reader::from_reader(text);
        let header = table.headers()?.clone();
        ensure!(header.iter().take(COLUMNS.len()).eq(COLUMNS), "the header does not begin with {}", COLUMNS.join(","));
        let outputs: Vec<String> = header.iter().skip(COLUMNS.len()).map(String::from).collect();
        ensure!(outputs.len() > 1, "its answers are numbers; averages of classes' probabilities are made here");
        let mut speakers = HashMap::new();
        let mut rows: BTreeMap<(u64, String), Vec<Answer>> = BTreeMap::new();
        for (line, record) in table.records().enumerate() {
            let (record, line) = (record?, line + 2);
            let [fold, seed, speaker, clip, truth, prediction] = std::array::from_fn(|i| record[i].to_string());
            let seed = seed.parse().with_context(|| format!("line {line}: seed {seed:?} is no number"))?;
            let value = |v: &str| v.parse().with_context(|| format!("line {line}: {v:?} is no number"));
            let values = record.iter().skip(COLUMNS.len()).map(value).collect::<Result<Vec<f32>>>()?;
            ensure!(values.iter().all(|v| v.is_finite()), "line {line}: a probability is not finite");
            speakers.insert(clip.clone(), speaker);
            rows.entry((seed, fold)).or_default().push(Answer { clip, truth, prediction, values });
        }
        ensure!(!rows.is_empty(), "no answers");
        let folds: Vec<String> = rows.keys().map(|(_, fold)| fold.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let seeds: Vec<u64> = rows.keys().map(|(seed, _)| *seed).collect::<BTreeSet<_>>().into_iter().collect();
        let part = |((seed, fold), mut rows): ((u64, String), Vec<Answer>)| {
            rows.sort_by(|a, b| a.clip.cmp(&b.clip));
            // Both are in their list, before which so many are smaller.
            let (fold, seed) = (folds.partition_point(|f| *f < fold), seeds.partition_point(|s| *s < seed));
            Part { fold, seed, predictions: Predictions { outputs: outputs.clone(), rows } }
        };
        let parts = rows.into_iter().map(part).collect();
        Ok(Table { name: name.into(), folds, outputs, parts, speakers })
    }

    /// The mean of the probabilities that all seeds of all `runs` give.
    pub fn mean(runs: &[Table]) -> Result<Table> {
        let Some(first) = runs.first() else { bail!("no runs") };
        let mut parts = Vec::new();
        for fold in 0..first.folds.len() {
            let members = runs.iter().flat_map(|run| run.parts.iter().filter(move |p| p.fold == fold).map(move |p| (run, p)));
            let members: Vec<(&Table, &Part)> = members.collect();
            members.iter().try_for_each(|(run, part)| first.agree(run, fold, &part.predictions))?;
            let all: Vec<&Predictions> = members.iter().map(|(_, p)| &p.predictions).collect();
            parts.push(Part { fold, seed: 0, predictions: average(&all) });
        }
        Ok(Table { name: "the mean".into(), parts, ..first.clone() })
    }

    /// Whether `predictions`, which `other` has of a fold, are about the clips and classes that this run has there.
    fn agree(&self, other: &Table, fold: usize, predictions: &Predictions) -> Result<()> {
        let (a, b) = (&self.name, &other.name);
        ensure!(self.outputs == other.outputs, "{a} has the classes {}, {b} has {}", self.outputs.join(", "), other.outputs.join(", "));
        ensure!(self.folds == other.folds, "{a} has the folds {}, {b} has {}", self.folds.join(", "), other.folds.join(", "));
        let own = self.parts.iter().find(|p| p.fold == fold).map_or(&[][..], |p| &p.predictions.rows);
        let lacks = |rows: &[Answer], clip: &str| rows.binary_search_by(|r| r.clip.as_str().cmp(clip)).is_err();
        for ((there, here), (name, without)) in [((own, &predictions.rows[..]), (a, b)), ((&predictions.rows[..], own), (b, a))] {
            if let Some(row) = there.iter().find(|row| lacks(here, &row.clip)) {
                bail!("fold {}: {name} tests {}, {without} does not", self.folds[fold], row.clip);
            }
        }
        Ok(())
    }

    /// Who speaks in a clip; `None` where nobody knows.
    pub fn speaker(&self, clip: &str) -> Option<&str> {
        self.speakers.get(clip).map(String::as_str).filter(|s| !s.is_empty())
    }

    /// What is drawn of a bootstrap, by clip: its speaker's number, or where some speaker is unknown its own.
    pub fn units(&self) -> HashMap<&str, usize> {
        let clips = || self.speakers.keys().map(String::as_str);
        let speakers: Option<BTreeSet<&str>> = clips().map(|clip| self.speaker(clip)).collect();
        let speakers: Option<Vec<&str>> = speakers.filter(|s| s.len() > 1).map(|s| s.into_iter().collect());
        match speakers {
            Some(all) => clips().filter_map(|c| Some((c, all.binary_search(&self.speaker(c)?).ok()?))).collect(),
            None => clips().collect::<BTreeSet<_>>().into_iter().enumerate().map(|(i, c)| (c, i)).collect(),
        }
    }

    /// Number of a class.
    pub fn class(&self, name: &str) -> Result<usize> {
        self.outputs.iter().position(|o| o == name).with_context(|| format!("{}: no class is named {name:?}", self.name))
    }

    /// Writes the answers, as a run does.
    pub fn write(&self, path: &Path) -> Result<()> {
        let rows = self.parts.iter().flat_map(|p| p.predictions.rows.iter().cloned()).collect();
        let of: Vec<&Part> = self.parts.iter().flat_map(|p| std::iter::repeat_n(p, p.predictions.rows.len())).collect();
        let all = Predictions { outputs: self.outputs.clone(), rows };
        let columns = |i: usize| {
            let speaker = self.speaker(&all.rows[i].clip).unwrap_or_default();
            vec![self.folds[of[i].fold].clone(), of[i].seed.to_string(), speaker.to_string()]
        };
        Ok(all.write_with(&COLUMNS[..3], columns, path)?)
    }
}

/// The mean of answers to the same clips, in the same order.
fn average(members: &[&Predictions]) -> Predictions {
    let row = |(i, first): (usize, &Answer)| {
        let mean = |k: usize| (members.iter().map(|m| f64::from(m.rows[i].values[k])).sum::<f64>() / members.len() as f64) as f32;
        let values: Vec<f32> = (0..first.values.len()).map(mean).collect();
        Answer { prediction: members[0].outputs[argmax(&values)].clone(), values, ..first.clone() }
    };
    Predictions { outputs: members[0].outputs.clone(), rows: members[0].rows.iter().enumerate().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str, u64, [f32; 2])]) -> Table {
        let mut text = "fold,seed,speaker,clip,truth,prediction,joy,fear\n".to_string();
        for (clip, fold, seed, values) in rows {
            let said = ["joy", "fear"][argmax(values)];
            text += &format!("{fold},{seed},{},{clip},joy,{said},{},{}\n", &clip[..1], values[0], values[1]);
        }
        Table::parse("run", text.as_bytes()).unwrap()
    }

    #[test]
    fn probabilities_of_all_seeds_and_runs_are_averaged_by_clip() {
        let one = table(&[("a1", "x", 7, [0.9, 0.1]), ("b1", "y", 7, [0.4, 0.6])]);
        let other =
            table(&[("b1", "y", 2, [0.7, 0.3]), ("a1", "x", 2, [0.6, 0.4]), ("b1", "y", 3, [0.7, 0.3]), ("a1", "x", 3, [0.0, 1.0])]);
        let mean = Table::mean(&[one.clone(), other]).unwrap();
        let answers: Vec<_> = mean.parts.iter().flat_map(|p| &p.predictions.rows).collect();
        assert_eq!((answers[0].clip.as_str(), answers[1].clip.as_str()), ("a1", "b1"));
        assert!((answers[0].values[0] - 0.5).abs() < 1e-6 && (answers[1].values[0] - 0.6).abs() < 1e-6, "{answers:?}");
        assert_eq!(answers[1].prediction, "joy");
        assert_eq!((mean.units().len(), mean.speaker("b1")), (2, Some("b")));
        assert_eq!(Table::mean(std::slice::from_ref(&one)).unwrap().parts, one.parts);
    }

    #[test]
    fn runs_that_test_other_clips_or_folds_are_refused() {
        let own = table(&[("a1", "x", 1, [0.9, 0.1]), ("b1", "x", 1, [0.9, 0.1])]);
        let reason = |other: Table| Table::mean(&[own.clone(), other]).unwrap_err().to_string();
        assert!(reason(table(&[("a1", "x", 1, [0.9, 0.1])])).contains("tests b1, run does not"));
        assert!(reason(table(&[("a1", "x", 1, [0.9, 0.1]), ("b1", "y", 1, [0.9, 0.1])])).contains("has the folds x, run has x, y"));
        let text = "fold,seed,speaker,clip,truth,prediction,joy,fear\nx,1,s,c,joy,joy,0.5,nan\n";
        assert!(Table::parse("run", text.as_bytes()).unwrap_err().to_string().contains("line 2"));
        assert!(Table::parse("run", b"clip,truth\n").is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let own = table(&[("a1", "x", 0, [0.75, 0.25]), ("b1", "y", 0, [0.5, 0.5])]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.csv");
        own.write(&path).unwrap();
        assert_eq!(Table::read(&path).unwrap().parts, own.parts);
    }
}
