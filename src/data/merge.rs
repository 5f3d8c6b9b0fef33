//! Several corpora made one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Corpus, LabelMap, Utterance, emotions::folded, labels};
use crate::{Error, Result};

/// Makes one corpus of several, applies the label map, and makes one class of each label's spellings.
///
/// With more than one corpus, speakers become `corpus/speaker`, so that speakers of different corpora never share a name;
/// corpora of the same name are numbered. The column `corpus` keeps the origin.
///
/// # Errors
/// [`Error::Data`] where there is no corpus, the map names a label nobody has, or nothing is left.
pub fn merge(mut corpora: Vec<Corpus>, label_map: &LabelMap) -> Result<Corpus> {
    let labels = labels::settle(&mut corpora, label_map)?;
    let (many, dropped) = (corpora.len() > 1, label_map.values().any(String::is_empty));
    let mut out = Corpus::default();
    let mut names: Vec<String> = Vec::new();
    for corpus in corpora {
        let repeats = names.iter().filter(|n| n.split('#').next() == Some(&corpus.name)).count();
        let name = if repeats == 0 { corpus.name.clone() } else { format!("{}#{}", corpus.name, repeats + 1) };
        for mut u in corpus.utterances {
            if u.label.is_empty() && dropped {
                continue;
            }
            if many {
                if !u.speaker.is_empty() {
                    u.speaker = format!("{name}/{}", u.speaker);
                }
                u.extra.insert("corpus".into(), name.clone());
            }
            out.utterances.push(u);
        }
        out.left_out.extend(corpus.left_out);
        out.unread.extend(corpus.unread);
        out.notes.extend(corpus.notes.into_iter().chain(corpus.speaker_notes).map(|n| if many { format!("{name}: {n}") } else { n }));
        names.push(name);
    }
    out.notes.extend(labels);
    out.notes.extend(one_name_per_speaker(&mut out.utterances));
    out.name = names.join("+");
    if out.utterances.is_empty() {
        return Err(Error::Data("no utterances are left".into()));
    }
    Ok(out)
}

/// Gives speakers whose names differ in capitals and spaces alone one name, or one of them might be tested by the voice of another.
fn one_name_per_speaker(utterances: &mut [Utterance]) -> Option<String> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    utterances.iter().for_each(|u| _ = names.entry(folded(&u.speaker)).or_default().insert(u.speaker.clone()));
    names.retain(|_, spelt| spelt.len() > 1);
    for u in utterances.iter_mut() {
        if let Some(first) = names.get(&folded(&u.speaker)).and_then(|spelt| spelt.first()) {
            u.speaker.clone_from(first);
        }
    }
    let first = names.values().next()?;
    let (n, spelt) = (names.len(), first.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(" and "));
    Some(format!("{n} speakers are spelt in several ways and taken for one each, such as {spelt}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_label_map;

    fn corpus(name: &str, rows: &[(&str, &str)]) -> Corpus {
        let utterances = rows.iter().map(|(l, s)| Utterance { label: (*l).into(), speaker: (*s).into(), ..Default::default() }).collect();
        Corpus { name: name.into(), utterances, ..Corpus::default() }
    }

    #[test]
    fn merging_keeps_speakers_apart_and_joins_labels() {
        let map = parse_label_map("happy=happiness, calm=").unwrap();
        let a = corpus("a", &[("happy", "01"), ("calm", "01"), ("anger", "02")]);
        let merged = merge(vec![a.clone(), corpus("b", &[("happiness", "01"), ("anger", "")]), a], &map).unwrap();
        assert_eq!(merged.name, "a+b+a#2");
        assert_eq!(merged.labels(), ["anger", "happiness"]);
        assert_eq!(merged.speakers(), ["a#2/01", "a#2/02", "a/01", "a/02", "b/01"]);
        assert_eq!(merged.utterances.len(), 6);
        assert_eq!(merged.utterances[2].column("corpus"), Some("b"));
        assert_eq!(merged.utterances[3].column("speaker"), None);
        assert_eq!(merged.classes(&merged.labels()).unwrap(), [1, 0, 1, 0, 1, 0]);
        assert!(merged.classes(&["anger".into()]).unwrap_err().to_string().contains("happiness"));
    }

    #[test]
    fn one_corpus_keeps_its_speakers() {
        assert_eq!(merge(vec![corpus("a", &[("x", "01")])], &LabelMap::new()).unwrap().speakers(), ["01"]);
    }

    #[test]
    fn bad_maps_are_refused() {
        for text in ["happy", "=x", "a=b,a=c"] {
            assert!(parse_label_map(text).is_err(), "{text}");
        }
        let map = parse_label_map("joy=happiness").unwrap();
        assert!(merge(vec![corpus("a", &[("happy", "1")])], &map).unwrap_err().to_string().contains("happy"));
        assert!(merge(vec![corpus("a", &[("happy", "1")])], &parse_label_map("happy=").unwrap()).is_err());
        assert!(merge(vec![], &LabelMap::new()).is_err());
    }
}
