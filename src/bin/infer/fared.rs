//! How labelled recordings fared, with one model and with several.

use crate::args::{Args, Format};
use anyhow::Result;
use emotone::train::ensemble::Ensemble;
use emotone::train::metrics::Confusion;
use emotone::train::predictor::Prediction;
use emotone::train::report;
use std::collections::BTreeMap;

/// Classes of recordings, and what was said of them together and by each member.
pub struct Fared {
    names: Vec<String>,
    classes: Vec<String>,
    truth: Vec<usize>,
    together: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// Recordings of labels that are none of the classes.
    others: BTreeMap<String, usize>,
}

impl Fared {
    /// Of the members of an ensemble, before the first recording.
    pub fn new(model: &Ensemble) -> Self {
        let names: Vec<String> = model.names().into_iter().map(String::from).collect();
        let members = vec![Vec::new(); names.len()];
        Fared { names, classes: model.classes().to_vec(), truth: Vec::new(), together: Vec::new(), members, others: BTreeMap::new() }
    }

    /// Takes what was said of clip `i` of these, which is labelled so.
    pub fn add(&mut self, label: &str, i: usize, answers: &[Prediction], opinions: &[Vec<Prediction>]) {
        let Some(truth) = self.classes.iter().position(|c| c == label) else {
            *self.others.entry(label.into()).or_default() += 1;
            return;
        };
        self.truth.push(truth);
        self.together.push(answers[i].class);
        self.members.iter_mut().zip(opinions).for_each(|(of, said)| of.push(said[i].class));
    }

    /// Prints the matrix, and what several models gain over each alone; as text only.
    pub fn print(&self, args: &Args, classes: &[String]) -> Result<()> {
        if !self.truth.is_empty() && args.format == Format::Text {
            if args.adapts() {
                println!("\nadapted with the recordings' own unlabelled statistics");
            } else if let Some(path) = &args.adapt_from {
                println!("\nadapted with the statistics in {}", path.display());
            }
        }
        measured(args, classes, &self.truth, &self.together)?;
        if self.truth.is_empty() || args.format != Format::Text {
            return Ok(());
        }
        if !self.others.is_empty() {
            let labels: Vec<String> = self.others.iter().map(|(label, n)| format!("{label} {n}")).collect();
            println!("{} recordings of other labels are not measured: {}", self.others.values().sum::<usize>(), labels.join(", "));
        }
        if self.names.len() < 2 {
            return Ok(());
        }
        let uar = |said: &[usize]| -> Result<f64> { Ok(Confusion::from_pairs(classes, &self.truth, said)?.uar().unwrap_or(0.0)) };
        let each = self.members.iter().map(|said| uar(said)).collect::<Result<Vec<f64>>>()?;
        self.names.iter().zip(&each).for_each(|(name, uar)| println!("UAR {uar:.3} of {name} alone"));
        let (best, mean) = (each.iter().fold(0.0, |m: f64, u| m.max(*u)), each.iter().sum::<f64>() / each.len() as f64);
        let together = uar(&self.together)?;
        println!("{} models together gain {:+.3} over the best and {:+.3} over the mean", each.len(), together - best, together - mean);
        Ok(())
    }
}

/// Prints how the labelled inputs fared, as text.
pub fn measured(args: &Args, classes: &[String], truth: &[usize], predicted: &[usize]) -> Result<()> {
    if truth.is_empty() || args.format != Format::Text {
        return Ok(());
    }
    let matrix = Confusion::from_pairs(classes, truth, predicted)?;
    println!("\n{}", report::terminal(&matrix, report::colour_terminal()));
    for (name, v) in [("UAR", matrix.uar()), ("WA", matrix.accuracy()), ("macro F1", matrix.macro_f1())] {
        if let Some(v) = v {
            println!("{name} {v:.3}");
        }
    }
    Ok(())
}
