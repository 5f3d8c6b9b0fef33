//! What folds would come to with each test speaker's own unlabelled clips at hand: a protocol of its own, beside the strict one that knows nothing of
//! test speakers. It is the first step of `infer --adapt`, without the other speakers' recordings.

use super::group::Group;
use super::metrics::argmax;
use super::predictions::{Answer, Predictions};
use super::recipe::Recipe;
use std::collections::BTreeMap;

/// The answers of a fold, each speaker's centred by their own clips. Logits are those of the probabilities, which a softmax cannot tell from the
/// network's. `None` where no speaker is known, for numbers, and where no centre was found.
pub fn enrolled<'a>(
    recipe: &Recipe,
    task: &str,
    predictions: &Predictions,
    speaker: &dyn Fn(&str) -> Option<&'a str>,
) -> Option<Predictions> {
    let centre: Vec<f64> = recipe.calibration.get(task)?.centre.iter().map(|&c| f64::from(c)).collect();
    if centre.len() != predictions.outputs.len() || centre.len() < 2 {
        return None;
    }
    let logits: Vec<Vec<f32>> = predictions.rows.iter().map(|row| recipe.logits_of(task, &row.values)).collect();
    let mut own: BTreeMap<&str, Vec<&[f32]>> = BTreeMap::new();
    for (row, logits) in predictions.rows.iter().zip(&logits) {
        speaker(&row.clip).into_iter().for_each(|s| own.entry(s).or_default().push(logits));
    }
    let lies: BTreeMap<&str, Vec<f64>> = own.into_iter().map(|(s, own)| (s, Group::of(own).drawn_to(&centre))).collect();
    let row = |(row, logits): (&Answer, &Vec<f32>)| {
        let Some(lies) = speaker(&row.clip).and_then(|s| lies.get(s)) else { return row.clone() };
        let shifted: Vec<f32> =
            logits.iter().zip(lies.iter().zip(&centre)).map(|(l, (lies, c))| (f64::from(*l) - (lies - c)) as f32).collect();
        let values = recipe.answer(task, &shifted);
        Answer { prediction: predictions.outputs[argmax(&values)].clone(), values, ..row.clone() }
    };
    let rows = predictions.rows.iter().zip(&logits).map(row).collect();
    (!lies.is_empty()).then(|| Predictions { outputs: predictions.outputs.clone(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::calibration::Calibration;
    use crate::train::config::Config;

    /// Two speakers whose logits are off by opposite constants: strictly each is answered with one class, enrolled both are right.
    #[test]
    fn each_speaker_is_centred_by_their_own_clips() {
        let mut config = Config::preset("tiny").unwrap();
        config.set("train.stages=single").unwrap();
        let outputs: Vec<String> = ["joy", "fear"].map(String::from).into();
        let mut recipe = Recipe::untrained(config, &outputs, &[]).unwrap();
        let found = |temperature| Calibration { temperature, centre: vec![2.0, 2.0], clips: 9, ece_before: None, ece: None };
        let said = |recipe: &Recipe| {
            let row = |i: usize| {
                let (speaker, truth) = (i / 40, i % 2);
                let off = if speaker == 0 { 3.0 } else { -3.0 };
                let logits: Vec<f32> = (0..2).map(|k| if k == truth { 1.0 } else { 0.0 } + if k == 0 { off } else { 0.0 }).collect();
                let values = recipe.answer("emotion", &logits);
                let prediction = outputs[argmax(&values)].clone();
                Answer { clip: format!("s{speaker}/{i}"), truth: outputs[truth].clone(), prediction, values }
            };
            Predictions { outputs: outputs.clone(), rows: (0..80).map(row).collect() }
        };
        let right = |p: &Predictions| p.rows.iter().filter(|r| r.truth == r.prediction).count();
        let speaker = |clip: &str| if clip.starts_with("s0") { Some("s0") } else { Some("s1") };
        for temperature in [0.5, 2.0] {
            recipe.calibration.insert("emotion".into(), found(temperature));
            let strict = said(&recipe);
            let enrolled = |who: &dyn Fn(&str) -> Option<&'static str>| enrolled(&recipe, "emotion", &strict, who);
            assert_eq!((right(&strict), right(&enrolled(&speaker).unwrap())), (40, 80));
            // 40 / 45 of what a speaker is off by is taken away, whatever the temperature.
            let first = &enrolled(&speaker).unwrap().rows[0].values;
            let wanted = recipe.answer("emotion", &[1.0 + 3.0 - 40.0 / 45.0 * (3.5 - 2.0), 40.0 / 45.0 * (2.0 - 0.5)]);
            assert!((first[0] - wanted[0]).abs() < 1e-5, "{first:?}, wanted {wanted:?}");
            // Whom nobody knows nothing is known of.
            assert_eq!(enrolled(&|clip| (!clip.starts_with("s0")).then_some("s1")).map(|p| right(&p)), Some(60));
            assert_eq!(enrolled(&|_| None), None);
        }
        let strict = said(&recipe);
        recipe.calibration.clear();
        assert_eq!(enrolled(&recipe, "emotion", &strict, &speaker), None);
    }
}
