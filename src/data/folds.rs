//! How to divide a corpus several times, so that each part of it is tested once.

use std::collections::BTreeSet;
use std::{fmt, str::FromStr};

use super::split::{closest, join, refuse_unknown_column};
use super::{Corpus, SplitSpec};
use crate::{Error, Result};

/// What is tested in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoldSpec {
    /// `loso`: each speaker (leave one speaker out).
    Loso,
    /// `kfold:K`: each of K parts that are alike in size; see [`SplitSpec::KFold`].
    KFold {
        /// Number of parts, at least 2.
        folds: usize,
    },
    /// `COLUMN`: the rows of each value of a column; `COLUMN=V,W`: of each of these values.
    Column {
        /// The column.
        column: String,
        /// Its values; none for all of them.
        values: Vec<String>,
        /// `random:COLUMN`: speakers may be on both sides.
        shared: bool,
    },
}

/// One of the folds of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The speaker, number or value that is tested.
    pub name: String,
    /// What a file system takes for it: no two folds of a corpus have the same.
    pub folder: String,
    /// The split.
    pub split: SplitSpec,
}

impl FoldSpec {
    /// The folds of `corpus`: speakers and values in the order of numbers where all are numbers, else of the alphabet.
    ///
    /// # Errors
    /// [`Error::Data`] naming an unknown column or value, or the only one, and the way out.
    pub fn folds(&self, corpus: &Corpus) -> Result<Vec<Fold>> {
        let mut names = match self {
            FoldSpec::Loso => self.speakers(corpus)?,
            FoldSpec::KFold { folds } => (1..=*folds).map(|i| i.to_string()).collect(),
            FoldSpec::Column { column, values, .. } => self.values(corpus, column, values)?,
        };
        if names.iter().all(|n| n.parse::<f64>().is_ok_and(f64::is_finite)) {
            names.sort_by(|a, b| f64::total_cmp(&a.parse().unwrap_or(0.0), &b.parse().unwrap_or(0.0)));
        }
        let mut taken = BTreeSet::new();
        Ok(names.into_iter().map(|name| Fold { folder: folder(&name, &mut taken), split: self.split(&name), name }).collect())
    }

    /// The split of the fold `name`.
    fn split(&self, name: &str) -> SplitSpec {
        match self {
            FoldSpec::Loso => SplitSpec::Loso { speaker: name.into() },
            FoldSpec::KFold { folds } => SplitSpec::KFold { folds: *folds, index: name.parse().unwrap_or(1) },
            FoldSpec::Column { column, shared, .. } => {
                SplitSpec::Equals { column: column.clone(), values: vec![name.into()], shared: *shared }
            }
        }
    }

    /// All speakers, where all are known.
    fn speakers(&self, corpus: &Corpus) -> Result<Vec<String>> {
        let speakers = corpus.speakers();
        let (all, unknown) = (corpus.utterances.len(), corpus.utterances.iter().filter(|u| u.speaker.is_empty()).count());
        if unknown > 0 {
            return Err(self.fail(format!(
                "{unknown} of {all} speakers are unknown: give a manifest with a speaker column, or ask for kfold:5, which divides by class where no speaker is known"
            )));
        }
        match speakers.as_slice() {
            [only] => Err(self.fail(format!("the only speaker is {only:?}, folds need two: ask for --split random, without --folds"))),
            _ => Ok(speakers),
        }
    }

    /// The values of a column that are tested in turn.
    fn values(&self, corpus: &Corpus, column: &str, asked: &[String]) -> Result<Vec<String>> {
        refuse_unknown_column(corpus, column, self)?;
        let present: BTreeSet<&str> = corpus.utterances.iter().filter_map(|u| u.column(column)).collect();
        if let Some(absent) = asked.iter().find(|v| !present.contains(v.as_str())) {
            return Err(self.fail(format!("no row has {column}={absent}{}; there are {}", closest(absent, &present), join(&present))));
        }
        let without = corpus.utterances.iter().filter(|u| u.column(column).is_none()).count();
        if let (1, 0, Some(only)) = (present.len(), without, present.first()) {
            return Err(self.fail(format!(
                "all rows have {column}={only}, folds need two values: name another column ({}), or ask for loso or kfold:5",
                join(&corpus.columns())
            )));
        }
        Ok(if asked.is_empty() { present.into_iter().map(String::from).collect() } else { asked.to_vec() })
    }

    fn fail(&self, reason: String) -> Error {
        Error::Data(format!("split {self}: {reason}"))
    }
}

/// Those of `folds` that `list` names with commas between; all for `all`.
///
/// # Errors
/// [`Error::Data`] naming a fold that is not there, and those that are.
pub fn choose(folds: &[Fold], list: &str) -> Result<Vec<Fold>> {
    if list.trim() == "all" {
        return Ok(folds.to_vec());
    }
    let names: BTreeSet<&str> = folds.iter().map(|f| f.name.as_str()).collect();
    let asked: BTreeSet<&str> = list.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    match asked.iter().find(|n| !names.contains(*n)) {
        Some(absent) => {
            Err(Error::Data(format!("--folds {list}: no fold {absent:?}{}; there are {}", closest(absent, &names), join(&names))))
        }
        None if asked.is_empty() => Err(Error::Data(format!("--folds {list:?} names no fold: say all, or some of {}", join(&names)))),
        None => Ok(folds.iter().filter(|f| asked.contains(f.name.as_str())).cloned().collect()),
    }
}

/// A name for the file system, unlike those `taken`, also where capitals do not count.
fn folder(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let numbered = (1..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}-{n}") });
    let mut free = numbered.skip_while(|n| !taken.insert(n.to_lowercase()));
    free.next().unwrap_or(plain)
}

impl FromStr for FoldSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = |reason: &str| {
            Error::Data(format!("split {text:?} with --folds: {reason}; folds are loso, kfold:K, COLUMN, COLUMN=V,W and random:COLUMN"))
        };
        let text = text.trim();
        let column = |text: &str, shared| {
            let (column, values) = text.split_once('=').map_or((text, None), |(c, v)| (c, Some(v)));
            let values: Vec<String> =
                values.unwrap_or_default().split(',').map(str::trim).filter(|v| !v.is_empty()).map(String::from).collect();
            if column.trim().is_empty() || (values.is_empty() && text.contains('=')) {
                return Err(fail("not understood"));
            }
            Ok(FoldSpec::Column { column: column.trim().into(), values, shared })
        };
        match text.split_once(':').map_or((text, None), |(word, rest)| (word, Some(rest.trim()))) {
            ("loso", None) => Ok(FoldSpec::Loso),
            ("loso", Some(speaker)) => Err(fail(&format!("that is one fold: say --split loso --folds {speaker}"))),
            ("kfold", Some(rest)) => match (rest.parse(), rest.split_once(':')) {
                (Ok(folds), _) if folds >= 2 => Ok(FoldSpec::KFold { folds }),
                (_, Some((folds, index))) => Err(fail(&format!("that is one fold: say --split kfold:{folds} --folds {index}"))),
                _ => Err(fail("at least 2 folds")),
            },
            ("default" | "heldout" | "column" | "random", None) | ("heldout" | "column", Some(_)) => {
                Err(fail("that is one split: leave --folds out"))
            }
            ("random", Some(rest)) if rest.parse::<f64>().is_err() => column(rest, true),
            ("random", Some(_)) => Err(fail("that is one split: leave --folds out")),
            _ => column(text, false),
        }
    }
}

impl fmt::Display for FoldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FoldSpec::Loso => write!(f, "loso"),
            FoldSpec::KFold { folds } => write!(f, "kfold:{folds}"),
            FoldSpec::Column { column, values, shared } => {
                let values = if values.is_empty() { String::new() } else { format!("={}", values.join(",")) };
                write!(f, "{}{column}{values}", if *shared { "random:" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Split, Utterance};

    /// Three clips of each of two classes by each of `speakers`; column `half` is the place's parity, `one` is the same for all.
    fn corpus(speakers: &[&str]) -> Corpus {
        let rows = speakers.iter().enumerate().flat_map(|(s, speaker)| (0..6).map(move |i| (s, *speaker, i)));
        let utterance = |(s, speaker, i): (usize, &str, usize)| Utterance {
            path: format!("{s}-{i}.wav").into(),
            label: ["joy", "fear"][i % 2].into(),
            speaker: speaker.into(),
            extra: [("half", s % 2), ("one", 1), ("take", i / 2 + 9)].map(|(k, v)| (k.to_string(), v.to_string())).into(),
            ..Utterance::default()
        };
        Corpus { name: "test".into(), utterances: rows.map(utterance).collect(), ..Corpus::default() }
    }

    fn folds(corpus: &Corpus, spec: &str) -> Result<Vec<Fold>> {
        spec.parse::<FoldSpec>()?.folds(corpus)
    }

    fn names(folds: &[Fold]) -> Vec<&str> {
        folds.iter().map(|f| f.name.as_str()).collect()
    }

    #[test]
    fn text_and_back() {
        for text in ["loso", "kfold:5", "luna_fold", "luna_fold=1,3", "random:take", "random:take=1"] {
            assert_eq!(text.parse::<FoldSpec>().unwrap().to_string(), text);
        }
        for (text, way_out) in [
            ("loso:emo03", "--split loso --folds emo03"),
            ("kfold:5:2", "--split kfold:5 --folds 2"),
            ("kfold:1", "at least 2"),
            ("kfold", "folds are loso"),
            ("default", "leave --folds out"),
            ("random:0.2", "leave --folds out"),
            ("heldout:a", "leave --folds out"),
            ("", "folds are loso"),
            ("fold=", "not understood"),
        ] {
            let refused = text.parse::<FoldSpec>().and_then(|spec| spec.folds(&corpus(&["a", "b"])).map(|_| ()));
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(way_out) || (text == "kfold" && error.contains("no column")), "{text}: {error}");
        }
    }

    #[test]
    fn every_clip_is_tested_once() {
        let corpus = corpus(&["s1", "s2", "s3", "s4", "s5"]);
        for (spec, count) in [("loso", 5), ("kfold:3", 3), ("half", 2), ("random:take", 3), ("speaker", 5)] {
            let folds = folds(&corpus, spec).unwrap();
            assert_eq!(folds.len(), count, "{spec}");
            let mut tested: Vec<usize> = folds.iter().flat_map(|f| Split::new(&corpus, &f.split, 4).unwrap().test).collect();
            tested.sort();
            assert_eq!(tested, (0..30).collect::<Vec<_>>(), "{spec}");
        }
    }

    #[test]
    fn folds_are_in_order_and_chosen_by_name() {
        let corpus = corpus(&["b/10", "b/9", "b 9", "B_9"]);
        let all = folds(&corpus, "loso").unwrap();
        assert_eq!(names(&all), ["B_9", "b 9", "b/10", "b/9"]);
        assert_eq!(all.iter().map(|f| f.folder.as_str()).collect::<Vec<_>>(), ["B_9", "b_9-2", "b_10", "b_9-3"]);
        assert_eq!(names(&folds(&corpus, "random:take").unwrap()), ["9", "10", "11"]);
        assert_eq!(names(&folds(&corpus, "random:take=11,9").unwrap()), ["9", "11"]);
        assert_eq!(names(&choose(&all, "b/9, B_9").unwrap()), ["B_9", "b/9"]);
        assert_eq!(choose(&all, "all").unwrap(), all);
        let error = choose(&all, "b/8").unwrap_err().to_string();
        assert!(error.contains("did you mean \"b/9\"") && error.contains("B_9, b 9"), "{error}");
        assert!(choose(&all, " ,").unwrap_err().to_string().contains("say all"));
    }

    #[test]
    fn mistakes_name_the_way_out() {
        let mut corpus = corpus(&["a", "b"]);
        for (spec, part) in [
            ("halves", "did you mean \"half\""),
            ("half=7", "there are 0, 1"),
            ("one", "all rows have one=1, folds need two values: name another column (half, label, one, speaker, take)"),
        ] {
            let error = folds(&corpus, spec).unwrap_err().to_string();
            assert!(error.contains(part), "{spec}: {error}");
        }
        corpus.utterances.iter_mut().for_each(|u| u.speaker = "a".into());
        assert!(folds(&corpus, "loso").unwrap_err().to_string().contains("only speaker is \"a\""));
        corpus.utterances[3].speaker.clear();
        assert!(folds(&corpus, "loso").unwrap_err().to_string().contains("1 of 12 speakers are unknown"));
    }
}
