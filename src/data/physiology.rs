//! The signals of an utterance: which files they are in, and what was done to make them fit a network.

use std::path::Path;

use super::Utterance;
use super::signal::{self, Fitted};
use crate::frontend::Signals;

/// The signals of an utterance, channel after channel, from the files that its columns `ecg` and `eeg` name; columns `ecg_rate` and
/// `eeg_rate` give the sample rates of files that do not.
///
/// # Errors
/// What is wrong, with the file.
pub(super) fn read(utterance: &Utterance, spec: &Signals) -> Result<(Vec<f32>, Vec<Fitted>), String> {
    let (mut row, mut all) = (Vec::new(), Vec::new());
    for (name, channels) in Signals::NAMES.into_iter().zip(spec.channels).filter(|(_, channels)| *channels > 0) {
        let file = utterance
            .column(name)
            .ok_or_else(|| format!("no signal in column {name:?}, of which the network takes {channels} channels"))?;
        let rate = utterance
            .column(&format!("{name}_rate"))
            .map(|text| text.parse::<f64>().map_err(|_| format!("{name}_rate {text:?} is no number")));
        let known = rate.transpose()?;
        let path = Path::new(file);
        let own = signal::read(path, name, channels).and_then(|s| s.fit(known, spec.signal.rate, spec.length));
        let (values, fitted) = own.map_err(|reason| format!("{file}: {reason}"))?;
        row.extend(values);
        all.push(fitted);
    }
    Ok((row, all))
}

/// The recording of speech of an utterance that has signals, where it has one.
pub(super) fn speech(utterance: &Utterance) -> Option<&Path> {
    let signal = Signals::NAMES.iter().filter_map(|name| utterance.column(name)).any(|file| Path::new(file) == utterance.path);
    (!signal).then_some(utterance.path.as_path())
}

/// What was done to the signals, for the reader.
pub(super) fn notes(spec: &Signals, fitted: &[Fitted]) -> Vec<String> {
    let (rate, seconds) = (spec.signal.rate, spec.length as f64 / spec.signal.rate);
    let count = |of: fn(&Fitted) -> bool| fitted.iter().filter(|f| of(f)).count();
    let kinds = [
        (count(|f| f.resampled), format!("are of another rate: resampled to {rate} Hz")),
        (count(|f| f.cut), format!("are longer than {seconds} s: their middle is taken")),
        (count(|f| f.filled), format!("are shorter than {seconds} s: filled up with each channel's mean")),
        (
            count(|f| f.assumed),
            format!("come without a sample rate: taken to be of {rate} Hz (columns ecg_rate and eeg_rate say otherwise)"),
        ),
    ];
    kinds.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} of {} signals {what}", fitted.len())).collect()
}
