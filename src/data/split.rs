//! Train, validation and test sets with no speaker, and no recording, on two sides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::sides::{Side, chosen, shared_speakers, side};
use super::{Corpus, SplitSpec, Utterance};
use crate::{Error, Result, random::Rng};

/// Part of the speakers that the default split tests on.
const TEST_PART: f64 = 0.2;
/// Part of the training speakers, or utterances, kept for validation.
const VALID_PART: f64 = 0.12;
/// With fewer training speakers than this, validation is by utterance.
const SPEAKERS_FOR_VALIDATION: usize = 3;
/// Keys of the random streams: which purpose a number serves.
const FOLDS: u64 = 1;
const VALID: u64 = 2;
const TEST: u64 = 3;

/// A corpus divided; the numbers index its utterances, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What is learned from.
    pub train: Vec<usize>,
    /// What decides which weights are kept.
    pub valid: Vec<usize>,
    /// What is reported.
    pub test: Vec<usize>,
    /// In one line for every report: how it was made, how many, who is tested, and what to distrust.
    pub description: String,
    /// Whether no test speaker is known from training or validation.
    pub speaker_independent: bool,
    /// Whether no validation speaker is trained on.
    pub validation_by_speaker: bool,
}

impl Split {
    /// Divides `corpus`; a function of the corpus, the spec and the seed. From the training speakers about an eighth is
    /// kept for validation, at least one; with fewer than three of them, an eighth of the utterances of each class.
    ///
    /// # Errors
    /// [`Error::Data`]: an unknown column, value or speaker; unknown speakers where they are needed; a side without
    /// utterances; a speaker on both sides, except where `spec` asks for it.
    pub fn new(corpus: &Corpus, spec: &SplitSpec, seed: u64) -> Result<Split> {
        let spec = &chosen(corpus, spec).0;
        let mut sides = test_side(corpus, spec, seed)?;
        let random = by_utterance(corpus, spec);
        let known = corpus.utterances.iter().all(|u| !u.speaker.is_empty());
        if !random {
            refuse_shared_speakers(corpus, &sides, |side| side == Side::Test, spec)?;
        }
        let given = sides.contains(&Side::Valid);
        let training: Vec<usize> = (0..sides.len()).filter(|&i| sides[i] == Side::Train).collect();
        let speakers: BTreeSet<&str> = training.iter().map(|&i| corpus.utterances[i].speaker.as_str()).collect();
        let by_speaker = !random && known && (given || speakers.len() >= SPEAKERS_FOR_VALIDATION);
        let mut rng = Rng::new(seed, &[VALID]);
        if given {
            if !random {
                refuse_shared_speakers(corpus, &sides, |side| side == Side::Valid, spec)?;
            }
        } else if by_speaker {
            let chosen: BTreeSet<&str> = some_speakers(speakers, VALID_PART, &mut rng);
            training.iter().filter(|&&i| chosen.contains(corpus.utterances[i].speaker.as_str())).for_each(|&i| sides[i] = Side::Valid);
        } else {
            some_of_each_class(corpus, &training, VALID_PART, &mut rng).iter().for_each(|&i| sides[i] = Side::Valid);
        }
        let rows = |side| (0..sides.len()).filter(|&i| sides[i] == side).collect();
        let mut split = Split {
            train: rows(Side::Train),
            valid: rows(Side::Valid),
            test: rows(Side::Test),
            description: String::new(),
            speaker_independent: known && !random,
            validation_by_speaker: by_speaker,
        };
        split.description = split.describe(corpus, spec);
        split.refuse_empty(corpus, spec)
    }

    /// The same with the validation clips among those that are trained on.
    pub fn without_validation(mut self) -> Split {
        self.train.append(&mut self.valid);
        self.train.sort_unstable();
        self.description += "; validation clips are trained on too";
        self
    }

    /// Keeps copies of one recording on one side, given a digest of every utterance's sound.
    ///
    /// Where sides were drawn by utterance, copies move to training; where they follow speakers or columns, copies on two
    /// sides are an error. Copies on one side are counted in the description.
    ///
    /// # Errors
    /// [`Error::Data`] naming two copies on different sides, or a side left empty.
    pub fn settle_duplicates(mut self, corpus: &Corpus, digests: &[[u8; 32]], spec: &SplitSpec) -> Result<Split> {
        let spec = &chosen(corpus, spec).0;
        let mut sides: HashMap<usize, Side> = HashMap::new();
        for (side, rows) in [(Side::Train, &self.train), (Side::Valid, &self.valid), (Side::Test, &self.test)] {
            sides.extend(rows.iter().map(|&i| (i, side)));
        }
        let mut copies: BTreeMap<&[u8; 32], Vec<usize>> = BTreeMap::new();
        digests.iter().enumerate().filter(|(i, _)| sides.contains_key(i)).for_each(|(i, d)| copies.entry(d).or_default().push(i));
        let random = by_utterance(corpus, spec);
        let (mut together, mut moved) = (0, 0);
        for group in copies.values().filter(|g| g.len() > 1) {
            let on: BTreeSet<Side> = group.iter().map(|i| sides[i]).collect();
            together += group.len() - 1;
            if on.len() == 1 {
                continue;
            }
            if !(random || !self.validation_by_speaker && !on.contains(&Side::Test)) {
                let other = group.iter().copied().find(|i| sides[i] != sides[&group[0]]).unwrap_or(group[0]);
                let [one, two] = [group[0], other].map(|i| corpus.utterances[i].path.display());
                return Err(fail(spec, format!("the same recording is on two sides: {one} and {two}; remove one of them")));
            }
            moved += group.iter().filter(|i| sides[i] != Side::Train).count();
            group.iter().for_each(|&i| _ = sides.insert(i, Side::Train));
        }
        let rows = |side| -> Vec<usize> { (0..digests.len()).filter(|i| sides.get(i) == Some(&side)).collect() };
        (self.train, self.valid, self.test) = (rows(Side::Train), rows(Side::Valid), rows(Side::Test));
        if moved > 0 {
            self.description = self.describe(corpus, spec);
        }
        if together > 0 {
            self.description += &format!("; {together} recordings are copies of another on the same side");
        }
        self.refuse_empty(corpus, spec)
    }

    fn describe(&self, corpus: &Corpus, spec: &SplitSpec) -> String {
        let speakers = |rows: &[usize]| -> BTreeSet<&str> {
            rows.iter().map(|&i| corpus.utterances[i].speaker.as_str()).filter(|s| !s.is_empty()).collect()
        };
        let side = |name: &str, rows: &[usize], names: bool| {
            let speakers = speakers(rows);
            let listed = speakers.iter().copied().take(12).collect::<Vec<_>>().join(" ");
            let listed = if speakers.len() > 12 { format!("{listed} ...") } else { listed };
            let who = if names && !speakers.is_empty() { format!(" ({listed})") } else { String::new() };
            let of = if speakers.is_empty() { String::new() } else { format!(" of {} speakers", speakers.len()) };
            format!("{name} {}{of}{who}", rows.len())
        };
        let nature = match (spec, self.speaker_independent) {
            (SplitSpec::None, _) => "nothing is tested",
            (SplitSpec::Random { .. } | SplitSpec::Equals { shared: true, .. } | SplitSpec::Column { shared: true, .. }, _) => {
                "RANDOM SPLIT, speakers on both sides: not a result for unknown speakers"
            }
            (SplitSpec::KFold { .. }, false) => "divided by class: speakers unknown, independence not checked",
            (_, false) => "speakers unknown, independence not checked",
            _ => "speaker-independent",
        };
        let alone = !self.validation_by_speaker && !by_utterance(corpus, spec);
        let validation = if alone { " chosen by utterance, its speakers are trained on" } else { "" };
        let trained: BTreeSet<&str> = self.train.iter().map(|&i| corpus.utterances[i].label.as_str()).collect();
        let unseen: BTreeSet<&str> =
            self.test.iter().map(|&i| corpus.utterances[i].label.as_str()).filter(|l| !trained.contains(l)).collect();
        let tested: BTreeSet<&str> = self.test.iter().map(|&i| corpus.utterances[i].label.as_str()).collect();
        let untested: Vec<&str> = trained.iter().copied().filter(|l| !tested.contains(l) && !self.test.is_empty()).collect();
        let untested = if untested.is_empty() { String::new() } else { format!("; classes that are not tested: {}", untested.join(" ")) };
        let unseen = match unseen.is_empty() {
            true => String::new(),
            false => format!("; test classes never trained: {}", unseen.into_iter().collect::<Vec<_>>().join(" ")),
        };
        let cut: Vec<&str> = corpus.utterances.iter().filter_map(|u| u.window_of.as_deref()).collect();
        let windows = match cut.len() {
            0 => String::new(),
            n => {
                format!("; {n} of the clips are windows of {} long recordings, each on one side", cut.iter().collect::<BTreeSet<_>>().len())
            }
        };
        format!(
            "{spec} ({nature}): {}, {}{validation}, {}{unseen}{untested}{windows}",
            side("train", &self.train, false),
            side("valid", &self.valid, true),
            if *spec == SplitSpec::None { "test none".into() } else { side("test", &self.test, true) }
        )
    }

    fn refuse_empty(self, corpus: &Corpus, spec: &SplitSpec) -> Result<Split> {
        // Without validation the last weights are kept.
        let sides = [("training", &self.train), ("test", &self.test)];
        match sides.iter().find(|(name, rows)| rows.is_empty() && (*name == "training" || *spec != SplitSpec::None)) {
            Some((name, _)) => {
                let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
                let all = recordings(corpus, 0..corpus.utterances.len());
                all.iter().for_each(|unit| *classes.entry(&corpus.utterances[unit[0]].label).or_default() += 1);
                let more = match classes.values().all(|n| *n == 1) {
                    true => "to test it takes two recordings of a class, and here is one of each",
                    false => "--split random:0.5 holds out more of them",
                };
                let way = format!("--split none learns from all recordings and tests none; {more}");
                Err(Error::Data(format!("the {name} set is empty: {}; {way}", self.description)))
            }
            None => Ok(self),
        }
    }
}

/// Whether sides are drawn by utterance, whoever speaks.
fn by_utterance(corpus: &Corpus, spec: &SplitSpec) -> bool {
    match spec {
        SplitSpec::Random { .. } => true,
        SplitSpec::Equals { shared, .. } | SplitSpec::Column { shared, .. } => *shared,
        SplitSpec::KFold { .. } => corpus.utterances.iter().all(|u| u.speaker.is_empty()),
        _ => false,
    }
}

/// Sides before validation is taken from training.
fn test_side(corpus: &Corpus, spec: &SplitSpec, seed: u64) -> Result<Vec<Side>> {
    match spec {
        SplitSpec::None => Ok(vec![Side::Train; corpus.utterances.len()]),
        SplitSpec::Random { fraction } => {
            let rows: Vec<usize> = (0..corpus.utterances.len()).collect();
            let mut sides = vec![Side::Train; rows.len()];
            some_of_each_class(corpus, &rows, *fraction, &mut Rng::new(seed, &[TEST])).iter().for_each(|&i| sides[i] = Side::Test);
            Ok(sides)
        }
        SplitSpec::Equals { column, values, .. } => {
            refuse_unknown_column(corpus, column, spec)?;
            let present: BTreeSet<&str> = corpus.utterances.iter().filter_map(|u| u.column(column)).collect();
            if let Some(absent) = values.iter().find(|v| !present.contains(v.as_str())) {
                return Err(fail(spec, format!("no row has {column}={absent}; there are {}", join(&present))));
            }
            let test = |u: &Utterance| u.column(column).is_some_and(|v| values.iter().any(|w| w == v));
            Ok(corpus.utterances.iter().map(|u| if test(u) { Side::Test } else { Side::Train }).collect())
        }
        SplitSpec::Column { name, .. } => {
            refuse_unknown_column(corpus, name, spec)?;
            let read = |u: &Utterance| {
                let value = u.column(name).unwrap_or("");
                side(value).ok_or_else(|| fail(spec, format!("{}: {value:?} is none of train, valid, test", u.path.display())))
            };
            corpus.utterances.iter().map(read).collect()
        }
        SplitSpec::KFold { folds, index } if by_utterance(corpus, spec) => {
            let test = fold_of_each_class(corpus, *folds, *index, seed);
            Ok((0..corpus.utterances.len()).map(|i| if test.contains(&i) { Side::Test } else { Side::Train }).collect())
        }
        SplitSpec::Default | SplitSpec::KFold { .. } | SplitSpec::Loso { .. } | SplitSpec::HeldOut { .. } => {
            let all = corpus.speakers();
            let test = test_speakers(corpus, all.iter().map(String::as_str).collect(), spec, seed)?;
            Ok(corpus.utterances.iter().map(|u| if test.contains(u.speaker.as_str()) { Side::Test } else { Side::Train }).collect())
        }
    }
}

/// Which of `all` speakers are tested.
fn test_speakers<'a>(corpus: &Corpus, all: BTreeSet<&'a str>, spec: &SplitSpec, seed: u64) -> Result<BTreeSet<&'a str>> {
    let unknown = corpus.utterances.iter().filter(|u| u.speaker.is_empty()).count();
    if unknown > 0 {
        return Err(fail(
            spec,
            format!(
                "{unknown} of {} speakers are unknown: give a manifest with a speaker column, CLASS/SPEAKER/ folders or SPEAKER_ file names (--speaker-from says where they stand), or ask for --split random",
                corpus.utterances.len()
            ),
        ));
    }
    if all.len() < 2 {
        return Err(fail(spec, format!("needs two speakers, there is {}; --split random divides by recording", all.len())));
    }
    let known = |name: &String| {
        let missing = || fail(spec, format!("no speaker {name:?}{}; there are {}", closest(name, &all), join(&all)));
        all.get(name.as_str()).copied().ok_or_else(missing)
    };
    match spec {
        SplitSpec::Loso { speaker } => Ok([known(speaker)?].into()),
        SplitSpec::HeldOut { speakers } => speakers.iter().map(known).collect(),
        SplitSpec::KFold { folds, .. } if *folds > all.len() => {
            Err(fail(spec, format!("{folds} folds need as many speakers, there are {}", all.len())))
        }
        SplitSpec::KFold { folds, index } => Ok(fold(corpus, all, *folds, *index, seed)),
        _ => Ok(some_speakers(all, TEST_PART, &mut Rng::new(seed, &[TEST]))),
    }
}

/// Refuses a column that `corpus` does not have, in the name of `spec`.
pub(super) fn refuse_unknown_column(corpus: &Corpus, name: &str, spec: &dyn fmt::Display) -> Result<()> {
    let columns = corpus.columns();
    if columns.contains(name) {
        return Ok(());
    }
    Err(fail(spec, format!("no column {name:?}{}; there are {}", closest(name, &columns), join(&columns))))
}

fn fail(spec: &dyn fmt::Display, reason: String) -> Error {
    Error::Data(format!("split {spec}: {reason}"))
}

/// About `part` of the speakers: at least one, never all.
fn some_speakers<'a>(speakers: BTreeSet<&'a str>, part: f64, rng: &mut Rng) -> BTreeSet<&'a str> {
    let mut speakers: Vec<&str> = speakers.into_iter().collect();
    let count = ((speakers.len() as f64 * part).round() as usize).clamp(1, speakers.len().saturating_sub(1).max(1));
    rng.shuffle(&mut speakers);
    speakers.truncate(count);
    speakers.into_iter().collect()
}

/// Rows by recording: the windows of one together, any other utterance by itself.
fn recordings(corpus: &Corpus, rows: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    let (mut units, mut known): (Vec<Vec<usize>>, HashMap<&str, usize>) = (Vec::new(), HashMap::new());
    for i in rows {
        let of = corpus.utterances[i].window_of.as_deref();
        match of.and_then(|name| known.get(name)) {
            Some(&unit) => units[unit].push(i),
            None => {
                known.extend(of.map(|name| (name, units.len())));
                units.push(vec![i]);
            }
        }
    }
    units
}

/// About `part` of the recordings of each class; at least one of a class of several.
fn some_of_each_class(corpus: &Corpus, rows: &[usize], part: f64, rng: &mut Rng) -> Vec<usize> {
    let mut classes: BTreeMap<&str, Vec<Vec<usize>>> = BTreeMap::new();
    for unit in recordings(corpus, rows.iter().copied()) {
        classes.entry(&corpus.utterances[unit[0]].label).or_default().push(unit);
    }
    let mut chosen = Vec::new();
    for class in classes.values_mut() {
        rng.shuffle(class);
        let count = (class.len() as f64 * part).round() as usize;
        let some = count.clamp(usize::from(class.len() > 1), class.len() - usize::from(class.len() > 1));
        chosen.extend(class.iter().take(some).flatten());
    }
    chosen
}

/// The speakers of one fold: in random order but the busiest first, each to the fold with the fewest utterances.
fn fold<'a>(corpus: &Corpus, speakers: BTreeSet<&'a str>, folds: usize, index: usize, seed: u64) -> BTreeSet<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    corpus.utterances.iter().for_each(|u| *counts.entry(u.speaker.as_str()).or_default() += 1);
    let mut order: Vec<&str> = speakers.into_iter().collect();
    Rng::new(seed, &[FOLDS]).shuffle(&mut order);
    order.sort_by_key(|s| std::cmp::Reverse(counts.get(s).copied().unwrap_or(0)));
    let mut sizes = vec![0; folds];
    let mut chosen = BTreeSet::new();
    for speaker in order {
        let Some(smallest) = (0..folds).min_by_key(|&f| sizes[f]) else { break };
        sizes[smallest] += counts.get(speaker).copied().unwrap_or(0);
        if smallest + 1 == index {
            chosen.insert(speaker);
        }
    }
    chosen
}

/// The utterances of one fold: the recordings of each class in random order, dealt out in turn, each class going on where the one before it ended.
fn fold_of_each_class(corpus: &Corpus, folds: usize, index: usize, seed: u64) -> BTreeSet<usize> {
    let mut units = recordings(corpus, 0..corpus.utterances.len());
    Rng::new(seed, &[FOLDS]).shuffle(&mut units);
    units.sort_by_key(|unit| corpus.utterances[unit[0]].label.as_str());
    units.into_iter().skip(index - 1).step_by(folds).flatten().collect()
}

fn refuse_shared_speakers(corpus: &Corpus, sides: &[Side], held: impl Fn(Side) -> bool, spec: &SplitSpec) -> Result<()> {
    let shared = shared_speakers(corpus, sides, held);
    if shared.is_empty() {
        return Ok(());
    }
    Err(fail(
        spec,
        format!(
            "{} speakers are on both sides, so the result would not hold for unknown speakers: {}; ask for --split {} if that is meant",
            shared.len(),
            join(&shared),
            if matches!(spec, SplitSpec::Equals { .. } | SplitSpec::Column { .. }) { format!("random:{spec}") } else { "random".into() }
        ),
    ))
}

/// Names in a line, the first thirty of them.
pub(super) fn join(names: &BTreeSet<&str>) -> String {
    let listed = names.iter().copied().take(30).collect::<Vec<_>>().join(", ");
    if names.len() > 30 { format!("{listed}, ... ({})", names.len()) } else { listed }
}

/// The nearest of `names`, as a question; nothing where none is near.
pub(super) fn closest(name: &str, names: &BTreeSet<&str>) -> String {
    let best = names.iter().map(|n| (strsim::jaro_winkler(name, n), n)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.8).map(|(_, n)| format!(" (did you mean {n:?}?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
