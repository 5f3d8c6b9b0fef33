//! Words for emotions: which of them are forms of one word, and which noun corpora share for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Nouns and the forms of words that have them.
static WORDS: LazyLock<HashMap<String, Known>> = LazyLock::new(|| entries().map(|(form, known)| (folded(form), known)).collect());

/// Forms of words, each with what it is known as, as `emotions.txt` lists them: a line that begins with a space goes on.
fn entries() -> impl Iterator<Item = (&'static str, Known)> {
    let lines = include_str!("emotions.txt").lines().filter(|line| !line.starts_with('#'));
    let words = lines.scan("", |noun, line| {
        let forms = match line.split_once(':') {
            Some((own, forms)) => {
                *noun = own;
                forms
            }
            None => line,
        };
        Some(forms.split('|').map(|forms| (*noun, forms)).collect::<Vec<_>>())
    });
    let words = words.flatten().filter(|(_, forms)| !forms.trim().is_empty());
    words.enumerate().flat_map(|(word, (noun, forms))| forms.split_whitespace().map(move |form| (form, Known { noun, word })))
}

/// A word as words are compared: without capitals and accents, and with one underscore for what stands between its parts.
pub(super) fn folded(word: &str) -> String {
    let plain: String = word.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).flat_map(char::to_lowercase).collect();
    let plain = plain.replace('ß', "ss").replace('ł', "l").replace('ı', "i").replace('ø', "o");
    let parts: Vec<&str> = plain.split(|c: char| c.is_whitespace() || c == '_' || c == '-').filter(|p| !p.is_empty()).collect();
    parts.join("_").nfc().collect()
}

/// What a word is known as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The noun that corpora share.
    pub(super) noun: &'static str,
    /// The number of the word of which this is a form.
    word: usize,
}

/// What `word` is known as, if it is one for an emotion.
pub(super) fn known(word: &str) -> Option<Known> {
    WORDS.get(&folded(word)).copied()
}

/// The noun that corpora share for an emotion word, form of one or common abbreviation: `anger` for angry, Wut or ang.
pub fn noun(word: &str) -> Option<&'static str> {
    known(word).map(|k| k.noun)
}

/// Whether two class names are one emotion: the same word but for capitals, accents and spaces, or words with the same noun.
pub fn same_emotion(a: &str, b: &str) -> bool {
    folded(a) == folded(b) || noun(a).is_some_and(|n| noun(b) == Some(n))
}

/// By what spellings of one label are known: alike for forms of one word.
pub(super) fn spelling(label: &str) -> String {
    match (known(label), number(label)) {
        (Some(known), _) => format!("word {}", known.word),
        (None, Some(number)) => number.to_string(),
        (None, None) => folded(label),
    }
}

/// A label that is a number, with a point or a comma.
pub(crate) fn number(label: &str) -> Option<f64> {
    label.trim().replace(',', ".").parse::<f64>().ok().filter(|n| n.is_finite())
}

/// The one emotion word among the parts of a name, if there is one: `OAF_angry`, `03-happy`, `Sad (12)`, `annAngry2`.
pub(super) fn word_in(name: &str) -> Option<&str> {
    if known(name).is_some() {
        return Some(name);
    }
    let found: Vec<&str> = parts(name).into_iter().filter(|p| p.len() > 2 && known(p).is_some()).collect();
    let nouns: BTreeSet<&str> = found.iter().filter_map(|p| noun(p)).collect();
    if nouns.len() == 1 { found.first().copied() } else { None }
}

/// The parts of a name: runs of letters, also apart where a capital follows a small letter, and of digits.
pub(super) fn parts(name: &str) -> Vec<&str> {
    let kind = |c: char| if c.is_numeric() { 1 } else { u8::from(!c.is_alphanumeric() && !is_mark(c)) * 2 };
    let (mut parts, mut start, mut last) = (Vec::new(), 0, None::<char>);
    for (at, c) in name.char_indices() {
        let cut = last.is_some_and(|l| kind(l) != kind(c) || (l.is_lowercase() && c.is_uppercase()));
        if cut {
            parts.push(&name[start..at]);
            start = at;
        }
        last = Some(c);
    }
    parts.push(&name[start..]);
    parts.retain(|p| p.chars().any(char::is_alphanumeric));
    parts
}

/// Marks that belong to the letter before them, as macOS writes accents and Devanagari its vowels.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one() {
        for (word, want) in [
            ("Angry", "anger"),
            ("ANGRY ", "anger"),
            ("ang", "anger"),
            ("Wütend", "anger"),
            ("wu\u{308}tend", "anger"),
            ("colère", "anger"),
            ("Злость", "anger"),
            ("злой", "anger"),
            ("生气", "anger"),
            ("怒り", "anger"),
            ("Happy", "happiness"),
            ("Freude", "happiness"),
            ("幸せ", ""),
            ("tristeza", "sadness"),
            ("üzgün", "sadness"),
            ("Öfke", "anger"),
            ("złość", "anger"),
            ("θυμός", "anger"),
            ("pleasant surprise", "surprise"),
            ("Pleasant-Surprised", "surprise"),
            ("ａｎｇｒｙ", "anger"),
            ("उदास", "sadness"),
            ("غضب", "anger"),
            ("ann", ""),
            ("", ""),
            ("speaker", ""),
            ("anger management", ""),
        ] {
            assert_eq!(noun(word).unwrap_or(""), want, "{word}");
        }
        assert!(spelling("happy") == spelling("Happiness") && spelling("happy") != spelling("joy") && same_emotion("joy", "HAPPY"));
        assert!(spelling("Stress ed") == spelling("stress_ed") && !same_emotion("calm", "neutral"));
        assert_eq!((spelling("1"), spelling("1.0")), ("1".into(), "1".into()));
    }

    #[test]
    fn no_form_stands_for_two_emotions() {
        let all: Vec<(String, &str)> = entries().map(|(form, known)| (folded(form), known.noun)).collect();
        assert!(all.len() > 250, "{}", all.len());
        let twice: Vec<_> = all.iter().enumerate().filter(|(i, (form, _))| all[..*i].iter().any(|(f, _)| f == form)).collect();
        assert!(twice.is_empty(), "listed twice: {twice:?}");
        let lost: Vec<_> = all.iter().filter(|(form, noun)| super::noun(form) != Some(*noun)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn words_are_found_in_names() {
        for (name, want) in [
            ("OAF_angry", "angry"),
            ("03-happy", "happy"),
            ("Sad (12)", "Sad"),
            ("annAngry2", "Angry"),
            ("angry_happy", ""),
            ("ann_3", ""),
            ("ps", "ps"),
            ("OAF_ps", ""),
            ("pleasant surprise", "pleasant surprise"),
            ("女_生气_01", "生气"),
            ("angry-ang", "angry"),
            ("wu\u{308}tend_2", "wu\u{308}tend"),
        ] {
            assert_eq!(word_in(name).unwrap_or(""), want, "{name}");
        }
    }
}
