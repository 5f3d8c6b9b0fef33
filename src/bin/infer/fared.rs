//! How labelled recordings fared, with one model and with several.

use crate::args::{Args, Format};
use anyhow::Result;
use emotone::train::ensemble::Ensemble;
use emotone::train::metrics::Confusion;
use emotone::train::predictor::Prediction;

/// Classes of recordings, and what was said of them together and by each member.
pub struct Fared {
    names: Vec<String>,
    truth: Vec<usize>,
    together: Vec<usize>,
    members: Vec<Vec<usize>>,
}

impl Fared {
    /// Of the members of an ensemble, before the first recording.
    pub fn new(model: &Ensemble) -> Self {
        let names: Vec<String> = model.names().into_iter().map(String::from).collect();
        Fared { truth: Vec::new(), together: Vec::new(), members: vec![Vec::new(); names.len()], names }
    }

    /// Takes what was said of clip `i` of class `truth`.
    pub fn add(&mut self, truth: usize, i: usize, answers: &[Prediction], opinions: &[Vec<Prediction>]) {
        self.truth.push(truth);
        self.together.push(answers[i].class);
        self.members.iter_mut().zip(opinions).for_each(|(of, said)| of.push(said[i].class));
    }

    /// Prints the matrix, and what several models gain over each alone; as text only.
    pub fn print(&self, args: &Args, classes: &[String]) -> Result<()> {
        crate::measured(args, classes, &self.truth, &self.together)?;
        if self.truth.is_empty() || args.format != Format::Text || self.names.len() < 2 {
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
