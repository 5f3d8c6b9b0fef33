//! Writes records, each at once, in one of the forms.

use crate::format::Format;
use crate::record::{Joiner, Record};
use crate::target::Target;
use crate::timeline::Timeline;
use anyhow::Result;
use emotone::audio::Flaw;
use emotone::text::printable;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// What a model's answers are about.
#[derive(Clone)]
pub struct Answered {
    /// Classes, or names of the numbers.
    pub names: Vec<String>,
    /// The model says numbers, not classes.
    pub numbers: bool,
}

/// Writes records in one form to one place.
pub struct Printer {
    format: Format,
    answered: Answered,
    target: Target,
    joiner: Option<Joiner>,
    timeline: Timeline,
    /// Records written to where it writes now.
    written: usize,
    /// The recording of the last of them.
    current: Option<Rc<str>>,
}

impl Printer {
    /// A printer that joins neighbours if so asked.
    pub fn new(format: Format, answered: Answered, target: Target, join: bool) -> Self {
        let joiner = join.then(Joiner::default);
        Printer { format, answered, target, joiner, timeline: Timeline::new(format), written: 0, current: None }
    }

    /// Writes a record, or keeps it until it is known whether the next joins it.
    ///
    /// # Errors
    /// Where it cannot be written; a closed pipe among them.
    pub fn record(&mut self, record: Record) -> Result<()> {
        let complete = match &mut self.joiner {
            Some(joiner) => joiner.push(record),
            None => Some(record),
        };
        complete.map_or(Ok(()), |record| self.write(&record))
    }

    /// Writes what was kept, and what stands at the end.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(&mut self) -> Result<()> {
        if let Some(last) = self.joiner.as_mut().and_then(Joiner::finish) {
            self.write(&last)?;
        }
        self.end()
    }

    /// Writes lines of text about all recordings behind all records.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn text(&mut self, text: &str) -> Result<()> {
        if self.target.is_folder() {
            self.target = Target::open(None)?;
        }
        self.target.write(text)
    }

    fn write(&mut self, record: &Record) -> Result<()> {
        if self.current.as_ref() != Some(&record.name) {
            if self.target.is_folder() && self.current.is_some() {
                self.end()?;
            }
            self.target.turn_to(&record.name, self.format.suffix())?;
            self.current = Some(record.name.clone());
        }
        let text = match self.format {
            Format::Text if record.error.is_some() => String::new(),
            Format::Text => self.line(record),
            Format::Json => {
                let object = serde_json::to_string_pretty(&self.object(record))?.replace('\n', "\n  ");
                format!("{}\n  {object}", if self.written == 0 { "[" } else { "," })
            }
            Format::Jsonl => format!("{}\n", self.object(record)),
            Format::Csv => self.csv(record)?,
            Format::Audacity | Format::Textgrid | Format::Elan | Format::Srt => self.timeline.push(record, &self.answered),
        };
        self.written += 1;
        self.target.write(&text)
    }

    /// What stands behind the last record of a file.
    fn end(&mut self) -> Result<()> {
        let text = match self.format {
            Format::Json if self.written == 0 => "[]\n".into(),
            Format::Json => "\n]\n".into(),
            Format::Csv if self.written == 0 => self.header()?,
            _ => self.timeline.finish(),
        };
        self.written = 0;
        self.target.write(&text)
    }

    fn object(&self, record: &Record) -> Value {
        let values = |p: &[f32]| self.answered.names.iter().zip(p).map(|(c, p)| (c.clone(), json!(p))).collect::<Map<String, Value>>();
        // None of them where there is no answer, so that programs that go over them need not ask first.
        let values = record.answer.as_ref().map(|a| values(&a.probabilities)).unwrap_or_default();
        let mut object = match self.answered.numbers {
            true => json!({ "file": *record.name, "numbers": values }),
            false => json!({ "file": *record.name, "label": label(record, &self.answered), "probabilities": values }),
        };
        object["quality"] = record.flaws.iter().map(|f| f.name()).collect();
        if record.windowed {
            object["start"] = json!(record.span.0);
            object["end"] = json!(record.span.1);
        }
        if let Some(truth) = &record.truth {
            object["truth"] = json!(**truth);
        }
        if let Some(error) = &record.error {
            object["error"] = json!(error);
        }
        object
    }

    fn line(&self, record: &Record) -> String {
        let window = if record.windowed { format!("  {:8.2} - {:8.2} s", record.span.0, record.span.1) } else { String::new() };
        let answer = record.answer.as_ref().map(|a| {
            let all: Vec<String> =
                self.answered.names.iter().zip(&a.probabilities).map(|(c, p)| format!("{} {p:.3}", printable(c))).collect();
            let all = all.join(", ");
            match label(record, &self.answered) {
                Some(label) => format!("{}  ({all})", printable(label)),
                None => all,
            }
        });
        let answer = answer.unwrap_or_else(|| "no answer".into());
        let flaws = if record.flaws.is_empty() { String::new() } else { format!("  [{}]", flaws(&record.flaws, ", ")) };
        format!("{}{window}  {answer}{flaws}\n", printable(&record.name))
    }

    fn header(&self) -> Result<String> {
        let fixed = ["file", "start", "end"].into_iter().chain((!self.answered.numbers).then_some("label"));
        row(fixed.chain(self.answered.names.iter().map(String::as_str)).chain(["truth", "quality", "error"]))
    }

    fn csv(&self, record: &Record) -> Result<String> {
        let header = if self.written == 0 { self.header()? } else { String::new() };
        let seconds = |s: f64| if record.windowed { s.to_string() } else { String::new() };
        let mut fields = vec![record.name.to_string(), seconds(record.span.0), seconds(record.span.1)];
        if !self.answered.numbers {
            fields.push(label(record, &self.answered).unwrap_or_default().into());
        }
        fields.extend(
            (0..self.answered.names.len()).map(|i| record.answer.as_ref().map_or_else(String::new, |a| a.probabilities[i].to_string())),
        );
        fields.push(record.truth.as_deref().unwrap_or_default().into());
        fields.push(flaws(&record.flaws, " "));
        fields.push(record.error.clone().unwrap_or_default());
        Ok(header + &row(fields.iter().map(String::as_str))?)
    }
}

/// The class a record is of, by a model of classes.
pub fn label<'a>(record: &Record, answered: &'a Answered) -> Option<&'a str> {
    record.answer.as_ref().filter(|_| !answered.numbers).map(|a| answered.names[a.class].as_str())
}

/// Names of flaws.
pub fn flaws(flaws: &[Flaw], between: &str) -> String {
    flaws.iter().map(|f| f.name()).collect::<Vec<_>>().join(between)
}

fn row<'a>(fields: impl Iterator<Item = &'a str>) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields)?;
    Ok(String::from_utf8(writer.into_inner().map_err(|e| e.into_error())?)?)
}
