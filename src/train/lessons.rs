//! A table of what a teacher says of recordings, made by any program: CSV, TSV or safetensors, rows found by path or file name.

use super::distil::Lesson;
use crate::data::manifest::PATH_ALIASES;
use crate::nn::file;
use crate::text;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Columns of `predictions.csv` that may look like numbers and say nothing of a class.
const OF_PREDICTIONS: [&str; 3] = ["fold", "seed", "speaker"];

/// A row per recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Lessons {
    /// Whether values are probabilities of classes or embeddings.
    pub lesson: Lesson,
    /// What the values of a row stand for: classes, or dimensions.
    pub outputs: Vec<String>,
    /// The recordings, as the file names them.
    pub names: Vec<String>,
    /// Their values.
    pub rows: Vec<Vec<f32>>,
}

impl Lessons {
    /// Reads CSV or TSV: a column `path` (or `file`, `file_name`, `filename`, `audio`), and numbers. Columns that hold anything else are
    /// passed over, and so are rows that say why they have no numbers, so that what `infer --format csv` writes is read, and `predictions.csv` of a run. Values are an embedding where most columns of numbers are named by
    /// their place (`0`, `e1`, `dim_2`) and rows are no distributions; else each column is the probability of the class it is named after.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn from_csv(text: &str, delimiter: u8) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let header: Vec<String> = reader.headers().map_err(|e| e.to_string())?.iter().map(|n| n.trim().to_string()).collect();
        let names: Vec<&str> = ["path", "clip"].iter().chain(PATH_ALIASES).copied().collect();
        let path = header.iter().position(|n| names.iter().any(|p| n.eq_ignore_ascii_case(p)));
        let path =
            path.ok_or_else(|| format!("no column of recordings ({}); the first line names {}", names.join(", "), header.join(", ")))?;
        let mut records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        let number = |r: &csv::StringRecord, c: usize| r.get(c).and_then(|v| v.trim().parse::<f32>().ok()).filter(|v| v.is_finite());
        // `infer` says why it has no answer to a recording, and gives no numbers.
        let reasons: Vec<usize> = (0..header.len()).filter(|&c| ["quality", "error"].contains(&header[c].as_str())).collect();
        let answered = |r: &csv::StringRecord| (0..header.len()).any(|c| c != path && number(r, c).is_some());
        records.retain(|r| answered(r) || reasons.iter().all(|&c| r.get(c).is_none_or(str::is_empty)));
        // A column is one of numbers by its first row; a later row that holds something else is an error, not another column.
        let own = |c: usize| header[path] == "clip" && OF_PREDICTIONS.contains(&header[c].as_str());
        let is_number = |c: usize| c != path && !own(c) && records.first().is_some_and(|r| number(r, c).is_some());
        let numbers: Vec<usize> = (0..header.len()).filter(|&c| is_number(c)).collect();
        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let value = |&c: &usize| {
                number(record, c).ok_or_else(|| {
                    let line = record.position().map_or(i as u64 + 2, csv::Position::line);
                    format!("line {line}: column {:?} holds {:?}, which is no number", header[c], record.get(c).unwrap_or_default())
                })
            };
            rows.push(numbers.iter().map(value).collect::<Result<_, _>>()?);
        }
        let names = records.iter().map(|r| r.get(path).unwrap_or_default().trim().to_string()).collect();
        let placed: Vec<usize> = (0..numbers.len()).filter(|&k| by_place(&header[numbers[k]])).collect();
        let lesson = if 2 * placed.len() > numbers.len() && !distributions(&rows) { Lesson::Embeddings } else { Lesson::Answers };
        let kept = if lesson == Lesson::Embeddings { placed } else { (0..numbers.len()).collect() };
        let outputs = kept.iter().map(|&k| header[numbers[k]].clone()).collect();
        let rows = rows.into_iter().map(|r| kept.iter().map(|&k| r[k]).collect()).collect();
        Lessons { lesson, outputs, names, rows }.checked()
    }

    /// Reads safetensors: a tensor per recording, named after it, as `infer --embeddings` writes them. With metadata `classes` (names
    /// with commas, or a JSON list) they are probabilities of these classes; else embeddings.
    ///
    /// # Errors
    /// What is wrong, with the tensor.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, String> {
        let (tensors, metadata) = file::parse(bytes)?;
        let classes: Option<Vec<String>> = metadata
            .get("classes")
            .map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(|c| c.trim().to_string()).collect()));
        let width = tensors.values().next().map_or(0, |(_, values)| values.len());
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for (name, (shape, values)) in tensors {
            let flat = shape.0.iter().rev().skip(1).all(|&n| n == 1);
            let expected = classes.as_ref().map_or(width, Vec::len);
            if !flat || values.len() != expected {
                return Err(format!("tensor {name} has shape {shape}; ({expected}) is expected of every recording"));
            }
            names.push(name);
            rows.push(values);
        }
        let lesson = if classes.is_some() { Lesson::Answers } else { Lesson::Embeddings };
        let outputs = classes.unwrap_or_else(|| (0..width).map(|i| format!("e{i}")).collect());
        Lessons { lesson, outputs, names, rows }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let mut seen = HashSet::new();
        if let Some(twice) = self.names.iter().find(|n| !seen.insert(n.as_str())) {
            return Err(format!("{twice:?} is listed twice"));
        }
        if self.rows.is_empty() || self.outputs.is_empty() {
            return Err(format!("{} recordings with {} numbers each: nothing to learn from", self.rows.len(), self.outputs.len()));
        }
        Ok(self)
    }

    /// The row of each of the recordings `paths`; `None` where there is none. A row belongs to the recording whose path agrees with its
    /// name in the most folders from the end, at least in the file name.
    ///
    /// # Errors
    /// Where a row could be of two recordings, or a recording have two rows: names and paths.
    pub fn find(&self, paths: &[&Path]) -> Result<Vec<Option<usize>>, String> {
        let mut by_file: HashMap<String, Vec<usize>> = HashMap::new();
        self.names.iter().enumerate().for_each(|(row, name)| by_file.entry(last(Path::new(name))).or_default().push(row));
        // Of each row, the recordings that it fits and how well.
        let mut fits: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (i, path) in paths.iter().enumerate() {
            let rows = by_file.get(&last(path)).map_or(&[][..], Vec::as_slice);
            let best = rows.iter().map(|&r| common(path, &self.names[r])).max().unwrap_or(0);
            let chosen: Vec<usize> = rows.iter().copied().filter(|&r| common(path, &self.names[r]) == best).collect();
            match chosen.as_slice() {
                [] => {}
                [row] => fits.entry(*row).or_default().push((best, i)),
                // Of several recordings of one file name, none of which is in this folder.
                _ if best == 1 => {}
                [one, two, ..] => {
                    return Err(format!("{}: both {:?} and {:?} could be its row", text::path(path), self.names[*one], self.names[*two]));
                }
            }
        }
        let mut found = vec![None; paths.len()];
        for (row, mut recordings) in fits {
            recordings.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
            if let [(depth, one), (other, two), ..] = recordings.as_slice()
                && depth == other
            {
                let [one, two] = [one, two].map(|i| text::path(paths[*i]));
                return Err(format!("{:?} could be the row of {one} and of {two}; name rows by their paths", self.names[row]));
            }
            found[recordings[0].1] = Some(row);
        }
        Ok(found)
    }
}

/// Whether a column is named by its place: letters, then digits.
fn by_place(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.len() < name.len() && stem.chars().all(|c| c.is_ascii_alphabetic() || "_- ".contains(c))
}

/// Whether rows are distributions.
fn distributions(rows: &[Vec<f32>]) -> bool {
    rows.iter().all(|r| r.iter().all(|v| (0.0..=1.0).contains(v)) && (r.iter().sum::<f32>() - 1.0).abs() < 0.01)
}

fn last(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Parts that a path and a name have in common, from the end.
fn common(path: &Path, name: &str) -> usize {
    path.components().rev().zip(Path::new(name).components().rev()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shape;
    use crate::nn::Weights;

    fn csv(text: &str) -> Result<Lessons, String> {
        Lessons::from_csv(text, b',')
    }

    #[test]
    fn tables_of_probabilities_and_of_embeddings() {
        let answers = csv("\u{feff}file,start,label,joy,fear\na/x.wav,,joy,0.75,0.25\ny.wav,,fear,0.5,0.5\n").unwrap();
        assert_eq!(
            (answers.lesson, answers.outputs.join(" "), answers.rows[0].clone()),
            (Lesson::Answers, "joy fear".into(), vec![0.75, 0.25])
        );
        assert_eq!(answers.names, ["a/x.wav", "y.wav"]);
        let gaps = "file,label,joy,truth,quality,error\nq.wav,,,joy,silent,\nx.wav,joy,0.75,joy,clipped,\nb.wav,,,,,no file\n";
        assert_eq!(csv(gaps).map(|l| (l.names, l.outputs)), Ok((vec!["x.wav".into()], vec!["joy".into()])));
        let predictions = csv("fold,seed,speaker,clip,truth,prediction,joy,fear\n1,2,07,a/x.wav,joy,fear,0.4,0.6\n").unwrap();
        assert_eq!((predictions.names[0].as_str(), predictions.outputs.join(" ")), ("a/x.wav", "joy fear".into()));
        let embeddings = csv("path,age,e0,e1,e2\nx.wav,30,-1,2,0.5\n").unwrap();
        assert_eq!((embeddings.lesson, embeddings.rows), (Lesson::Embeddings, vec![vec![-1.0, 2.0, 0.5]]));
        assert_eq!(csv("path,0,1\nx.wav,0.3,0.7\n").unwrap().lesson, Lesson::Answers, "classes with numbers for names");
        let tensors = |values: &[(&str, usize)]| {
            let of = |n: usize| (Shape(vec![1, n]), (0..n).map(|i| i as f32).collect());
            values.iter().map(|(name, n)| ((*name).to_string(), of(*n))).collect::<Weights>()
        };
        let bytes = |classes: Option<&str>, values: &[(&str, usize)]| {
            let metadata = classes.map(|c| ("classes".to_string(), c.to_string())).into_iter().collect();
            Lessons::from_safetensors(&file::to_bytes(&tensors(values), &metadata).unwrap())
        };
        assert_eq!(bytes(None, &[("x.wav", 3), ("y.wav", 3)]).unwrap().lesson, Lesson::Embeddings);
        for classes in ["joy, fear", "[\"joy\", \"fear\"]"] {
            assert_eq!(bytes(Some(classes), &[("x.wav", 2)]).unwrap().outputs, ["joy", "fear"]);
        }
        assert!(bytes(None, &[("x.wav", 3), ("y.wav", 2)]).unwrap_err().contains("tensor y.wav has shape (1, 2); (3) is expected"));
        for (text, wanted) in [
            ("a,b\n1,2\n", "no column of recordings"),
            ("path,joy\nx,0.1\nx,0.2\n", "\"x\" is listed twice"),
            ("path,joy\nx,0.1\ny,high\n", "line 3: column \"joy\" holds \"high\""),
            ("path,joy\nx,0.1\ny,\n", "holds \"\""),
            ("path,joy\nx,0.1\ny\n", "CSV error"),
            ("path,joy\n", "nothing to learn from"),
        ] {
            let said = csv(text).unwrap_err();
            assert!(said.contains(wanted), "{said:?} lacks {wanted:?}");
        }
    }

    #[test]
    fn rows_are_found_by_path_or_file_name() {
        let table = csv("path,joy\na/x.wav,0.1\nb/x.wav,0.2\nonly.wav,0.3\n").unwrap();
        let find = |paths: &[&str]| table.find(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(
            find(&["/data/b/x.wav", "/data/a/x.wav", "/data/c/x.wav", "/data/z/only.wav", "q.wav"]).unwrap(),
            [Some(1), Some(0), None, Some(2), None]
        );
        let said = find(&["1/only.wav", "2/only.wav"]).unwrap_err();
        assert!(said.contains("1/only.wav") && said.contains("2/only.wav") && said.contains("name rows by their paths"), "{said}");
        let twice = csv("path,joy\nr/a/x.wav,0.1\ns/a/x.wav,0.2\n").unwrap();
        assert!(twice.find(&[Path::new("t/a/x.wav")]).unwrap_err().contains("could be its row"));
    }
}
