//! One class for all spellings of a label, within a corpus and between corpora.

use std::collections::{BTreeMap, BTreeSet};

use super::emotions::{folded, noun, number, spelling};
use super::{Corpus, LabelMap};
use crate::{Error, Result};

/// Classes that may be called by numbers; more are taken for measurements.
const NUMBERED: usize = 12;

/// Renames labels by the map, then makes one class of each label's spellings: of capitals and spaces, of forms of one word, and between
/// corpora of words with the same noun. Names that the map gives are kept. Returns what to tell.
///
/// # Errors
/// [`Error::Data`] where the map names a label that nobody has.
pub(super) fn settle(corpora: &mut [Corpus], map: &LabelMap) -> Result<Vec<String>> {
    for corpus in corpora.iter_mut() {
        corpus.utterances.iter_mut().for_each(|u| u.label = u.label.trim().to_string());
    }
    let found: BTreeSet<String> = corpora.iter().flat_map(Corpus::labels).collect();
    let mapped = by_spelling(map, &found)?;
    for u in corpora.iter_mut().flat_map(|c| &mut c.utterances) {
        if let Some(new) = mapped.get(&u.label) {
            u.label.clone_from(new);
        }
    }
    let given: BTreeSet<&str> = map.values().map(String::as_str).collect();
    let (names, notes) = Spellings::of(corpora, &given).names();
    for (corpus, names) in corpora.iter_mut().zip(&names) {
        corpus.utterances.iter_mut().for_each(|u| u.label = names.get(&u.label).unwrap_or(&u.label).clone());
    }
    Ok(notes)
}

/// The new names of labels: a key of the map stands for the label that is spelt so, or else for those that differ in capitals and spaces.
fn by_spelling(map: &LabelMap, found: &BTreeSet<String>) -> Result<LabelMap> {
    let mut mapped = LabelMap::new();
    for (from, to) in map {
        let alike = |l: &&String| folded(l) == folded(from) && !map.contains_key(*l);
        let labels: Vec<&String> = if found.contains(from) { vec![from] } else { found.iter().filter(alike).collect() };
        if labels.is_empty() {
            let have = found.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(Error::Data(format!("label map: no utterance is labelled {from:?}; there are {have}")));
        }
        mapped.extend(labels.into_iter().map(|l| (l.clone(), to.clone())));
    }
    Ok(mapped)
}

/// The class of `classes` that a label is another spelling of, or has the noun of, if there is exactly one.
pub(super) fn class_of<'a>(label: &str, classes: &'a [String]) -> Option<&'a String> {
    let only = |fits: &dyn Fn(&str) -> bool| {
        let mut found = classes.iter().filter(|c| fits(c));
        found.next().filter(|_| found.next().is_none())
    };
    classes.iter().find(|c| *c == label).or_else(|| only(&|c| spelling(c) == spelling(label))).or_else(|| {
        let own = noun(label)?;
        only(&|c| noun(c) == Some(own))
    })
}

/// How labels are spelt in each corpus.
struct Spellings<'a> {
    /// For each corpus: of each group of spellings, how often each occurs.
    groups: Vec<BTreeMap<String, BTreeMap<String, usize>>>,
    given: &'a BTreeSet<&'a str>,
}

impl<'a> Spellings<'a> {
    fn of(corpora: &[Corpus], given: &'a BTreeSet<&'a str>) -> Self {
        let group = |corpus: &Corpus| {
            let mut groups: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
            for u in corpus.utterances.iter().filter(|u| !u.label.is_empty()) {
                // Two names that the map gives stay two classes, whatever they mean.
                let key = if given.contains(u.label.as_str()) { format!("given {}", u.label) } else { spelling(&u.label) };
                *groups.entry(key).or_default().entry(u.label.clone()).or_default() += 1;
            }
            groups
        };
        let mut groups: Vec<_> = corpora.iter().map(group).collect();
        for groups in &mut groups {
            join_given(groups, given);
        }
        Spellings { groups, given }
    }

    /// The name of each label of each corpus, and what to tell.
    fn names(&self) -> (Vec<BTreeMap<String, String>>, Vec<String>) {
        // Between corpora words with one noun are one class, unless a corpus has several of them.
        let noun_of = |spelt: &BTreeMap<String, usize>| spelt.keys().find_map(|l| noun(l));
        let mut doubts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for groups in &self.groups {
            let mut by_noun: BTreeMap<&str, Vec<&BTreeMap<String, usize>>> = BTreeMap::new();
            groups.values().for_each(|spelt| noun_of(spelt).into_iter().for_each(|n| by_noun.entry(n).or_default().push(spelt)));
            for (noun, several) in by_noun.into_iter().filter(|(_, g)| g.len() > 1) {
                doubts.entry(noun).or_default().extend(several.iter().filter_map(|g| g.keys().next().cloned()));
            }
        }
        let mut classes: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        let contested = |noun: &str| self.given.iter().filter(|g| noun_is(g, noun)).count() > 1;
        let key = |key: &str, spelt: &BTreeMap<String, usize>| match noun_of(spelt) {
            Some(noun) if self.groups.len() > 1 && !doubts.contains_key(noun) && !contested(noun) => format!("noun {noun}"),
            _ => key.to_string(),
        };
        for (own, spelt) in self.groups.iter().flatten() {
            let class = classes.entry(key(own, spelt)).or_default();
            spelt.iter().for_each(|(label, n)| *class.entry(label.clone()).or_default() += n);
        }
        let named: BTreeMap<&String, String> = classes.iter().map(|(key, spelt)| (key, self.name(spelt))).collect();
        let mut notes: Vec<String> =
            classes.iter().filter(|(_, spelt)| spelt.len() > 1).map(|(key, spelt)| merged(spelt, &named[key])).collect();
        let open = doubts.values().filter(|labels| !labels.iter().any(|l| self.given.contains(l.as_str()))).cloned();
        notes.extend(open.map(|labels: BTreeSet<String>| {
            let labels: Vec<String> = labels.into_iter().collect();
            let (all, first, last) = (labels.join(" and "), &labels[0], &labels[labels.len() - 1]);
            format!("labels {all} are kept as classes of their own; --label-map {first}={last} makes them one")
        }));
        let of = |groups: &BTreeMap<String, BTreeMap<String, usize>>| {
            groups.iter().flat_map(|(own, spelt)| spelt.keys().map(|l| (l.clone(), named[&key(own, spelt)].clone()))).collect()
        };
        (self.groups.iter().map(of).collect(), notes)
    }

    /// The name of a class: one that the map gives, the spelling that occurs most, or of several words their noun.
    fn name(&self, spelt: &BTreeMap<String, usize>) -> String {
        if let Some(given) = spelt.keys().find(|l| self.given.contains(l.as_str())) {
            return given.clone();
        }
        let words: BTreeSet<String> = spelt.keys().map(|l| folded(l)).collect();
        let lower = |l: &str| !l.chars().any(char::is_uppercase);
        let most = spelt.iter().max_by_key(|(l, n)| (**n, lower(l))).map(|(l, _)| l.clone()).unwrap_or_default();
        let shared = spelt.keys().find_map(|l| noun(l)).filter(|_| words.len() > 1);
        shared.map_or(most, String::from)
    }
}

/// Spellings of a name that the map gives join it, if it is the only one of its group.
fn join_given(groups: &mut BTreeMap<String, BTreeMap<String, usize>>, given: &BTreeSet<&str>) {
    let mut by_spelling: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    given.iter().filter(|g| groups.contains_key(&format!("given {g}"))).for_each(|g| by_spelling.entry(spelling(g)).or_default().push(g));
    for (spelling, names) in by_spelling {
        if let ([only], Some(others)) = (names.as_slice(), groups.remove(&spelling)) {
            groups.entry(format!("given {only}")).or_default().extend(others);
        }
    }
}

fn noun_is(label: &str, wanted: &str) -> bool {
    noun(label) == Some(wanted)
}

fn merged(spelt: &BTreeMap<String, usize>, name: &str) -> String {
    let told = spelt.iter().map(|(label, n)| format!("{label:?} ({n})")).collect::<Vec<_>>().join(", ");
    format!("labels {told} are one class, {name}; --label-map OLD=NEW says otherwise")
}

/// Refuses labels that are measurements; tells of classes that are called by numbers.
///
/// # Errors
/// [`Error::Data`] with how to learn numbers.
pub(crate) fn numbers(corpus: &Corpus) -> Result<Option<String>> {
    let labels = corpus.labels();
    let values: Option<Vec<f64>> = labels.iter().map(|l| number(l)).collect();
    let Some(values) = values.filter(|v| !v.is_empty()) else { return Ok(None) };
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let what = format!("the labels are numbers, {} different ones from {low} to {high}", values.len());
    match values.len() > NUMBERED || values.iter().any(|v| v.fract() != 0.0) {
        true => Err(Error::Data(format!("{what}: no classes; --target label learns the number itself"))),
        false => Ok(Some(format!("{what}, and taken for classes; --target label learns the number itself"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Utterance, merge, parse_label_map};

    fn corpus(name: &str, labels: &[(&str, usize)]) -> Corpus {
        let one = |label: &str| Utterance { label: label.into(), ..Utterance::default() };
        let utterances = labels.iter().flat_map(|(l, n)| std::iter::repeat_n(one(l), *n)).collect();
        Corpus { name: name.into(), utterances, ..Corpus::default() }
    }

    fn merging(corpora: &[&[(&str, usize)]], map: &str) -> (String, String) {
        let corpora = corpora.iter().enumerate().map(|(i, labels)| corpus(&i.to_string(), labels)).collect();
        let merged = merge(corpora, &parse_label_map(map).unwrap()).unwrap();
        (merged.labels().join(","), merged.notes.join("; "))
    }

    #[test]
    fn spellings_of_a_label_are_one_class() {
        let (labels, notes) = merging(&[&[("angry", 2), ("ANGRY", 1), ("Angry", 3), ("angry ", 2), ("Sad", 2)]], "");
        assert_eq!(labels, "Sad,angry");
        assert!(notes.contains("\"ANGRY\" (1), \"Angry\" (3), \"angry\" (4)") && notes.contains("one class, angry"), "{notes}");
        assert_eq!(merging(&[&[("happy", 9), ("happiness", 1), ("hap", 1), ("ang", 2)]], "").0, "ang,happiness");
        assert_eq!(merging(&[&[("wütend", 2), ("wu\u{308}tend", 1), ("very bad", 1), ("Very_Bad", 2)]], "").0, "Very_Bad,wütend");
        assert_eq!(merging(&[&[("1", 2), ("1.0", 1), ("2", 1)]], "").0, "1,2");
        let (labels, notes) = merging(&[&[("calm", 1), ("neutral", 1)]], "");
        assert!(labels == "calm,neutral" && notes.is_empty(), "{notes}");
    }

    #[test]
    fn two_words_of_a_corpus_are_two_classes_unless_told() {
        let (labels, notes) = merging(&[&[("joy", 1), ("happiness", 1), ("sad", 1)]], "");
        assert!(labels == "happiness,joy,sad" && notes.contains("--label-map happiness=joy"), "{labels}; {notes}");
        assert_eq!(merging(&[&[("joy", 1), ("happiness", 1), ("sad", 1)]], "happiness=joy").0, "joy,sad");
        assert_eq!(merging(&[&[("Angry", 1), ("angry", 1), ("sad", 1)]], "Angry=Angry,angry=angry").0, "Angry,angry,sad");
        assert_eq!(merging(&[&[("Angry", 1), ("wut", 1), ("ANGRY", 1)]], "wut=anger").0, "anger");
        assert_eq!(merging(&[&[("Angry", 1), ("sad", 1)]], "angry=").0, "sad");
    }

    #[test]
    fn corpora_meet_at_their_nouns() {
        let (labels, notes) = merging(&[&[("anger", 1), ("happiness", 2)], &[("Wut", 1), ("Freude", 2)], &[("angry", 1)]], "");
        assert!(labels == "anger,happiness" && notes.contains("\"Freude\" (2)"), "{labels}; {notes}");
        assert_eq!(merging(&[&[("angry", 1), ("sad", 1)], &[("angry", 1)]], "").0, "angry,sad");
        assert_eq!(merging(&[&[("joy", 1), ("happy", 1)], &[("happiness", 1)]], "").0, "happiness,joy");
        assert_eq!(merging(&[&[("happiness", 1)], &[("joy", 1)]], "happiness=fun").0, "fun,joy");
        assert_eq!(merging(&[&[("a", 1)], &[("b", 1)]], "a=joy,b=happiness").0, "happiness,joy");
        let classes = ["anger".to_string(), "fun".into()];
        assert_eq!(
            (class_of("ANGRY", &classes), class_of("Wut", &classes), class_of("x", &classes)),
            (Some(&classes[0]), Some(&classes[0]), None)
        );
    }

    #[test]
    fn numbers_are_no_classes() {
        for (labels, refused, told) in [
            (&[("1.94", 1), ("2,5", 1)][..], true, false),
            (&[("0", 1), ("1", 1), ("6", 1)], false, true),
            (&[("0", 1), ("angry", 1)], false, false),
        ] {
            let said = numbers(&corpus("x", labels));
            assert_eq!((said.is_err(), said.is_ok_and(|n| n.is_some())), (refused, told), "{labels:?}");
        }
        let many: Vec<String> = (0..20).map(|i| i.to_string()).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|l| (l.as_str(), 1)).collect();
        assert!(numbers(&corpus("x", &many)).unwrap_err().to_string().contains("--target label"));
    }
}
