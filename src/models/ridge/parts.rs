//! Which examples are answered by a machine that was solved without them.

use super::super::network::Examples;
use std::collections::{BTreeMap, BTreeSet};

/// Parts that examples are divided into, at most.
const PARTS: usize = 5;
/// Corpora from which on one at a time is left out.
const CORPORA: usize = 3;

/// Examples that are answered, and those from which.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub asked: Vec<usize>,
    pub trained: Vec<usize>,
}

/// What is not divided: examples of one corpus, of one speaker, windows and versions of one recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Corpus(usize),
    Speaker(usize),
    Recording(usize),
}

/// The parts, and what they are divided by. Where answers are for one corpus its recordings are divided by speaker; where they are for any other
/// one, whole corpora are left out, or with fewer than three the speakers of all. Where a speaker is unknown recordings are divided, class by
/// class. Copies of recordings take no part.
pub(super) fn parts(examples: &Examples) -> (&'static str, Vec<Part>) {
    let originals: Vec<usize> = (0..examples.inputs.len()).filter(|&i| examples.versions[i] == 0).collect();
    let asked: Vec<usize> = originals.iter().copied().filter(|&i| examples.home.is_none_or(|home| examples.corpora[i] == home)).collect();
    let distinct = |unit: &dyn Fn(usize) -> Unit| asked.iter().map(|&i| unit(i)).collect::<BTreeSet<_>>();
    let corpus = |i: usize| Unit::Corpus(examples.corpora[i]);
    let corpora = distinct(&corpus);
    if examples.home.is_none() && corpora.len() >= CORPORA {
        return ("corpus", divided(&originals, &asked, &corpus, &corpora.into_iter().zip(0..).collect()));
    }
    let recording = |i: usize| Unit::Recording(examples.recordings[i]);
    let speaker = |i: usize| examples.speakers[i].map_or_else(|| recording(i), Unit::Speaker);
    let speakers = distinct(&speaker);
    if speakers.len() > 1 && speakers.iter().all(|unit| matches!(unit, Unit::Speaker(_))) {
        return ("speaker", divided(&originals, &asked, &speaker, &even(&asked, &speaker)));
    }
    // Class by class; the first of a recording's examples says its class.
    let mut classes: BTreeMap<Unit, usize> = BTreeMap::new();
    asked.iter().for_each(|&i| _ = classes.entry(recording(i)).or_insert(examples.classes[i]));
    let mut listed: Vec<(usize, Unit)> = classes.into_iter().map(|(unit, class)| (class, unit)).collect();
    listed.sort_unstable();
    let part = listed.iter().enumerate().map(|(n, (_, unit))| (*unit, n % PARTS)).collect();
    ("recording", divided(&originals, &asked, &recording, &part))
}

/// Units in parts of about as many examples, the largest first.
fn even(asked: &[usize], unit: &dyn Fn(usize) -> Unit) -> BTreeMap<Unit, usize> {
    let mut sizes: BTreeMap<Unit, usize> = BTreeMap::new();
    asked.iter().for_each(|&i| *sizes.entry(unit(i)).or_default() += 1);
    let mut listed: Vec<(Unit, usize)> = sizes.into_iter().collect();
    listed.sort_by_key(|(unit, size)| (std::cmp::Reverse(*size), *unit));
    let mut full = [0usize; PARTS];
    let place = |(unit, size): (Unit, usize)| {
        let part = (0..PARTS).min_by_key(|&p| (full[p], p)).unwrap_or_default();
        full[part] += size;
        (unit, part)
    };
    listed.into_iter().map(place).collect()
}

/// The parts that have both what is asked and what is learnt from.
fn divided(originals: &[usize], asked: &[usize], unit: &dyn Fn(usize) -> Unit, part: &BTreeMap<Unit, usize>) -> Vec<Part> {
    let parts = part.values().max().map_or(0, |last| last + 1);
    let of = |p: usize| {
        let own = |&i: &usize| part.get(&unit(i)) == Some(&p);
        let trained: Vec<usize> = originals.iter().copied().filter(|i| !own(i)).collect();
        let some = asked.iter().any(|i| !own(i));
        Part { asked: asked.iter().copied().filter(own).collect(), trained: if some { trained } else { Vec::new() } }
    };
    (0..parts).map(of).filter(|p| !p.asked.is_empty() && !p.trained.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Weights;

    fn divide(home: Option<usize>, corpora: &[usize], speakers: &[Option<usize>], versions: &[usize]) -> (&'static str, Vec<Part>) {
        divide_windows(home, corpora, speakers, versions, 1)
    }

    /// The same where so many clips in a row are windows of one recording.
    fn divide_windows(
        home: Option<usize>,
        corpora: &[usize],
        speakers: &[Option<usize>],
        versions: &[usize],
        windows: usize,
    ) -> (&'static str, Vec<Part>) {
        let (given, n) = (Weights::new(), corpora.len());
        let mut recordings = 0;
        let originals = versions
            .iter()
            .map(|v| {
                recordings += usize::from(*v == 0);
                recordings
            })
            .collect::<Vec<usize>>();
        let examples = Examples {
            inputs: vec![&[]; n],
            classes: (0..n).map(|i| i % 2).collect(),
            answers: Vec::new(),
            outputs: 2,
            corpora: corpora.to_vec(),
            home,
            speakers: speakers.to_vec(),
            versions: versions.to_vec(),
            weights: vec![1.0; n],
            recordings: originals.iter().map(|n| (n - 1) / windows).collect(),
            originals,
            given: &given,
        };
        parts(&examples)
    }

    #[test]
    fn speakers_stay_whole_and_copies_take_no_part() {
        let speakers = [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 6].map(Some);
        let corpora = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        let (by, all) = divide(Some(0), &corpora, &speakers, &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((by, all.len()), ("speaker", 5));
        let mut asked: Vec<usize> = all.iter().flat_map(|p| p.asked.clone()).collect();
        asked.sort_unstable();
        assert_eq!(asked, [0, 2, 3, 4, 5, 6, 7, 8, 9]);
        for part in &all {
            let own: BTreeSet<_> = part.asked.iter().map(|&i| speakers[i]).collect();
            assert!(part.trained.iter().all(|&i| !own.contains(&speakers[i])) && part.trained.contains(&10) && !part.trained.contains(&11));
            assert_eq!(part.asked.len() + part.trained.len(), 10);
        }
        // Speakers of two corpora where answers are for another.
        let (by, all) = divide(None, &corpora, &speakers, &[0; 12]);
        assert!(by == "speaker" && all.iter().map(|p| p.asked.len()).sum::<usize>() == 12 && all[0].asked.len() < 4);
    }

    #[test]
    fn whole_corpora_or_recordings_are_left_out() {
        let (by, all) = divide(None, &[2, 5, 5, 7], &[Some(0); 4], &[0; 4]);
        assert_eq!((by, all[1].asked.clone(), all[1].trained.clone(), all.len()), ("corpus", vec![1, 2], vec![0, 3], 3));
        let (by, all) = divide(Some(0), &[0; 12], &[None; 12], &[0; 12]);
        assert_eq!((by, all.len()), ("recording", 5));
        // Six of each class.
        let of_class = |p: &Part, class: usize| p.asked.iter().filter(|&&i| i % 2 == class).count();
        assert!(all.iter().all(|p| (1..=2).contains(&of_class(p, 0)) && (1..=2).contains(&of_class(p, 1))));
        assert_eq!(divide(Some(0), &[0], &[None], &[0]), ("recording", vec![]));
        // Windows of a recording are asked together.
        let (by, all) = divide_windows(Some(0), &[0; 12], &[None; 12], &[0; 12], 4);
        let asked: Vec<&[usize]> = all.iter().map(|p| p.asked.as_slice()).collect();
        assert_eq!((by, asked), ("recording", vec![&[0, 1, 2, 3][..], &[4, 5, 6, 7], &[8, 9, 10, 11]]));
        // One speaker is nobody to be left out.
        assert_eq!(divide(Some(0), &[0; 4], &[Some(3); 4], &[0; 4]).0, "recording");
    }
}
