//! How to divide a corpus, as text.

use std::{fmt, str::FromStr};

use crate::Error;

/// Which utterances are the test set. Everything keeps speakers apart but what has the word random, and folds where no speaker is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SplitSpec {
    /// `default`: as the corpus divides itself, if it keeps speakers apart; else about a fifth of the speakers, or where there are not two of
    /// them, `random`.
    #[default]
    Default,
    /// `none`: nothing is tested, and all is learnt from.
    None,
    /// `kfold:K:I`: fold I of 1..=K, speakers dealt out so that folds are of similar size; where no speaker is known, the utterances of each
    /// class.
    KFold {
        /// Number of folds, at least 2.
        folds: usize,
        /// The test fold, from 1.
        index: usize,
    },
    /// `loso:SPEAKER`: leave one speaker out.
    Loso {
        /// The test speaker.
        speaker: String,
    },
    /// `heldout:A,B`: these speakers.
    HeldOut {
        /// The test speakers.
        speakers: Vec<String>,
    },
    /// `column:NAME`: the column says train, valid or test.
    Column {
        /// The column.
        name: String,
        /// `random:column:NAME`: speakers may be on both sides.
        shared: bool,
    },
    /// `NAME=V` or `NAME=V,W`: rows whose column has one of the values, e.g. `loso_fold=1`.
    Equals {
        /// The column.
        column: String,
        /// Its values in the test set.
        values: Vec<String>,
        /// `random:NAME=V`: speakers may be on both sides, as some published folds have it.
        shared: bool,
    },
    /// `random` or `random:FRACTION`: utterances regardless of who speaks. Not a measure of how unknown speakers fare.
    Random {
        /// Part of the corpus that becomes the test set, in (0, 1).
        fraction: f64,
    },
}

impl FromStr for SplitSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fail = |reason: &str| {
            Error::Data(format!(
                "split {text:?}: {reason}; known are default, none, kfold:K:I, loso:SPEAKER, heldout:A,B, column:NAME, COLUMN=VALUE, random, random:FRACTION, random:COLUMN=VALUE, random:column:NAME; with --folds also loso, kfold:K and COLUMN"
            ))
        };
        let list = |values: &str| -> Vec<String> { values.split(',').map(str::trim).filter(|v| !v.is_empty()).map(String::from).collect() };
        let equals = |text: &str, shared| match text.split_once('=') {
            Some((column, values)) if !column.trim().is_empty() && !list(values).is_empty() => {
                Ok(SplitSpec::Equals { column: column.trim().into(), values: list(values), shared })
            }
            _ => Err(fail("not understood")),
        };
        let text_trimmed = text.trim();
        // Speaker names may contain '=', so the words with a colon come first.
        let (word, rest) = text_trimmed.split_once(':').map_or((text_trimmed, None), |(w, r)| (w, Some(r.trim())));
        match (word, rest) {
            ("default", None) => Ok(SplitSpec::Default),
            ("none", None) => Ok(SplitSpec::None),
            ("random", None) => Ok(SplitSpec::Random { fraction: 0.2 }),
            ("random", Some(rest)) if rest.starts_with("column:") && rest.len() > 7 => {
                Ok(SplitSpec::Column { name: rest[7..].trim().into(), shared: true })
            }
            ("random", Some(rest)) if rest.contains('=') => equals(rest, true),
            ("random", Some(fraction)) => match fraction.parse() {
                Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(SplitSpec::Random { fraction }),
                _ => Err(fail("the fraction lies between 0 and 1")),
            },
            ("kfold", Some(rest)) => {
                let numbers = rest.split_once(':').and_then(|(k, i)| Some((k.trim().parse().ok()?, i.trim().parse().ok()?)));
                match numbers {
                    Some((folds, index)) if folds >= 2 && (1..=folds).contains(&index) => Ok(SplitSpec::KFold { folds, index }),
                    _ => Err(fail("at least 2 folds, numbered from 1")),
                }
            }
            ("loso", Some(speaker)) if !speaker.is_empty() => Ok(SplitSpec::Loso { speaker: speaker.into() }),
            ("heldout", Some(speakers)) if !list(speakers).is_empty() => Ok(SplitSpec::HeldOut { speakers: list(speakers) }),
            ("column", Some(name)) if !name.is_empty() => Ok(SplitSpec::Column { name: name.into(), shared: false }),
            _ => equals(text_trimmed, false),
        }
    }
}

impl fmt::Display for SplitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SplitSpec::Default => write!(f, "default"),
            SplitSpec::None => write!(f, "none"),
            SplitSpec::KFold { folds, index } => write!(f, "kfold:{folds}:{index}"),
            SplitSpec::Loso { speaker } => write!(f, "loso:{speaker}"),
            SplitSpec::HeldOut { speakers } => write!(f, "heldout:{}", speakers.join(",")),
            SplitSpec::Column { name, shared } => write!(f, "{}column:{name}", if *shared { "random:" } else { "" }),
            SplitSpec::Equals { column, values, shared } => {
                write!(f, "{}{column}={}", if *shared { "random:" } else { "" }, values.join(","))
            }
            SplitSpec::Random { fraction } => write!(f, "random:{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in [
            "default",
            "none",
            "kfold:5:1",
            "loso:emo03",
            "heldout:a,b",
            "column:split",
            "random:column:split",
            "luna_fold=1",
            "loso_fold=1,2",
            "random:0.25",
            "random:fold=1,2",
            "a:b=c",
        ] {
            assert_eq!(text.parse::<SplitSpec>().unwrap().to_string(), text);
        }
        assert_eq!("random".parse::<SplitSpec>().unwrap(), SplitSpec::Random { fraction: 0.2 });
        assert_eq!(" fold = 1 , 2 ".parse::<SplitSpec>().unwrap().to_string(), "fold=1,2");
    }

    #[test]
    fn nonsense_is_refused_with_the_choices() {
        for text in [
            "",
            "speakers",
            "kfold:5",
            "kfold:5:0",
            "kfold:5:6",
            "kfold:1:1",
            "kfold:x:1",
            "loso:",
            "heldout:,",
            "column:",
            "=1",
            "fold=",
            "random:0",
            "random:1",
            "random:NaN",
            "random:=1",
        ] {
            let error = text.parse::<SplitSpec>().unwrap_err().to_string();
            assert!(error.contains("loso:SPEAKER"), "{text}: {error}");
        }
    }
}
