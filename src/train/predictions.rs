//! What a model said of each test clip: `predictions.csv` of a run.

use super::dataset::Dataset;
use super::metrics::argmax;
use super::recipe::Recipe;
use crate::{Error, Result, storage, text};
use std::path::Path;

/// Answers to clips whose truth is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// What the values stand for: classes, or the column of a number.
    pub outputs: Vec<String>,
    /// A row per clip.
    pub rows: Vec<Answer>,
}

/// The answer to a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The clip: its path.
    pub clip: String,
    /// Its class, or its number.
    pub truth: String,
    /// What the model says: the most probable class, or a number.
    pub prediction: String,
    /// A value per output: probabilities, or the number.
    pub values: Vec<f32>,
}

impl Predictions {
    /// The answers of a task's head to the utterances `rows`, where their target is known, from its `logits`.
    pub(super) fn new(recipe: &Recipe, task: &str, data: &Dataset, rows: &[usize], logits: &[Vec<f32>]) -> Self {
        let targets = &data.targets[task];
        let outputs = targets.outputs.clone();
        let answer = |(&i, logits): (&usize, &Vec<f32>)| {
            let values = recipe.answer(task, logits);
            let (truth, prediction) = match targets.class(i) {
                Some(class) => (outputs[class].clone(), outputs[argmax(&values)].clone()),
                None => (targets.row(i)[0].to_string(), values[0].to_string()),
            };
            Answer { clip: data.names[i].clone(), truth, prediction, values }
        };
        let rows = rows.iter().zip(logits).filter(|(i, _)| targets.known(**i)).map(answer).collect();
        Predictions { outputs, rows }
    }

    /// Truth and prediction of each clip as numbers of `outputs`; `None` where one of them is none of these.
    pub fn classes(&self) -> Option<Vec<[usize; 2]>> {
        let class = |name: &str| self.outputs.iter().position(|o| o == name);
        self.rows.iter().map(|r| Some([class(&r.truth)?, class(&r.prediction)?])).collect()
    }

    /// Truth and prediction of each clip, where they are numbers.
    pub fn numbers(&self) -> Option<Vec<[f64; 2]>> {
        self.rows.iter().map(|r| Some([r.truth.parse().ok()?, r.prediction.parse().ok()?])).collect()
    }

    /// Writes a header `clip,truth,prediction` and the outputs, then a line per clip.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.write_with(&[], |_| Vec::new(), path)
    }

    /// The same with further columns before these, whose values `of` gives for the clip of each number.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write_with(&self, columns: &[&str], of: impl Fn(usize) -> Vec<String>, path: &Path) -> Result<()> {
        let encode = || -> Result<Vec<u8>, csv::Error> {
            let mut table = csv::Writer::from_writer(Vec::new());
            table.write_record(columns.iter().chain(&COLUMNS).copied().chain(self.outputs.iter().map(String::as_str)))?;
            for (i, row) in self.rows.iter().enumerate() {
                let named = [&row.clip, &row.truth, &row.prediction].into_iter().cloned();
                table.write_record(of(i).into_iter().chain(named).chain(row.values.iter().map(f32::to_string)))?;
            }
            table.into_inner().map_err(|e| e.into_error().into())
        };
        storage::write(path, &encode().map_err(|e| Error::io(path)(std::io::Error::other(e)))?)
    }

    /// Reads what [`Predictions::write`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] naming file and line.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let bad = |what: String| Error::Data(format!("{}: {what}", text::path(path)));
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let header = table.headers().map_err(|e| bad(e.to_string()))?.clone();
        if header.iter().take(3).ne(COLUMNS) {
            return Err(bad(format!("the header is not {},... but {}", COLUMNS.join(","), header.iter().collect::<Vec<_>>().join(","))));
        }
        let mut out = Predictions { outputs: header.iter().skip(3).map(String::from).collect(), rows: Vec::new() };
        for (line, record) in table.records().enumerate() {
            let record = record.map_err(|e| bad(e.to_string()))?;
            let number = |v: &str| v.parse::<f32>().map_err(|_| bad(format!("line {}: {v:?} is no number", line + 2)));
            let values = record.iter().skip(3).map(number).collect::<Result<_>>()?;
            let [clip, truth, prediction] = [0, 1, 2].map(|i| record.get(i).unwrap_or_default().to_string());
            out.rows.push(Answer { clip, truth, prediction, values });
        }
        Ok(out)
    }
}

/// The first columns of the file.
const COLUMNS: [&str; 3] = ["clip", "truth", "prediction"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_survive_their_file_and_other_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("predictions.csv");
        let answer = |clip: &str, values: [f32; 2]| Answer {
            clip: clip.into(),
            truth: "joy".into(),
            prediction: ["joy", "fear, great"][argmax(&values)].into(),
            values: values.to_vec(),
        };
        let rows = vec![answer("a/\"b\",c.wav", [0.1, 0.9]), answer("d.wav", [1.0, 1.4e-9])];
        let all = Predictions { outputs: vec!["joy".into(), "fear, great".into()], rows };
        all.write(&path).unwrap();
        assert_eq!(Predictions::read(&path).unwrap(), all);
        for (text, part) in
            [("clip,label\na,b\n", "the header is not"), ("clip,truth,prediction,x\na,x,x,one\n", "line 2: \"one\" is no number")]
        {
            std::fs::write(&path, text).unwrap();
            assert!(Predictions::read(&path).unwrap_err().to_string().contains(part));
        }
    }
}
