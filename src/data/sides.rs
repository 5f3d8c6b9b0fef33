//! Sides that a corpus gives its utterances, and whether they can be used.

use std::collections::BTreeSet;

use super::{Corpus, SplitSpec};

/// Part of the utterances that a random split tests on where nothing else is asked for.
const RANDOM_PART: f64 = 0.2;

/// Which side an utterance is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    Train,
    Valid,
    Test,
}

/// The side a word names in manifests and folders.
pub(super) fn side(word: &str) -> Option<Side> {
    match word.trim().to_ascii_lowercase().trim_end_matches(|c: char| c.is_ascii_digit()) {
        "train" | "training" | "trn" => Some(Side::Train),
        "valid" | "val" | "dev" | "devel" | "development" | "validation" => Some(Side::Valid),
        "test" | "tst" | "eval" | "evaluation" | "testing" => Some(Side::Test),
        _ => None,
    }
}

impl Side {
    /// Its word in manifests.
    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Train => "train",
            Side::Valid => "valid",
            Side::Test => "test",
        }
    }
}

/// Speakers who are both on the sides that `held` says yes to and on others.
pub(super) fn shared_speakers<'a>(corpus: &'a Corpus, sides: &[Side], held: impl Fn(Side) -> bool) -> BTreeSet<&'a str> {
    let of = |wanted: bool| -> BTreeSet<&str> {
        let rows = corpus.utterances.iter().zip(sides).filter(|(u, s)| held(**s) == wanted && !u.speaker.is_empty());
        rows.map(|(u, _)| u.speaker.as_str()).collect()
    };
    of(true).intersection(&of(false)).copied().collect()
}

/// What a split comes to on a corpus, and what to tell of it: the default is the corpus's own split if that keeps speakers apart, and where
/// there are not two speakers to keep apart, a random one.
pub fn chosen(corpus: &Corpus, spec: &SplitSpec) -> (SplitSpec, Option<String>) {
    if *spec != SplitSpec::Default {
        return (spec.clone(), None);
    }
    let rows = &corpus.utterances;
    let sides: Vec<Option<Side>> = rows.iter().map(|u| u.split.as_deref().and_then(side)).collect();
    let given = rows.iter().filter(|u| u.split.is_some()).count();
    let own = SplitSpec::Column { name: "split".into(), shared: false };
    let without = sides.iter().filter(|s| s.is_none()).count();
    let has = |wanted| sides.contains(&Some(wanted));
    let known: Vec<Side> = sides.iter().copied().flatten().collect();
    let divides = |held| without == 0 && shared_speakers(corpus, &known, |s| s == held).is_empty();
    let unused = match () {
        () if given == 0 => None,
        () if without > 0 => Some(format!("{without} of {} rows are in none of train, valid and test", rows.len())),
        () if !has(Side::Test) || !has(Side::Train) => Some("it has no training or no test recordings".to_string()),
        () if !divides(Side::Test) || (has(Side::Valid) && !divides(Side::Valid)) => {
            Some("it has speakers on both sides; --split random:column:split uses it all the same".to_string())
        }
        () => {
            return (
                own,
                Some("the corpus says which recordings are for training and test: its own split is used (--split says otherwise)".into()),
            );
        }
    };
    let note = unused.map(|why| format!("the corpus's own split is not used: {why}"));
    let why = match corpus.speakers().as_slice() {
        [] => "no speaker is known",
        [_] if rows.iter().all(|u| !u.speaker.is_empty()) => "there is one speaker only",
        _ => return (SplitSpec::Default, note),
    };
    let random = format!("{why}, so recordings are divided at random: the test says nothing of how unknown speakers fare");
    (SplitSpec::Random { fraction: RANDOM_PART }, Some(note.map_or(random.clone(), |note| format!("{note}; {random}"))))
}
