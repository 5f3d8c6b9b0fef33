//! The questions that the paper's experiments ask, and what the runs here answer.

use crate::experiment::{FROZEN, SINGLE, TUNED};
use crate::runs::{Outcome, Outcomes};
use crate::significance::{Difference, Pair, difference};

/// A comparison of two setups.
pub struct Answer {
    /// In words: who against whom.
    pub what: String,
    pub difference: Option<Difference>,
    /// Runs compared.
    pub runs: usize,
}

impl Answer {
    /// A sentence.
    pub fn text(&self) -> String {
        let Some(d) = self.difference else { return format!("{}: not run", self.what) };
        let verdict = match (d.stands(), d.mean > 0.0) {
            (true, true) => "better, and the difference stands",
            (true, false) => "worse, and the difference stands",
            (false, _) => "no difference that stands",
        };
        let runs = if self.runs == 1 { "one pair of runs".to_string() } else { format!("{} pairs of runs", self.runs) };
        format!("{}: {:+.3} UAR [{:+.3}, {:+.3}] over {runs}: {verdict}", self.what, d.mean, d.low, d.high)
    }
}

/// How `second` does against `first`, on the seeds and splits that both have.
pub fn compare(what: &str, outcomes: &Outcomes, first: &str, second: &str) -> Answer {
    let none = Vec::new();
    let of = |key: &str| outcomes.get(key).unwrap_or(&none);
    let partner = |a: &Outcome| of(second).iter().find(|b| (b.seed, b.split) == (a.seed, a.split));
    let pairs: Vec<Pair> =
        of(first).iter().filter_map(|a| Some(Pair { split: a.split, answers: [&a.predictions, &partner(a)?.predictions] })).collect();
    Answer { what: what.into(), difference: difference(&pairs, 1), runs: pairs.len() }
}

/// The paper's claims, put to the runs that were made.
pub fn questions(outcomes: &Outcomes, names: &[(String, String)]) -> Vec<Answer> {
    let mut all = Vec::new();
    if outcomes.contains_key(SINGLE) {
        all.push(compare("Multi task (CNN frozen, as published) against single task", outcomes, SINGLE, FROZEN));
        all.push(compare("Multi task with everything trained in the end, against single task", outcomes, SINGLE, TUNED));
    }
    for share in ["0.08", "0.16", "0.24", "0.36"] {
        let (plain, horizontal) = (format!("mixup-{share}"), format!("horizontal-{share}-a0.05-b1.25"));
        if outcomes.contains_key(&plain) {
            all.push(compare(&format!("Horizontal Mixup against Mixup, {share} of the images"), outcomes, &plain, &horizontal));
        }
    }
    if outcomes.contains_key("mixup-0.3") {
        all.push(compare("Horizontal Mixup against Mixup, 0.3 of the images", outcomes, "mixup-0.3", TUNED));
        all.push(compare("Horizontal Mixup (0.3) against no mixing", outcomes, "unmixed", TUNED));
    }
    let others = names.iter().filter(|(key, _)| !key.starts_with("res_trans"));
    for (key, name) in others {
        all.push(compare(&format!("Res-Trans (everything trained) against {name}"), outcomes, key, TUNED));
    }
    all
}
