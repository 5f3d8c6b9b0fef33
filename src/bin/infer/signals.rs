//! Answers to recorded signals: manifests with columns of files, or the files of one utterance.

use crate::args::Args;
use crate::fared::Fared;
use crate::format::Format;
use crate::printer;
use crate::record::Record;
use crate::tell::tell;
use anyhow::{Result, bail};
use emotone::data::{self, Corpus, Loaded, Utterance};
use emotone::frontend::Signals;
use emotone::train::predictor::Predictor;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Prints what the model says of every utterance; the number of those that could not be used.
pub fn run(model: &mut Predictor, spec: &Signals, args: &Args) -> Result<usize> {
    let others =
        [(args.window.is_some(), "--window"), (args.embeddings.is_some(), "--embeddings"), (args.spectrogram.is_some(), "--spectrogram")];
    if let Some((_, flag)) = others.iter().find(|(given, _)| *given) {
        bail!("{flag} is for models of recordings of speech; this one takes signals");
    }
    let mut fared = Fared::new(vec![], model.classes());
    let corpora = corpora(args)?;
    let utterances = corpora.iter().map(|c| c.utterances.len()).sum();
    let mut printer = printer(model.classes(), model.says_numbers(), args, utterances)?;
    let mut bad = 0;
    for corpus in corpora {
        corpus.left_out.lines(None).iter().for_each(|line| tell!("warning: {line}"));
        bad += corpus.left_out.len();
        let loaded = match data::load(&corpus, Some(spec), true, &|_, _| ()) {
            Ok(loaded) => loaded,
            Err(e) => {
                tell!("error: {e}");
                bad += corpus.utterances.len();
                let failed = |u: &Utterance| Record { error: Some(e.to_string()), ..record(&u.path, "", 0.0) };
                corpus.utterances.iter().try_for_each(|u| printer.record(failed(u)))?;
                continue;
            }
        };
        bad += loaded.bad.len();
        notes(&loaded);
        for (path, reason) in &loaded.bad {
            printer.record(Record { error: Some(reason.clone()), ..record(path, "", 0.0) })?;
        }
        let inputs = model.inputs_of(&loaded)?;
        let answers = model.answers(&inputs)?;
        for ((utterance, clip), answer) in loaded.corpus.utterances.iter().zip(&loaded.clips).zip(answers) {
            if !model.says_numbers() && !utterance.label.is_empty() {
                fared.add(&utterance.label, answer.class, std::iter::empty());
            }
            printer.record(Record { answer: Some(answer), ..record(&utterance.path, &utterance.label, clip.duration_s) })?;
        }
    }
    printer.finish()?;
    if args.format() == Format::Text {
        printer.text(&fared.report("")?)?;
    }
    Ok(bad)
}

/// A record of an utterance before it is answered.
fn record(path: &Path, label: &str, seconds: f64) -> Record {
    let truth = Some(label).filter(|label| !label.is_empty()).map(Rc::from);
    let name = path.to_string_lossy().into();
    Record { name, span: (0.0, seconds), windowed: false, truth, flaws: vec![], answer: None, error: None, windows: 1 }
}

/// What was left out, and what was done to make signals fit.
fn notes(loaded: &Loaded) {
    loaded.corpus.notes.iter().for_each(|note| tell!("note: {note}"));
    loaded.bad.iter().for_each(|(path, reason)| tell!("error: {}: {reason}", path.display()));
}

/// The utterances that the flags name.
fn corpora(args: &Args) -> Result<Vec<Corpus>> {
    let files = [("ecg", &args.ecg, args.ecg_rate), ("eeg", &args.eeg, args.eeg_rate)];
    let mut utterance = Utterance::default();
    for (name, file, rate) in files {
        let Some(file) = file else { continue };
        utterance.path.clone_from(file);
        utterance.extra.insert(name.into(), file.display().to_string());
        utterance.extra.extend(rate.map(|rate| (format!("{name}_rate"), rate.to_string())));
    }
    if utterance.extra.is_empty() {
        if args.inputs.is_empty() {
            bail!("no signals: name manifests with columns ecg and eeg, or files with --ecg and --eeg");
        }
        return args.inputs.iter().map(manifest).collect();
    }
    match args.inputs.as_slice() {
        [] => {}
        [speech] => utterance.path.clone_from(speech),
        more => bail!("--ecg and --eeg are of one utterance, whose recording of speech may be named: got {}", more.len()),
    }
    Ok(vec![Corpus { name: "utterance".into(), utterances: vec![utterance], ..Corpus::default() }])
}

/// A manifest, whether it has labels or not.
fn manifest(path: &PathBuf) -> Result<Corpus> {
    match data::open(path) {
        Ok(corpus) => Ok(corpus),
        Err(e) => Ok(data::unlabelled(std::slice::from_ref(path)).map_err(|_| e)?),
    }
}
