//! How much recordings count in the loss, by a column of their manifest.

use super::{Utterance, emotions::number};

/// The column.
pub const WEIGHT: &str = "weight";

/// The weight of each utterance, 1 where it has none, and what to tell of them. None where they are all the same, or where a cell is no weight.
pub fn weights(utterances: &[Utterance]) -> (Option<Vec<f32>>, Option<String>) {
    let weight = |u: &Utterance| match u.column(WEIGHT) {
        None => Ok(1.0),
        Some(text) => number(text).map(|w| w as f32).filter(|w| (0.0..=1e6).contains(w)).ok_or((text.to_string(), u.name())),
    };
    let all: Vec<f32> = match utterances.iter().map(weight).collect() {
        Ok(all) => all,
        Err((text, name)) => {
            let why = format!("column {WEIGHT:?} is not used: {text:?} of {name} is no weight, which is a number from 0 on");
            return (None, Some(why));
        }
    };
    let (least, most) = all.iter().fold((f32::MAX, f32::MIN), |(l, m), &w| (l.min(w), m.max(w)));
    if least >= most {
        return (None, None);
    }
    let note = format!(
        "recordings count in training by column {WEIGHT:?}, from {least} to {most}; tests count them alike (rename the column if it means something else)"
    );
    (Some(all), Some(note))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> (Option<Vec<f32>>, Option<String>) {
        let row = |cell: &&str| {
            let extra = if cell.is_empty() { Default::default() } else { [(WEIGHT.to_string(), cell.to_string())].into() };
            Utterance { path: "a.wav".into(), extra, ..Utterance::default() }
        };
        weights(&cells.iter().map(row).collect::<Vec<_>>())
    }

    #[test]
    fn weights_are_numbers_that_differ() {
        let (found, note) = of(&["2", "", "0,5", "0"]);
        assert_eq!(found, Some(vec![2.0, 1.0, 0.5, 0.0]));
        assert!(note.unwrap().contains("from 0 to 2"));
        assert_eq!(of(&["", "1", "1.0"]), (None, None));
        assert_eq!(of(&["3", "3"]), (None, None));
        for bad in ["70 kg", "-1", "nan", "inf"] {
            let (found, note) = of(&["2", bad]);
            assert!(found.is_none() && note.unwrap().contains("a.wav is no weight"), "{bad}");
        }
    }
}
