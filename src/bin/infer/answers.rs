//! From recordings to printed answers: at once, or when all are heard and their statistics are known.

use crate::args::Args;
use crate::fared::Fared;
use crate::inputs::{self, Item};
use crate::print::{Printer, Row};
use anyhow::{Context as _, Result, bail};
use emotone::graph::Shape;
use emotone::nn::{Weights, file};
use emotone::train::adapt::Adaptation;
use emotone::train::ensemble::{Ensemble, Heard, combine};
use emotone::train::predictor::Prediction;
use std::ops::Range;

/// Recordings decoded and heard at once.
const AT_ONCE: usize = 64;
/// From so many recordings on it is said what adaptation would change.
const MANY: usize = 30;

/// A recording or window that was heard.
struct Part {
    item: usize,
    window: Option<(f64, f64)>,
}

/// What a model makes of recordings.
struct Answers<'a> {
    model: &'a mut Ensemble,
    args: &'a Args,
    items: &'a [Item],
    parts: Vec<Part>,
    /// The members' logits of each part.
    heard: Heard,
    embeddings: Weights,
}

/// Prints what the model says of every recording; the number of those that could not be used.
pub fn print(model: &mut Ensemble, args: &Args) -> Result<usize> {
    if args.inputs.is_empty() {
        bail!("no recordings: name files, folders or manifests, or - for standard input");
    }
    let saved = args.adapt_from.as_ref().map(|path| saved(model, path)).transpose()?;
    if args.adapts() {
        model.adaptable()?;
    }
    let (items, mut bad) = inputs::collect(&args.inputs)?;
    let classes = model.classes().to_vec();
    let mut printer = Printer::new(args.format, &classes, model.says_numbers());
    let mut fared = Fared::new(model);
    let mut answers = Answers { model, args, items: &items, parts: Vec::new(), heard: Vec::new(), embeddings: Weights::new() };
    for start in (0..items.len()).step_by(AT_ONCE) {
        let before = answers.parts.len();
        bad += answers.hear(start..items.len().min(start + AT_ONCE))?;
        if !args.adapts() {
            answers.say(before..answers.parts.len(), saved.as_ref(), &mut printer, &mut fared)?;
        }
    }
    if args.adapts() && !answers.parts.is_empty() {
        let own = answers.statistics()?;
        if let Some(path) = &args.adapt_save {
            own.write(path)?;
        }
        answers.say(0..answers.parts.len(), Some(&own), &mut printer, &mut fared)?;
    }
    printer.finish()?;
    if let Some(path) = &args.embeddings {
        file::write(path, &answers.embeddings, &file::Metadata::new())?;
    }
    fared.print(args, &classes)?;
    answers.hint()?;
    Ok(bad)
}

/// Statistics of earlier recordings by the same models.
fn saved(model: &Ensemble, path: &std::path::Path) -> Result<Adaptation> {
    let saved = Adaptation::read(path)?;
    model.fits(&saved).with_context(|| path.display().to_string())?;
    Ok(saved)
}

impl Answers<'_> {
    /// Hears some of the recordings; the number of those that could not be used.
    fn hear(&mut self, items: Range<usize>) -> Result<usize> {
        let all = items.len();
        let read = |i: usize| self.items[i].load().inspect_err(|e| eprintln!("error: {e}")).ok().map(|samples| (i, samples));
        let clips: Vec<(usize, Vec<f32>)> = items.filter_map(read).collect();
        if self.args.embeddings.is_some() {
            let samples: Vec<&Vec<f32>> = clips.iter().map(|(_, s)| s).collect();
            for ((i, _), v) in clips.iter().zip(self.model.embeddings(&samples)?) {
                self.embeddings.insert(self.items[*i].name.clone(), (Shape(vec![v.len()]), v));
            }
        }
        let mut samples: Vec<&[f32]> = Vec::new();
        for (item, clip) in &clips {
            for (from, to, part) in self.args.windows(clip) {
                self.parts.push(Part { item: *item, window: self.args.window.map(|_| (from, to)) });
                samples.push(part);
            }
        }
        let heard = self.model.hear(&samples)?;
        self.heard.resize(heard.len(), Vec::new());
        self.heard.iter_mut().zip(heard).for_each(|(all, new)| all.extend(new));
        Ok(all - clips.len())
    }

    fn speakers(&self, parts: Range<usize>) -> Vec<Option<&str>> {
        self.parts[parts].iter().map(|part| self.items[part.item].speaker.as_deref()).collect()
    }

    /// Statistics of all that was heard.
    fn statistics(&self) -> Result<Adaptation> {
        Ok(self.model.statistics(&self.heard, &self.speakers(0..self.parts.len()))?)
    }

    /// What each member says of some parts.
    fn opinions(&self, parts: Range<usize>, adaptation: Option<&Adaptation>) -> Vec<Vec<Prediction>> {
        let own: Heard = self.heard.iter().map(|of| of[parts.clone()].to_vec()).collect();
        match adaptation {
            Some(adaptation) => self.model.opinions(&self.model.adapted(&own, adaptation, &self.speakers(parts))),
            None => self.model.opinions(&own),
        }
    }

    /// Prints what the model says of some parts, and keeps how labelled recordings fared.
    fn say(&self, parts: Range<usize>, adaptation: Option<&Adaptation>, printer: &mut Printer, fared: &mut Fared) -> Result<()> {
        let opinions = self.opinions(parts.clone(), adaptation);
        let answers = combine(&opinions);
        for (i, (part, prediction)) in self.parts[parts].iter().zip(&answers).enumerate() {
            let item = &self.items[part.item];
            printer.row(&Row { name: &item.name, window: part.window, prediction })?;
            if let Some(label) = item.label.as_deref().filter(|_| part.window.is_none()) {
                fared.add(label, i, &answers, &opinions);
            }
        }
        Ok(())
    }

    /// Says how many answers to many recordings adaptation would change.
    fn hint(&self) -> Result<()> {
        let adapted = self.args.adapts() || self.args.adapt_from.is_some();
        if self.items.len() < MANY || self.args.quiet || adapted || self.model.adaptable().is_err() {
            return Ok(());
        }
        let all = 0..self.parts.len();
        let own = self.statistics()?;
        let (before, after) = (combine(&self.opinions(all.clone(), None)), combine(&self.opinions(all, Some(&own))));
        let changed = before.iter().zip(&after).filter(|(a, b)| a.class != b.class).count();
        eprintln!(
            "--adapt, which centres answers by these recordings' own unlabelled statistics, would change {changed} of {}",
            before.len()
        );
        Ok(())
    }
}
