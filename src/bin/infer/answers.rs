//! From recordings to records: as they are heard, or when all are heard and their statistics are known.

use crate::args::Args;
use crate::embedded::Embedded;
use crate::fared::Fared;
use crate::flawed::{Flawed, words};
use crate::format::Format;
use crate::inputs::Item;
use crate::print::Printer;
use crate::record::Record;
use crate::tell::tell;
use anyhow::{Context as _, Result};
use emotone::Error;
use emotone::audio::{self, Cutter, Flaw, Piece, WHOLE_S, WINDOW_S};
use emotone::data::LeftOut;
use emotone::text::{self, printable};
use emotone::train::adapt::Adaptation;
use emotone::train::ensemble::{Ensemble, Heard, combine};
use emotone::train::predictor::Prediction;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Recordings and windows heard at once, fewer at first so that answers begin to come, and samples of them: ten minutes.
const AT_FIRST: usize = 8;
const AT_ONCE: usize = 64;
const SAMPLES_AT_ONCE: usize = 600 * audio::SAMPLE_RATE as usize;
/// From so many recordings on it is said what adaptation would change.
const MANY: usize = 30;
/// The most recordings and windows that a model learns from: their embeddings are kept, 0.6 GB of the model in the box, and as much again while it learns.
const LEARNT_FROM: usize = 8192;

/// A recording or a window of one.
struct Part {
    item: usize,
    span: (f64, f64),
    windowed: bool,
    flaws: Vec<Flaw>,
    /// Samples, until they are heard.
    samples: Vec<f32>,
    /// The number of its logits, where it was heard.
    heard: Option<usize>,
    error: Option<String>,
}

/// What a model makes of recordings.
pub struct Answers<'a> {
    model: &'a mut Ensemble,
    args: &'a Args,
    items: &'a [Item],
    /// Statistics of earlier recordings.
    saved: Option<&'a Adaptation>,
    parts: Vec<Part>,
    /// Parts that were sent to the model, and those of which records are written.
    sent: usize,
    said: usize,
    /// What the members made of each part that was heard.
    heard: Heard,
    embedded: Embedded,
    fared: Fared,
    flawed: Flawed,
    /// Recordings that could not be used, and why.
    bad: BTreeMap<usize, String>,
}

impl<'a> Answers<'a> {
    /// Before the first recording.
    pub fn new(model: &'a mut Ensemble, args: &'a Args, items: &'a [Item], saved: Option<&'a Adaptation>) -> Self {
        let names: Vec<String> = model.names().into_iter().map(String::from).collect();
        let none = vec![Vec::new(); names.len()];
        let heard = Heard { logits: none.clone(), embeddings: none };
        let fared = Fared::new(names, model.classes());
        let (parts, embedded, flawed, bad) = (Vec::new(), Embedded::default(), Flawed::default(), BTreeMap::new());
        Answers { model, args, items, saved, parts, sent: 0, said: 0, heard, embedded, fared, flawed, bad }
    }

    /// Answers all; the recordings that could not be used go to `left_out`.
    pub fn run(mut self, printer: &mut Printer, left_out: &mut LeftOut) -> Result<()> {
        for item in 0..self.items.len() {
            self.listen(item, printer)?;
        }
        self.hear()?;
        let own = if self.args.adapts() && !self.heard.logits[0].is_empty() { Some(self.statistics()?) } else { None };
        own.iter().for_each(|own| self.doubt(own));
        if let (Some(own), Some(path)) = (&own, &self.args.adapt_save) {
            own.write(path)?;
        }
        self.say(own.as_ref(), printer)?;
        printer.finish()?;
        if let Some(path) = &self.args.embeddings {
            self.embedded.write(path)?;
        }
        if self.args.format() == Format::Text {
            printer.text(&self.fared.report(&self.adapted())?)?;
        }
        self.flawed.lines().iter().for_each(|line| tell!("warning: {line}"));
        self.hint()?;
        self.bad.into_iter().for_each(|(item, reason)| left_out.add(reason, &*self.items[item].name));
        Ok(())
    }

    /// Words on what answers were centred by.
    fn adapted(&self) -> String {
        match &self.args.adapt_from {
            _ if self.args.adapts() => "\nadapted with the recordings' own unlabelled statistics\n".into(),
            Some(path) => format!("\nadapted with the statistics in {}\n", text::path(path)),
            None => String::new(),
        }
    }

    /// Takes in a recording; records are written as soon as there is enough to be heard together.
    fn listen(&mut self, item: usize, printer: &mut Printer) -> Result<()> {
        let mut cutter = Cutter::new(self.args.windows());
        let mut sound = match self.items[item].open() {
            Ok(sound) => sound,
            Err(e) => return self.fail(item, &e, printer),
        };
        let mut told = self.args.window.is_some();
        loop {
            let block = match sound.next() {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(e) => return self.fail(item, &e, printer),
            };
            for piece in cutter.push(&block) {
                if !std::mem::replace(&mut told, true) {
                    let name = printable(&self.items[item].name);
                    tell!(
                        "note: {name}: longer than {WHOLE_S:.0} s, so it is answered in windows of {WINDOW_S:.0} s; --window chooses others"
                    );
                }
                self.take(item, piece, vec![], printer)?;
            }
        }
        let name = &self.items[item].name;
        sound.notes().iter().for_each(|note| tell!("warning: {}: {note}", printable(name)));
        let cut = if sound.is_complete() { vec![] } else { vec![Flaw::CutShort] };
        cutter.finish().map_or(Ok(()), |last| self.take(item, last, cut, printer))
    }

    /// Takes in a recording or a window of one, with what is wrong with it beside what its samples say.
    fn take(&mut self, item: usize, piece: Piece, more: Vec<Flaw>, printer: &mut Printer) -> Result<()> {
        let flaws = [audio::flaws(&piece.samples), more].concat();
        self.flawed.add(&self.items[item].name, piece.windowed, &flaws);
        let ((from, to), start) = (piece.span(), self.items[item].start());
        let (span, windowed, samples) = ((start + from, start + to), piece.windowed, piece.samples);
        self.part(Part { item, span, windowed, flaws, samples, heard: None, error: None }, printer)
    }

    fn fail(&mut self, item: usize, error: &Error, printer: &mut Printer) -> Result<()> {
        let error = self.refused(item, error);
        let (flaws, samples) = (vec![], vec![]);
        self.part(Part { item, span: (0.0, 0.0), windowed: false, flaws, samples, heard: None, error: Some(error) }, printer)
    }

    /// Says why a recording cannot be used, and counts it.
    fn refused(&mut self, item: usize, error: &Error) -> String {
        let reason = self.items[item].reason(error);
        tell!("error: {}: {reason}", printable(&self.items[item].name));
        self.bad.insert(item, reason.clone());
        reason
    }

    fn part(&mut self, part: Part, printer: &mut Printer) -> Result<()> {
        self.parts.push(part);
        let samples: usize = self.parts[self.sent..].iter().map(|p| p.samples.len()).sum();
        let enough = if self.sent == 0 { AT_FIRST } else { AT_ONCE };
        if self.args.live() || self.parts.len() - self.sent >= enough || samples >= SAMPLES_AT_ONCE {
            self.hear()?;
            if !self.args.adapts() {
                self.say(None, printer)?;
            }
        }
        Ok(())
    }

    /// Hears what was not heard yet and can be answered.
    fn hear(&mut self) -> Result<()> {
        let all: Vec<usize> = (self.sent..self.parts.len())
            .filter(|&i| self.parts[i].error.is_none() && !self.parts[i].flaws.iter().any(|f| f.is_fatal()))
            .collect();
        if let Err(e) = self.hear_these(&all) {
            if !of_the_input(&e) {
                return Err(e).with_context(|| self.named(&all));
            }
            // One of them cannot be heard: each by itself, so that the others are.
            for &i in &all {
                match self.hear_these(&[i]) {
                    Err(e) if of_the_input(&e) => self.parts[i].error = Some(self.refused(self.parts[i].item, &e)),
                    Err(e) => return Err(e).with_context(|| self.named(&[i])),
                    Ok(()) => {}
                }
            }
        }
        self.parts[self.sent..].iter_mut().for_each(|part| part.samples = Vec::new());
        self.sent = self.parts.len();
        Ok(())
    }

    fn hear_these(&mut self, parts: &[usize]) -> Result<(), Error> {
        let samples: Vec<&[f32]> = parts.iter().map(|&i| self.parts[i].samples.as_slice()).collect();
        let learns = self.args.adapts() && self.heard.logits[0].len() <= LEARNT_FROM;
        let mut heard = self.model.hear(&samples, learns || self.saved.is_some_and(Adaptation::teaches))?;
        if let Some(saved) = self.saved {
            let speakers: Vec<Option<&str>> = parts.iter().map(|&i| self.speaker(&self.parts[i])).collect();
            heard.logits = self.model.adapted(&heard, saved, &speakers)?;
        }
        if self.args.embeddings.is_some() {
            for (&i, values) in parts.iter().zip(self.model.embeddings(&samples)?) {
                self.embedded.add(&self.items[self.parts[i].item].name, values);
            }
        }
        let before = self.heard.logits[0].len();
        self.heard.logits.iter_mut().zip(heard.logits).for_each(|(all, new)| all.extend(new));
        if learns {
            self.heard.embeddings.iter_mut().zip(heard.embeddings).for_each(|(all, new)| all.extend(new));
            if self.heard.logits[0].len() > LEARNT_FROM && self.heard.teaches() {
                tell!("note: more than {LEARNT_FROM} recordings and windows: answers are centred, and the model does not learn from them");
                self.heard.forget();
            }
        }
        parts.iter().enumerate().for_each(|(at, &i)| self.parts[i].heard = Some(before + at));
        Ok(())
    }

    /// Names of the recordings of some parts, for an error that ends all.
    fn named(&self, parts: &[usize]) -> String {
        let items: BTreeSet<usize> = parts.iter().map(|&i| self.parts[i].item).collect();
        let names: Vec<_> = items.iter().take(3).map(|&i| printable(&self.items[i].name)).collect();
        let more = if items.len() > names.len() { format!(" and {} more", items.len() - names.len()) } else { String::new() };
        format!("while hearing {}{more}", names.join(", "))
    }

    /// Numbers of what was heard of some parts; these follow each other.
    fn numbers(&self, parts: Range<usize>) -> Range<usize> {
        let mut all = self.parts[parts].iter().filter_map(|p| p.heard);
        all.next().map_or(0..0, |first| first..all.next_back().unwrap_or(first) + 1)
    }

    fn speakers(&self, parts: Range<usize>) -> Vec<Option<&str>> {
        self.parts[parts].iter().filter(|p| p.heard.is_some()).map(|part| self.speaker(part)).collect()
    }

    /// Whose recording a part is of, where it is known and matters.
    fn speaker(&self, part: &Part) -> Option<&str> {
        self.items[part.item].speaker.as_deref().filter(|_| self.args.by_speaker())
    }

    /// Statistics of all that was heard. Where the device fails a model that learns, answers are centred nevertheless.
    fn statistics(&mut self) -> Result<Adaptation> {
        let of =
            |answers: &Self| answers.model.statistics(&answers.heard, &answers.speakers(0..answers.parts.len()), answers.args.insists());
        match of(self) {
            Err(e) if self.heard.teaches() => {
                tell!("warning: {e}: answers are centred, and the model does not learn from them");
                self.heard.forget();
                Ok(of(self)?)
            }
            found => Ok(found?),
        }
    }

    /// Says where speakers are not told apart, and why.
    fn doubt(&self, own: &Adaptation) {
        if let Some([speaker, all]) = own.models.iter().find_map(|m| m.doubt) {
            tell!(
                "note: answers are centred by all recordings alike: the model can learn {all:.2} of them again so, and {speaker:.2} where they are centred by speaker, \
                 as when most speakers express one emotion; --adapt-by speaker insists"
            );
        }
    }

    /// What each member says of those of some parts that were heard.
    fn opinions(&self, parts: Range<usize>, adaptation: Option<&Adaptation>) -> Result<Vec<Vec<Prediction>>> {
        let numbers = self.numbers(parts);
        let adapted = adaptation.map(|a| self.model.adapted(&self.heard, a, &self.speakers(0..self.parts.len()))).transpose()?;
        let logits = adapted.as_ref().unwrap_or(&self.heard.logits);
        Ok(self.model.opinions(&logits.iter().map(|of| of[numbers.clone()].to_vec()).collect()))
    }

    /// Writes records of what was heard and not said yet, and keeps how labelled recordings fared.
    fn say(&mut self, adaptation: Option<&Adaptation>, printer: &mut Printer) -> Result<()> {
        let parts = self.said..self.parts.len();
        let opinions = self.opinions(parts.clone(), adaptation)?;
        let answers = combine(&opinions);
        let first = self.numbers(parts.clone()).start;
        for part in &self.parts[parts] {
            let item = &self.items[part.item];
            let at = part.heard.map(|number| number - first);
            if let Some(label) = item.label.as_deref().filter(|_| self.args.window.is_none() && !self.model.says_numbers()) {
                match at {
                    _ if part.windowed && part.span.0 > 0.0 => {}
                    _ if part.windowed => self.fared.leave_out(format!("longer than {WHOLE_S:.0} s")),
                    Some(at) => self.fared.add(label, answers[at].class, opinions.iter().map(|said| said[at].class)),
                    None if part.error.is_some() => self.fared.leave_out("could not be used"),
                    None => self.fared.leave_out(words(&part.flaws)),
                }
            }
            printer.record(Record {
                name: item.name.clone(),
                span: part.span,
                windowed: part.windowed,
                truth: item.label.clone(),
                flaws: part.flaws.clone(),
                answer: at.map(|at| answers[at].clone()),
                error: part.error.clone(),
                windows: 1,
            })?;
        }
        self.said = self.parts.len();
        Ok(())
    }

    /// Says how many answers to many recordings the first step of adaptation would change. The second may take minutes, which nobody has asked for.
    fn hint(&mut self) -> Result<()> {
        let adapted = self.args.adapts() || self.args.adapt_from.is_some();
        if self.items.len() < MANY || self.args.quiet || adapted || self.model.adaptable().is_err() || self.heard.logits[0].is_empty() {
            return Ok(());
        }
        let all = 0..self.parts.len();
        let own = self.statistics()?;
        let (before, after) = (combine(&self.opinions(all.clone(), None)?), combine(&self.opinions(all, Some(&own))?));
        let changed = before.iter().zip(&after).filter(|(a, b)| a.class != b.class).count();
        let answers = before.len();
        tell!(
            "--adapt goes by these recordings' own unlabelled statistics; that it centres answers would alone change {changed} of {answers}"
        );
        Ok(())
    }
}

/// Whether an error is about what was to be heard, so that something else can be.
fn of_the_input(error: &Error) -> bool {
    matches!(error, Error::OutOfMemory { .. } | Error::Allocation { .. } | Error::Data(_) | Error::Shape { .. })
}
