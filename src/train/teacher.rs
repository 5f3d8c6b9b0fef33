//! Teachers: a model or an ensemble of ours, or a table of what any other program says of each recording.

use super::config::{Config, Distil, Head, Loss, Metric, Target, Task};
use super::distil::{Lesson, Taught, key, soften, standardise};
use super::ensemble::Ensemble;
use super::events::{Event, Observer};
use super::lessons::Lessons;
use super::state::Folder;
use super::task::Targets;
use crate::data::{Loaded, Utterance};
use crate::gpu::Device;
use crate::models::TRUNK;
use crate::nn::file;
use crate::{Error, Result, hash::sha256, text};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The task by which an auxiliary head learns a teacher's embeddings.
pub const TASK: &str = "teacher";
/// Largest file read, bytes.
const MAX_BYTES: u64 = 4 << 30;
/// Recordings a model is asked about at once.
const AT_ONCE: usize = 64;

/// Values of each recording, where there are any.
type Rows = Vec<Option<Vec<f32>>>;

/// What a teacher says of recordings.
#[derive(Clone, Debug)]
pub struct Said {
    /// What its values stand for.
    outputs: Vec<String>,
    /// Values of each recording, where there are any.
    rows: Arc<Rows>,
}

/// Something that says of each recording what a student should say.
#[derive(Clone, Debug)]
pub struct Teacher {
    path: PathBuf,
    sha256: String,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A model, and what it answers to the recordings it was solved on without their speakers, where its run says so: to these it answers little but
    /// their labels again.
    Model(Option<Lessons>),
    Table(Lessons),
    /// The folder of a run of folds, each of whose models teaches the fold of its name.
    Folds,
}

/// What lists the models in the folder of a run of folds.
const FOLDS: &str = "folds.json";

impl Teacher {
    /// Opens a file of ours of a model or an ensemble, the folder of a run of folds, or a table of probabilities or embeddings; see
    /// [`Lessons::from_csv`] and [`Lessons::from_safetensors`].
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] naming the file and what is wrong.
    pub fn open(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::Checkpoint { path: path.to_path_buf(), reason };
        let meta = std::fs::metadata(path).map_err(Error::io(path))?;
        if meta.is_dir() && path.join(FOLDS).exists() {
            let bytes = std::fs::read(path.join(FOLDS)).map_err(Error::io(path))?;
            return Ok(Teacher { path: path.to_path_buf(), sha256: sha256(&bytes), source: Source::Folds });
        }
        let path = &file::located(path)?;
        let meta = if meta.is_dir() { std::fs::metadata(path).map_err(Error::io(path))? } else { meta };
        if !meta.is_file() || meta.len() > MAX_BYTES {
            return Err(bad(format!("a teacher is a regular file of at most {MAX_BYTES} bytes, or a folder of folds")));
        }
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let mut sha256 = sha256(&bytes);
        let source = if ["csv", "tsv"].contains(&extension.as_str()) {
            let text = std::str::from_utf8(&bytes).map_err(|e| bad(format!("not UTF-8 text: {e}")))?;
            Source::Table(Lessons::from_csv(text, if extension == "tsv" { b'\t' } else { b',' }).map_err(bad)?)
        } else if Ensemble::is_model(&file::parse_at(path, &bytes)?.1) {
            let table = held_out(path)?;
            if let Some((_, hash)) = &table {
                sha256 = crate::hash::sha256(format!("{sha256}{hash}").as_bytes());
            }
            Source::Model(table.map(|(table, _)| table))
        } else {
            Source::Table(Lessons::from_safetensors(&bytes).map_err(bad)?)
        };
        Ok(Teacher { path: path.to_path_buf(), sha256, source })
    }

    /// What a model keeps of it.
    pub fn taught(&self) -> Taught {
        let file = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Taught { file, sha256: self.sha256.clone(), lesson: self.lesson() }
    }

    /// Names of the dimensions of its embeddings; none of a teacher that gives answers.
    pub fn dimensions(&self) -> Vec<String> {
        match &self.source {
            Source::Table(table) if table.lesson == Lesson::Embeddings => table.outputs.clone(),
            _ => Vec::new(),
        }
    }

    /// The folder of a run of folds, where each fold has a teacher of its own.
    pub fn of_folds(&self) -> Option<&Path> {
        matches!(self.source, Source::Folds).then_some(self.path.as_path())
    }

    fn lesson(&self) -> Lesson {
        match &self.source {
            Source::Model(_) | Source::Folds => Lesson::Answers,
            Source::Table(table) => table.lesson,
        }
    }

    /// The configuration of a run with this teacher. Where it gives embeddings, an auxiliary head learns them in every stage that trains
    /// the trunk for labels, by mean squared error: embeddings are standardised per dimension, so that squares of different dimensions
    /// weigh the same, and the squared error of a mixture has its least where the mixture of embeddings is, as the mixed labels ask. A cosine
    /// would not see lengths, and would let the few dimensions of the largest values decide.
    ///
    /// # Errors
    /// [`Error::Config`] where a task that learns labels has no distribution over classes to compare, or `task.teacher` is another task.
    pub fn extend(&self, config: &Config) -> Result<Config> {
        let mut config = config.clone();
        let labels = |config: &Config, task: &str| config.task.get(task).is_some_and(|t| t.target == Target::Label);
        if self.lesson() == Lesson::Answers {
            for (name, task) in config.task.iter().filter(|(_, t)| t.target == Target::Label) {
                if !matches!(task.loss, Loss::CrossEntropy | Loss::FocalBce) {
                    let loss = task.loss;
                    return Err(Error::Config(format!(
                        "task.{name}.loss = {loss}: a teacher's distribution over classes is learnt with cross_entropy or focal_bce"
                    )));
                }
            }
            return Ok(config);
        }
        let own = Task { target: Target::Teacher, head: Head::Auxiliary, loss: Loss::Mse, metric: Metric::Ccc };
        if config.task.entry(TASK.into()).or_insert(own).target != Target::Teacher {
            return Err(Error::Config(format!(
                "task.{TASK} is the name of the head that learns a teacher's embeddings; give yours another"
            )));
        }
        let names: Vec<String> = config.stage.keys().cloned().collect();
        for name in names {
            let stage = &config.stage[&name];
            if stage.trains(TRUNK) && stage.tasks().any(|(task, _)| labels(&config, task)) && !stage.tasks.contains_key(TASK) {
                let stage = config.stage.entry(name).and_modify(|stage| _ = stage.tasks.insert(TASK.into(), 1.0));
                stage.and_modify(|stage| stage.trains.push(TASK.into()));
            }
        }
        config.check()?;
        Ok(config)
    }

    /// What the teacher says of every recording, that has its sound yet where the teacher is a model.
    ///
    /// # Errors
    /// [`Error::Data`] where it says nothing of any; device faults.
    pub fn ask(&self, device: &Arc<Device>, loaded: &Loaded, observe: &mut Observer) -> Result<Said> {
        let (outputs, rows) = match &self.source {
            Source::Model(held_out) => self.ask_model(device, loaded, held_out.as_ref(), observe)?,
            Source::Folds => {
                let folder = text::path(&self.path);
                let reason =
                    "its models have each seen the clips that another tests, so they teach the folds of the same split: add --folds";
                return Err(Error::Config(format!("the teacher {folder} is a run of folds: {reason}")));
            }
            Source::Table(table) => {
                let (paths, of) = recordings(&loaded.corpus.utterances);
                let bad = |reason| Error::Data(format!("{}: {reason}", text::path(&self.path)));
                let found = table.find(&paths).map_err(bad)?;
                (table.outputs.clone(), of.into_iter().map(|n| found[n].map(|r| table.rows[r].clone())).collect())
            }
        };
        self.missing(loaded, &rows, observe)?;
        Ok(Said { outputs, rows: Arc::new(rows) })
    }

    /// What it said, as targets: a distribution at the temperature beside each of the tasks `labels`, under its [`key`], or an embedding
    /// for [`TASK`]. `train` are the rows whose embeddings become of mean 0 and deviation 1.
    ///
    /// # Errors
    /// [`Error::Data`] naming classes the teacher does not know, or a row that is no distribution.
    pub fn teach(
        &self,
        distil: &Distil,
        said: &Said,
        utterances: &[Utterance],
        (classes, labels): (&[String], &[&str]),
        train: &[usize],
    ) -> Result<BTreeMap<String, Targets>> {
        let known = &said.outputs;
        if self.lesson() == Lesson::Embeddings {
            let mut rows = said.rows.to_vec();
            standardise(&mut rows, train);
            return Ok([(TASK.to_string(), Targets::vectors(known.clone(), rows))].into());
        }
        let place = |class: &String| known.iter().position(|k| k == class);
        let places: Vec<usize> = classes.iter().filter_map(place).collect();
        if places.len() < classes.len() {
            let lacking: Vec<&str> = classes.iter().filter(|c| place(c).is_none()).map(String::as_str).collect();
            return Err(Error::Data(format!(
                "the teacher {} does not know {}; it knows {}, the data have {}",
                text::path(&self.path),
                lacking.join(", "),
                known.join(", "),
                classes.join(", ")
            )));
        }
        let soft = |(i, row): (usize, &Option<Vec<f32>>)| {
            let Some(row) = row else { return Ok(None) };
            let own: Vec<f32> = places.iter().map(|&p| row[p]).collect();
            let bad = || {
                let clip = text::path(&utterances[i].path);
                Error::Data(format!("{}: {own:?} for {clip} are no probabilities of {}", text::path(&self.path), classes.join(", ")))
            };
            soften(&own, distil.temperature).map(Some).ok_or_else(bad)
        };
        let rows = said.rows.iter().enumerate().map(soft).collect::<Result<Vec<_>>>()?;
        Ok(labels.iter().map(|task| (key(task), Targets::numbers(classes.to_vec(), rows.clone()))).collect())
    }

    /// Asks the model or the ensemble about every recording that `held_out` does not name.
    fn ask_model(
        &self,
        device: &Arc<Device>,
        loaded: &Loaded,
        held_out: Option<&Lessons>,
        observe: &mut Observer,
    ) -> Result<(Vec<String>, Rows)> {
        let mut model = Ensemble::load(device, std::slice::from_ref(&self.path), AT_ONCE)?;
        if model.says_numbers() {
            let what = model.classes().join(", ");
            return Err(Error::Data(format!("the teacher {} answers a number ({what}), no classes", text::path(&self.path))));
        }
        let classes = model.classes().to_vec();
        let known = held_out.filter(|table| table.outputs == classes);
        let mut rows = known.map_or_else(|| vec![None; loaded.clips.len()], |table| rows_of(table, &loaded.corpus.utterances));
        let asked: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_none()).collect();
        if asked.len() < rows.len() {
            let (n, file) = (rows.len() - asked.len(), text::path(&self.path));
            observe(Event::Summary(&format!(
                "teacher: to {n} recordings that {file} was solved on, the answers are those without their speakers"
            )));
        }
        for (part, which) in asked.chunks(4 * AT_ONCE).enumerate() {
            let samples: Vec<&[f32]> = which.iter().map(|&i| loaded.clips[i].samples.as_slice()).collect();
            which.iter().zip(model.predict(&samples)?).for_each(|(&i, p)| rows[i] = Some(p.probabilities));
            observe(Event::Preparing("the teacher's answers", part * 4 * AT_ONCE + which.len(), asked.len()));
        }
        Ok((classes, rows))
    }

    /// Says how many recordings have no row.
    fn missing(&self, loaded: &Loaded, rows: &[Option<Vec<f32>>], observe: &mut Observer) -> Result<()> {
        let without: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_none()).collect();
        let Some(&first) = without.first() else { return Ok(()) };
        let (file, clip) = (text::path(&self.path), text::path(&loaded.corpus.utterances[first].path));
        if without.len() == rows.len() {
            let names = if let Source::Table(table) = &self.source { table.names[0].as_str() } else { "" };
            return Err(Error::Data(format!(
                "{file}: no row is about any of the {} clips, such as {clip}; its first is {names:?}",
                rows.len()
            )));
        }
        let learn = "labelled ones learn from their labels alone, others not at all";
        observe(Event::Warning(&format!("{file} says nothing of {} of {} clips ({learn}), such as {clip}", without.len(), rows.len())));
        Ok(())
    }
}

/// What the run that made the model at `path` wrote of its training recordings, and the hash of that; none where it is no run's model, or that run's
/// network does not say.
fn held_out(path: &Path) -> Result<Option<(Lessons, String)>> {
    let run = Folder(path.parent().map_or_else(PathBuf::new, Path::to_path_buf));
    let table = run.held_out();
    if path != run.model() || !table.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&table).map_err(Error::io(&table))?;
    let bad = |reason: String| Error::Checkpoint { path: table.clone(), reason };
    let text = std::str::from_utf8(&bytes).map_err(|e| bad(format!("not UTF-8 text: {e}")))?;
    Ok(Some((Lessons::from_csv(text, b',').map_err(bad)?, sha256(&bytes))))
}

/// The row of each utterance that is the very recording, or the very part of one, that a table names.
fn rows_of(table: &Lessons, utterances: &[Utterance]) -> Rows {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named: HashMap<PathBuf, &Vec<f32>> = table.names.iter().map(|name| real(Path::new(name))).zip(&table.rows).collect();
    utterances.iter().map(|u| named.get(&real(Path::new(&u.name()))).map(|row| row.to_vec())).collect()
}

/// Paths of recordings, and the number of that of each utterance: windows of a long one share what a table says of it.
fn recordings(utterances: &[Utterance]) -> (Vec<&Path>, Vec<usize>) {
    let (mut paths, mut first): (Vec<&Path>, HashMap<&str, usize>) = (Vec::new(), HashMap::new());
    let of = utterances.iter().map(|u| {
        let next = paths.len();
        let n = u.window_of.as_deref().map_or(next, |name| *first.entry(name).or_insert(next));
        if n == next {
            paths.push(&u.path);
        }
        n
    });
    let of = of.collect();
    (paths, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_share_the_row_of_their_recording() {
        let own = |path: &str| Utterance { path: path.into(), ..Utterance::default() };
        let window = |path: &str| Utterance { window_of: Some(path.into()), ..own(path) };
        let all = [own("a.wav"), window("b.wav"), window("b.wav"), own("c.wav"), window("d.wav"), own("c.wav")];
        let (paths, of) = recordings(&all);
        assert_eq!(paths, ["a.wav", "b.wav", "c.wav", "d.wav", "c.wav"].map(Path::new));
        assert_eq!(of, [0, 1, 1, 2, 3, 4]);
    }
}
