//! Shows a run: bars on a terminal, lines elsewhere, JSON for scripts.

use anyhow::Result;
use emotone::text;
use emotone::train::events::{EpochRecord, Event};
use emotone::train::metrics::Confusion;
use emotone::train::report::{self, RunResult};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Prints a line. A run goes on where nobody reads it any more: a pipe that was closed, a terminal that is gone.
pub fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The same on standard error.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// [`put`] with a format.
macro_rules! say {
    ($($arg:tt)*) => { $crate::show::put(&format!($($arg)*)) };
}
pub(crate) use say;

/// How much to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Summary, bars, epochs, report.
    Text,
    /// The report only.
    Quiet,
    /// One JSON object per event.
    Json,
}

/// Exit code of a run that is complete, but for inputs that were left out.
const SOME_LEFT_OUT: u8 = 2;

/// Positions of the bar of several folds.
const POSITIONS: u64 = 10_000;

/// Receives a run's events.
pub struct Show {
    mode: Mode,
    bar: ProgressBar,
    terminal: bool,
    stage: String,
    /// The fold that is trained, where there are several.
    fold: Option<String>,
    /// How many inputs were left out.
    left_out: usize,
}

impl Show {
    /// Bars appear where standard error is a terminal.
    pub fn new(mode: Mode) -> Self {
        Show { mode, bar: ProgressBar::hidden(), terminal: std::io::stderr().is_terminal(), stage: String::new(), fold: None, left_out: 0 }
    }

    /// How much to show.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The fold that was begun and is not complete, in words.
    pub fn fold(&self) -> Option<String> {
        self.fold.clone()
    }

    /// What the program ends with: another code where inputs were left out.
    pub fn code(&self) -> ExitCode {
        if self.left_out > 0 { ExitCode::from(SOME_LEFT_OUT) } else { ExitCode::SUCCESS }
    }

    /// Takes a bar away.
    pub fn stop(&mut self) {
        self.bar.finish_and_clear();
    }

    /// A line of text.
    pub fn line(&self, text: &str) {
        match self.mode {
            Mode::Text => self.bar.suspend(|| put(&text::lines(text))),
            Mode::Quiet => {}
            Mode::Json => say!("{}", json!({ "line": text })),
        }
    }

    fn start_bar(&mut self, length: usize, template: &str) {
        self.bar.finish_and_clear();
        self.bar = if self.mode == Mode::Text && self.terminal { ProgressBar::new(length as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
    }

    /// A bar for what the driver does once, before the first step.
    pub fn precompilation(&self) -> impl Fn(usize, usize) + Send + Sync + 'static {
        let bar = if self.mode == Mode::Text && self.terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("compiling kernels, once on this driver {bar:30} {pos}/{len}") {
            bar.set_style(style);
        }
        move |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            if done == all {
                bar.finish_and_clear();
                bar.reset();
            }
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        if self.mode != Mode::Json && self.of_folds(event) {
            return;
        }
        match event {
            Event::Summary(text) => self.line(text),
            Event::Warning(text) => match self.mode {
                Mode::Json => say!("{}", json!({ "warning": text })),
                _ => self.bar.suspend(|| complain(&format!("warning: {}", text::lines(text)))),
            },
            Event::LeftOut(left_out, file) => {
                self.left_out += left_out.len();
                match self.mode {
                    Mode::Json => say!("{}", json!({ "left_out": left_out.len(), "reasons": left_out.lines(*file) })),
                    _ => self
                        .bar
                        .suspend(|| left_out.lines(*file).iter().for_each(|line| complain(&format!("warning: {}", text::lines(line))))),
                }
            }
            Event::Preparing(what, done, total) => {
                if self.stage != *what {
                    self.stage = (*what).to_string();
                    self.start_bar(*total, "{msg} {bar:30} {pos}/{len} {eta}");
                    self.bar.set_message(*what);
                }
                self.bar.set_position(*done as u64);
                if done == total {
                    self.bar.finish_and_clear();
                }
            }
            Event::Stage { stage, epochs, steps, done } => {
                self.stage = stage.to_string();
                self.line(&format!("stage {stage}: {epochs} epochs of {steps} steps{}", if *done > 0 { ", continued" } else { "" }));
                self.start_bar(epochs * steps, "{prefix} {bar:30} {pos}/{len} {msg}, {eta} left");
                self.bar.set_prefix(stage.to_string());
                self.bar.set_position(*done as u64);
                self.bar.reset_eta();
            }
            Event::Step { loss, clips_per_s, done } => {
                self.bar.set_position(*done as u64);
                self.bar.set_message(format!("loss {loss:.4}, {clips_per_s:.0} clips/s"));
            }
            Event::Epoch(record) => self.epoch(record),
            Event::StageEnd(_) => self.bar.finish_and_clear(),
            Event::Fold(fold) => say!("{}", json!({ "fold": fold.name, "at": fold.at, "of": fold.of })),
            Event::FoldEnd(fold, result) => say!("{}", json!({ "fold": fold.name, "result": result })),
            Event::Saved(_) | Event::Finished(_) | Event::Share(_) => {}
        }
    }

    /// Shows several folds under one bar, with a line for each that is complete; false for what is shown as ever.
    fn of_folds(&mut self, event: &Event) -> bool {
        match event {
            Event::Fold(fold) => {
                let name = format!("fold {} ({} of {})", fold.name, fold.at, fold.of);
                if self.fold.is_none() && self.bar.length() != Some(POSITIONS) {
                    self.start_bar(POSITIONS as usize, "{prefix} {bar:30} {percent}% {msg}, {elapsed} so far, {eta} left");
                }
                self.bar.set_prefix(name.clone());
                self.fold = Some(name);
                self.stage.clear();
            }
            Event::FoldEnd(fold, result) => {
                let value = |name: &str, v: Option<f64>| v.map_or_else(String::new, |v| format!("  {name} {v:.3}"));
                let test = result.test.as_ref();
                let clips = test.map_or_else(String::new, |t| format!("  {} clips", t.clips));
                let figures = [value("UAR", test.and_then(|t| t.uar)), value("WA", test.and_then(|t| t.wa)), value("CCC", result.test_ccc)];
                self.line(&format!("fold {} ({} of {}){}{clips}", text::left(fold.name, 12), fold.at, fold.of, figures.concat()));
                self.fold = None;
            }
            Event::Share(share) => self.bar.set_position((share * POSITIONS as f64) as u64),
            Event::Preparing(what, done, total) if self.fold.is_some() => self.bar.set_message(format!("{what} {done}/{total}")),
            Event::Step { loss, clips_per_s, .. } if self.fold.is_some() => {
                self.bar.set_message(format!("{} loss {loss:.4}, {clips_per_s:.0} clips/s", self.stage));
            }
            Event::Stage { stage, .. } if self.fold.is_some() => self.stage = (*stage).to_string(),
            // What solving says of itself; the model is described before its first stage.
            Event::Summary(_) if self.fold.is_some() && !self.stage.is_empty() => {}
            Event::Epoch(_) | Event::StageEnd(_) => return self.fold.is_some(),
            _ => return false,
        }
        true
    }

    fn epoch(&self, r: &EpochRecord) {
        if self.mode == Mode::Json {
            say!("{}", json!({ "epoch": r }));
            return;
        }
        let part = |name: &str, v: Option<f64>| v.map(|v| format!("  {name} {v:.3}")).unwrap_or_default();
        self.line(&format!(
            "{} epoch {:>3}  loss {:.4}{}{}{}{}{}",
            r.stage,
            r.epoch,
            r.loss,
            part("valid UAR", r.valid_uar),
            part("WA", r.valid_wa),
            part("F1", r.valid_macro_f1),
            part("valid CCC", r.valid_ccc),
            if r.best { "  *" } else { "" }
        ));
    }

    /// The report of a finished run, and what to try next.
    pub fn finish(&self, out: &Path, result: &RunResult) -> Result<()> {
        if self.mode == Mode::Json {
            say!("{}", json!({ "result": result }));
            return Ok(());
        }
        if let Some(accuracy) = result.speaker_accuracy {
            say!("speaker accuracy (training speakers, held-out utterances): {accuracy:.3}");
        }
        if let Some(ccc) = result.test_ccc {
            say!("test concordance: {ccc:.3}");
        }
        if let Some(test) = &result.test {
            let mut matrix = Confusion::new(test.classes.clone());
            for (t, row) in test.confusion.iter().enumerate() {
                for (p, &n) in row.iter().enumerate() {
                    matrix.add(t, p, n)?;
                }
            }
            say!("\ntest: {} clips; {}", test.clips, test.split);
            say!("{}", report::terminal(&matrix, report::colour_terminal()));
            let figure = |name: &str, v: Option<f64>, range: Option<(f64, f64)>| {
                let range = range.map(|(l, h)| format!(" [{l:.3}, {h:.3}]")).unwrap_or_default();
                if let Some(v) = v {
                    say!("{name} {v:.3}{range}");
                }
            };
            let i = test.intervals.as_ref();
            figure("UAR     ", test.uar, i.map(|i| (i.uar.low, i.uar.high)));
            figure("WA      ", test.wa, i.map(|i| (i.wa.low, i.wa.high)));
            figure("macro F1", test.macro_f1, i.map(|i| (i.macro_f1.low, i.macro_f1.high)));
            figure("ECE     ", test.ece, None);
            if let Some(views) = result.test_tta.as_ref().and_then(|t| t.uar) {
                let gain = test.uar.map(|u| format!(", {:+.3}", views - u)).unwrap_or_default();
                say!("UAR {views:.3} by six views of each clip (infer --tta{gain})");
            }
        }
        let model = out.join("model.safetensors");
        say!("\nmodel: {}", text::path(&model));
        say!("try:   tools/with-gpu cargo run --release --bin infer -- --model {} YOUR.wav", text::shell(&model));
        Ok(())
    }
}
