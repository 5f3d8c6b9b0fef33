//! How labelled recordings fared, with one model and with several.

use anyhow::Result;
use emotone::data::same_emotion;
use emotone::text::printable;
use emotone::train::metrics::Confusion;
use emotone::train::report;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Classes of recordings, and what was said of them together and by each member.
pub struct Fared {
    names: Vec<String>,
    classes: Vec<String>,
    truth: Vec<usize>,
    together: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// Recordings by labels that are taken for classes of other names.
    taken: BTreeMap<(String, usize), usize>,
    /// Labelled recordings that are not measured, by what keeps them from it.
    left_out: BTreeMap<String, usize>,
}

impl Fared {
    /// Of members of these names, before the first recording.
    pub fn new(names: Vec<String>, classes: &[String]) -> Self {
        let members = vec![Vec::new(); names.len()];
        let (truth, together, taken, left_out) = (Vec::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
        Fared { names, classes: classes.to_vec(), truth, together, members, taken, left_out }
    }

    /// Takes what was said of a recording of this label, together and by each member.
    pub fn add(&mut self, label: &str, together: usize, members: impl Iterator<Item = usize>) {
        let Some(truth) = self.class_of(label) else {
            return self.leave_out(format!("{} is not among the classes", printable(label)));
        };
        if self.classes[truth] != label {
            *self.taken.entry((label.into(), truth)).or_default() += 1;
        }
        self.truth.push(truth);
        self.together.push(together);
        self.members.iter_mut().zip(members).for_each(|(of, said)| of.push(said));
    }

    /// The class of this name, or the only one that is the same emotion in other words.
    fn class_of(&self, label: &str) -> Option<usize> {
        let mut same = (0..self.classes.len()).filter(|&c| same_emotion(&self.classes[c], label));
        let only = same.next().filter(|_| same.next().is_none());
        self.classes.iter().position(|c| c == label).or(only)
    }

    /// Counts a labelled recording that is not measured.
    pub fn leave_out(&mut self, why: impl Into<String>) {
        *self.left_out.entry(why.into()).or_default() += 1;
    }

    /// The matrix, what several models gain over each alone, and what was left out; nothing where no recording has a label.
    pub fn report(&self, adapted: &str) -> Result<String> {
        let mut text = String::new();
        if !self.truth.is_empty() {
            let matrix = Confusion::from_pairs(&self.classes, &self.truth, &self.together)?;
            let _ = writeln!(text, "{adapted}\n{}", report::terminal(&matrix, report::colour_terminal()));
            for (name, v) in [("UAR", matrix.uar()), ("WA", matrix.accuracy()), ("macro F1", matrix.macro_f1())] {
                let _ = v.map(|v| writeln!(text, "{name} {v:.3}"));
            }
        }
        for ((label, class), n) in &self.taken {
            let _ = writeln!(text, "{} is taken for {}: {n} recordings", printable(label), printable(&self.classes[*class]));
        }
        let out: usize = self.left_out.values().sum();
        if out > 0 {
            let mut reasons: Vec<(&String, &usize)> = self.left_out.iter().collect();
            reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            let why: Vec<String> = reasons.iter().map(|(why, n)| format!("{n}: {why}")).collect();
            let _ = writeln!(text, "{out} of {} labelled recordings are not measured ({})", out + self.truth.len(), why.join("; "));
        }
        if self.names.len() > 1 && !self.truth.is_empty() {
            self.gain(&mut text)?;
        }
        Ok(text)
    }

    /// What several models gain over each alone.
    fn gain(&self, text: &mut String) -> Result<()> {
        let uar = |said: &[usize]| -> Result<f64> { Ok(Confusion::from_pairs(&self.classes, &self.truth, said)?.uar().unwrap_or(0.0)) };
        let each = self.members.iter().map(|said| uar(said)).collect::<Result<Vec<f64>>>()?;
        for (name, uar) in self.names.iter().zip(&each) {
            let _ = writeln!(text, "UAR {uar:.3} of {} alone", printable(name));
        }
        let (best, mean) = (each.iter().fold(0.0, |m: f64, u| m.max(*u)), each.iter().sum::<f64>() / each.len() as f64);
        let together = uar(&self.together)?;
        let _ = writeln!(
            text,
            "{} models together gain {:+.3} over the best and {:+.3} over the mean",
            each.len(),
            together - best,
            together - mean
        );
        Ok(())
    }
}
