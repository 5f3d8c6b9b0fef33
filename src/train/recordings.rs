//! What all splits of a run's data share: recordings, decoded once, what a teacher says of them, and a network's inputs, made once.

use super::config::{Config, Target};
use super::events::{Event, Observer};
use super::features::Features;
use super::sound::{cut, silent, too_long};
use super::teacher::{Said, Teacher};
use crate::augment::Version;
use crate::data::{self, Corpus, Loaded, Origin, Reading, Split, SplitSpec, Utterance};
use crate::frontend::{Extractor, Inputs, Signals};
use crate::gpu::Device;
use crate::{Error, Result, parallel};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Where data come from and how they are divided.
#[derive(Debug, Clone)]
pub struct DataSpec {
    /// Corpus folders or manifests; none for the built-in synthetic corpus.
    pub paths: Vec<PathBuf>,
    /// Renamed or dropped labels, `happy=happiness,calm=`.
    pub label_map: String,
    /// Which utterances are the test set; see [`SplitSpec`].
    pub split: String,
    /// Corpora that join training and are never tested, for the classes of the others.
    pub also: Vec<PathBuf>,
    /// Go on without unreadable files, however many.
    pub skip_bad: bool,
    /// What says of each recording what a student should say.
    pub teacher: Option<Teacher>,
    /// Folders or manifests of recordings that join training with the teacher's targets alone.
    pub unlabelled: Vec<PathBuf>,
    /// Where the emotion of a recording stands; none for where emotion words are found.
    pub emotion_from: Option<Origin>,
    /// Where its speaker stands.
    pub speaker_from: Option<Origin>,
    /// File that lists the inputs that were left out; none for no such file.
    pub left_out: Option<PathBuf>,
}

impl Default for DataSpec {
    fn default() -> Self {
        DataSpec {
            paths: Vec::new(),
            label_map: String::new(),
            split: "default".into(),
            also: Vec::new(),
            skip_bad: false,
            teacher: None,
            unlabelled: Vec::new(),
            emotion_from: None,
            speaker_from: None,
            left_out: None,
        }
    }
}

/// A network's inputs of recordings.
pub(super) type Rows = Arc<Vec<Vec<f32>>>;

/// Recordings in memory, and what was made of them.
pub struct Recordings {
    /// All of them; those without labels are behind the others.
    loaded: Loaded,
    /// Those with labels, which are divided.
    labelled: Corpus,
    /// What the network takes.
    pub(super) kind: Inputs,
    /// Class names.
    pub(super) classes: Vec<String>,
    /// Class of each utterance with a label, those of corpora that are never tested behind the others.
    pub(super) class: Vec<usize>,
    /// Number of the corpus that each of them is from.
    pub(super) corpora: Vec<usize>,
    /// How much each counts in training; none where all count alike.
    pub(super) weight: Option<Vec<f32>>,
    /// Copies that training takes beside each.
    copies: Vec<Version>,
    /// Whether the final test looks at clips again.
    looks_again: bool,
    /// Whether several teachers hear clips, one after the other.
    taught_again: bool,
    inputs: Option<Vec<Rows>>,
    /// What a frozen trunk makes of them.
    pub(super) features: Features,
    /// What the last teacher said, and its hash.
    said: Option<(String, Said)>,
}

impl Recordings {
    /// Reads and decodes the corpora; tells what to know about them.
    ///
    /// # Errors
    /// Unreadable corpora.
    pub fn read(config: &Config, spec: &DataSpec, observe: &mut Observer) -> Result<Self> {
        let kind = config.inputs()?;
        let signals = if let Inputs::Signals(signals) = &kind { Some(signals) } else { None };
        let mut loaded =
            if spec.paths.is_empty() { data::built_in(config.train.seed, signals) } else { recorded(config, spec, signals, observe)? };
        for note in &loaded.corpus.notes {
            observe(Event::Warning(note));
        }
        let (labelled, classes) = (loaded.corpus.clone(), loaded.corpus.labels());
        if !spec.also.is_empty() {
            for note in loaded.append(data::also(&spec.also, &spec.label_map, &labelled, signals, spec.skip_bad)?)? {
                observe(Event::Warning(&note));
            }
        }
        let class = loaded.corpus.classes(&classes)?;
        let corpora = numbered(&loaded.corpus.utterances);
        append_unlabelled(&mut loaded, spec, signals, observe)?;
        let left_out = &loaded.corpus.left_out;
        if let Some(file) = &spec.left_out {
            left_out.write(file)?;
        }
        if !left_out.is_empty() {
            observe(Event::LeftOut(left_out, spec.left_out.as_deref()));
        }
        if let Some(warning) = cut(&loaded, &kind) {
            observe(Event::Warning(&warning));
        }
        if let Some(warning) = silent(&loaded).filter(|_| signals.is_none_or(|s| s.audio.is_some())) {
            observe(Event::Warning(&warning));
        }
        let weight = weight(config, &loaded, observe)?;
        let looks_again = config.train.tta && matches!(kind, Inputs::Images(..));
        let taught_again = spec.teacher.as_ref().is_some_and(|t| t.of_folds().is_some());
        let (features, copies) = (Features::default(), config.train.copies.clone());
        let (inputs, said) = (None, None);
        Ok(Recordings {
            loaded,
            labelled,
            kind,
            classes,
            class,
            corpora,
            weight,
            copies,
            looks_again,
            taught_again,
            inputs,
            features,
            said,
        })
    }

    /// The recordings with labels that are divided.
    pub fn corpus(&self) -> &Corpus {
        &self.labelled
    }

    /// Divides the recordings with labels; those without join training where they leak nothing.
    ///
    /// # Errors
    /// Those of [`Loaded::split`] and [`Loaded::join_unlabelled`].
    pub fn split(&self, spec: &SplitSpec, seed: u64, observe: &mut Observer) -> Result<Split> {
        let (own, first) = (self.labelled.utterances.len(), self.class.len());
        if let (_, Some(note)) = data::chosen(&self.labelled, spec) {
            observe(Event::Warning(&note));
        }
        let split = Split::new(&self.labelled, spec, seed)?;
        let mut split = split.settle_duplicates(&self.labelled, &self.loaded.digests[..own], spec)?;
        if own < first {
            split.train.extend(own..first);
            split.description += &format!("; {} recordings of other corpora join training", first - own);
        }
        if first < self.loaded.clips.len() {
            for note in self.loaded.join_unlabelled(&mut split, first)? {
                observe(Event::Warning(&note));
            }
        }
        Ok(split)
    }

    /// All recordings, those without labels behind the others.
    pub fn utterances(&self) -> &[Utterance] {
        &self.loaded.corpus.utterances
    }

    /// SHA-256 of the samples of each.
    pub fn digests(&self) -> &[[u8; 32]] {
        &self.loaded.digests
    }

    /// Hash of all of them.
    pub fn hash(&self) -> &str {
        &self.loaded.data_hash
    }

    /// How many there are, in a line.
    pub fn describe(&self) -> String {
        let clips = self.utterances().len();
        let speakers = match self.loaded.corpus.speakers().len() {
            0 => "speakers unknown".to_string(),
            n => format!("{n} speakers"),
        };
        let classes = match self.classes.len() {
            0 => String::new(),
            n => format!(", {n} classes ({})", self.classes.join(", ")),
        };
        format!("data: {clips} clips, {speakers}{classes}, {:.2} h", self.loaded.hours())
    }

    /// What `teacher` says of each, asked once in a row.
    pub(super) fn lessons(&mut self, device: &Arc<Device>, teacher: &Teacher, observe: &mut Observer) -> Result<Said> {
        let own = teacher.taught().sha256;
        match &self.said {
            Some((asked, said)) if *asked == own => Ok(said.clone()),
            _ => {
                let said = teacher.ask(device, &self.loaded, observe)?;
                self.said = Some((own, said.clone()));
                Ok(said)
            }
        }
    }

    /// The network's input of each, and of each of its copies (none of recordings that are not divided), computed once. Clips whose sound
    /// nobody needs any more are let go.
    pub(super) fn inputs(&mut self, device: &Arc<Device>, observe: &mut Observer) -> Result<Vec<Rows>> {
        if let Some(inputs) = &self.inputs {
            return Ok(inputs.clone());
        }
        let all = self.loaded.clips.len();
        let mut inputs = vec![Arc::new(extract(device, &self.kind, &self.loaded, (None, all), observe)?)];
        for copy in &self.copies {
            inputs.push(Arc::new(extract(device, &self.kind, &self.loaded, (Some(*copy), self.labelled.utterances.len()), observe)?));
        }
        if !self.looks_again && !self.taught_again {
            self.loaded.clips.iter_mut().for_each(|clip| clip.samples = Vec::new());
        }
        self.loaded.signals.iter_mut().for_each(|signal| *signal = Vec::new());
        self.inputs = Some(inputs.clone());
        Ok(inputs)
    }

    /// Samples of some clips, where the final test looks at them again; else none.
    pub(super) fn looked_at(&self, rows: &[usize]) -> Vec<Vec<f32>> {
        rows.iter().filter(|_| self.looks_again).map(|&i| self.loaded.clips[i].samples.clone()).collect()
    }
}

/// Adds the recordings without labels to the data.
fn append_unlabelled(loaded: &mut Loaded, spec: &DataSpec, signals: Option<&Signals>, observe: &mut Observer) -> Result<()> {
    if spec.unlabelled.is_empty() {
        return Ok(());
    }
    if spec.teacher.is_none() {
        return Err(Error::Data("recordings without labels have nothing to be learnt; name a teacher (--teacher)".into()));
    }
    for note in loaded.append_unlabelled(&data::unlabelled(&spec.unlabelled)?, signals, spec.skip_bad)? {
        observe(Event::Warning(&note));
    }
    Ok(())
}

/// How much each counts, where the network learns by that.
fn weight(config: &Config, loaded: &Loaded, observe: &mut Observer) -> Result<Option<Vec<f32>>> {
    if !weighs(config)? {
        return Ok(None);
    }
    let (weight, note) = data::weights(&loaded.corpus.utterances);
    note.iter().for_each(|note| observe(Event::Warning(note)));
    Ok(weight)
}

/// Whether the network learns more of what weighs more.
fn weighs(config: &Config) -> Result<bool> {
    Ok(config.network()?.solver().is_none_or(|solver| solver.weighs()))
}

/// Inputs of the first `n` recordings, or of a copy of each; nothing of the others.
fn extract(
    device: &Arc<Device>,
    kind: &Inputs,
    loaded: &Loaded,
    (copy, n): (Option<Version>, usize),
    observe: &mut Observer,
) -> Result<Vec<Vec<f32>>> {
    let (clips, what) = (&loaded.clips[..n], copy.map_or(kind.plural(), |_| "copies"));
    let mut extractor = Extractor::new(device, kind);
    let mut inputs = Vec::with_capacity(loaded.clips.len());
    for part in (0..n).collect::<Vec<_>>().chunks(256) {
        let signals: Vec<&[f32]> = part.iter().map(|&i| loaded.signals.get(i).map_or(&[][..], Vec::as_slice)).collect();
        let copies = copy.map(|copy| parallel::map(parallel::cores(), part.len(), |i| copy.of(&clips[part[i]].samples)));
        let copies = copies.map(|made| made.into_iter().collect::<Result<Vec<_>>>()).transpose()?;
        let samples: Vec<&[f32]> = match &copies {
            Some(copies) => copies.iter().map(Vec::as_slice).collect(),
            None => part.iter().map(|&i| clips[i].samples.as_slice()).collect(),
        };
        inputs.extend(extractor.join(&signals, &samples).map_err(|e| too_long(e, loaded, part))?);
        observe(Event::Preparing(what, inputs.len(), n));
    }
    inputs.resize(loaded.clips.len(), Vec::new());
    Ok(inputs)
}

/// Whether a stage of the run has a task with such a target.
fn learns(config: &Config, such: impl Fn(&Target) -> bool) -> Result<bool> {
    Ok(config.stages()?.iter().flat_map(|(_, stage)| stage.tasks()).any(|(task, _)| such(&config.task[task].target)))
}

/// Columns that the tasks of a run and its split read.
fn used(config: &Config, split: &str) -> Result<BTreeSet<String>> {
    let mut used: BTreeSet<String> = split.split([':', '=', ',']).map(|word| word.trim().to_string()).collect();
    used.extend(weighs(config)?.then(|| data::WEIGHT.to_string()));
    for (task, _) in config.stages()?.iter().flat_map(|(_, stage)| stage.tasks()) {
        if let Target::Columns(columns) = &config.task[task].target {
            used.extend(columns.iter().cloned());
        }
    }
    Ok(used)
}

/// Numbers of the corpora that recordings are from, in the order in which they are first met.
fn numbered(utterances: &[Utterance]) -> Vec<usize> {
    let mut names: Vec<&str> = Vec::new();
    utterances
        .iter()
        .map(|u| {
            let name = u.column("corpus").unwrap_or_default();
            names.iter().position(|n| *n == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        })
        .collect()
}

fn recorded(config: &Config, spec: &DataSpec, signals: Option<&Signals>, observe: &mut Observer) -> Result<Loaded> {
    let classes = learns(config, |target| *target == Target::Label)?;
    let reading = Reading { emotion: spec.emotion_from.clone(), speaker: spec.speaker_from.clone(), unlabelled: !classes };
    let corpora = spec.paths.iter().map(|p| data::open_as(p, &reading)).collect::<Result<Vec<Corpus>>>()?;
    let mut map = data::parse_label_map(&spec.label_map)?;
    if !spec.also.is_empty() {
        // Names that only corpora have which join training.
        let own: BTreeSet<String> = corpora.iter().flat_map(Corpus::labels).collect();
        let others = spec.also.iter().map(|p| data::open(p)).collect::<Result<Vec<Corpus>>>()?;
        let others: BTreeSet<String> = others.iter().flat_map(Corpus::labels).collect();
        map.retain(|label, _| own.contains(label) || !others.contains(label));
    }
    let mut corpus = data::merge(corpora, &map)?;
    if classes {
        corpus.notes.extend(data::numbered(&corpus)?);
    } else if corpus.utterances.iter().all(|u| u.label.is_empty() || data::number(&u.label).is_some()) {
        // Numbers divide nothing into classes.
        for u in corpus.utterances.iter_mut().filter(|u| !u.label.is_empty()) {
            u.extra.insert("label".into(), std::mem::take(&mut u.label));
        }
    }
    corpus.notes.extend(data::unread(&corpus.unread, &used(config, &spec.split)?));
    observe(Event::Preparing("recordings", 0, corpus.utterances.len()));
    let loaded = data::load(&corpus, signals, spec.skip_bad, &|_, _| ())?;
    observe(Event::Preparing("recordings", corpus.utterances.len(), corpus.utterances.len()));
    Ok(loaded)
}
