//! Answers to recorded signals: manifests with columns of files, or the files of one utterance.

use crate::args::Args;
use crate::fared::measured;
use crate::print::{Printer, Row};
use anyhow::{Result, bail};
use emotone::data::{self, Corpus, Loaded, Utterance};
use emotone::frontend::Signals;
use emotone::train::predictor::Predictor;
use std::path::PathBuf;

/// Prints what the model says of every utterance; the number of those that could not be used.
pub fn run(model: &mut Predictor, spec: &Signals, args: &Args) -> Result<usize> {
    let others =
        [(args.window.is_some(), "--window"), (args.embeddings.is_some(), "--embeddings"), (args.spectrogram.is_some(), "--spectrogram")];
    if let Some((_, flag)) = others.iter().find(|(given, _)| *given) {
        bail!("{flag} is for models of recordings of speech; this one takes signals");
    }
    let classes = model.classes().to_vec();
    let mut printer = Printer::new(args.format, &classes, model.says_numbers());
    let (mut truth, mut predicted, mut bad) = (Vec::new(), Vec::new(), 0);
    for corpus in corpora(args)? {
        let loaded = match data::load(&corpus, Some(spec), true, &|_, _| ()) {
            Ok(loaded) => loaded,
            Err(e) => {
                eprintln!("error: {e}");
                bad += corpus.utterances.len();
                continue;
            }
        };
        bad += loaded.bad.len();
        tell(&loaded);
        let inputs = model.inputs_of(&loaded)?;
        for (utterance, prediction) in loaded.corpus.utterances.iter().zip(&model.answers(&inputs)?) {
            printer.row(&Row { name: &utterance.path.display().to_string(), window: None, prediction })?;
            if let Some(class) = classes.iter().position(|c| *c == utterance.label) {
                truth.push(class);
                predicted.push(prediction.class);
            }
        }
    }
    printer.finish()?;
    measured(args, &classes, &truth, &predicted)?;
    Ok(bad)
}

/// What was left out, and what was done to make signals fit.
fn tell(loaded: &Loaded) {
    loaded.corpus.notes.iter().for_each(|note| eprintln!("note: {note}"));
    loaded.bad.iter().for_each(|(path, reason)| eprintln!("error: {}: {reason}", path.display()));
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
