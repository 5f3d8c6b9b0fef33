//! What is said of a recording or of a window of it, and how neighbours become one.

use emotone::audio::Flaw;
use emotone::train::predictor::Prediction;
use std::rc::Rc;

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The recording.
    pub name: Rc<str>,
    /// Start and end in seconds.
    pub span: (f64, f64),
    /// Whether the recording was cut into windows; else the span is all of it.
    pub windowed: bool,
    /// The label it came with.
    pub truth: Option<Rc<str>>,
    /// What makes the answer doubtful, or impossible.
    pub flaws: Vec<Flaw>,
    /// What the model says; nothing where no answer is possible.
    pub answer: Option<Prediction>,
    /// Why the recording could not be used.
    pub error: Option<String>,
    /// How many windows it is made of.
    pub windows: usize,
}

impl Record {
    /// Whether another stands for the same as this and follows it.
    fn joins(&self, next: &Record) -> bool {
        let class = |r: &Record| r.answer.as_ref().map(|a| a.class);
        let fatal = |r: &Record| r.flaws.iter().copied().find(|f| f.is_fatal());
        self.windowed
            && next.windowed
            && self.error.is_none()
            && next.error.is_none()
            && self.name == next.name
            && next.span.0 <= self.span.1 + 1e-6
            && class(self) == class(next)
            && fatal(self) == fatal(next)
    }

    /// Takes in one that [joins](Record::joins): probabilities are means over windows, so the class of all of them stays the most probable.
    fn take(&mut self, next: Record) {
        self.span.1 = next.span.1;
        self.flaws.extend(next.flaws);
        self.flaws.sort_unstable();
        self.flaws.dedup();
        if let (Some(own), Some(theirs)) = (&mut self.answer, &next.answer) {
            let (n, m) = (self.windows as f32, next.windows as f32);
            own.probabilities.iter_mut().zip(&theirs.probabilities).for_each(|(p, q)| *p = (*p * n + q * m) / (n + m));
        }
        self.windows += next.windows;
    }
}

/// Joins neighbours, one of which is kept back until it is known what follows.
#[derive(Default)]
pub struct Joiner {
    kept: Option<Record>,
}

impl Joiner {
    /// Takes a record; gives one that is complete.
    pub fn push(&mut self, record: Record) -> Option<Record> {
        match &mut self.kept {
            Some(kept) if kept.joins(&record) => {
                kept.take(record);
                None
            }
            kept => kept.replace(record),
        }
    }

    /// The last.
    pub fn finish(&mut self) -> Option<Record> {
        self.kept.take()
    }
}
