//! Recorded signals (ECG, EEG) of any length and rate, and how they become those of a network: CSV, NumPy's `.npy` and `.npz`.

use std::path::Path;

use super::npy::{Array, parse_npy, parse_npz};
use crate::error::one_line;

/// Largest file read, bytes.
const MAX_BYTES: u64 = 256 << 20;
/// Names of the sample rate in an archive.
const RATES: [&str; 3] = ["rate", "fs", "sampling_rate"];
/// Names of a column that holds moments, not a channel.
const TIMES: [&str; 4] = ["time", "timestamp", "t", "seconds"];
/// Sample rates that signals may have, Hz.
const RATE: std::ops::RangeInclusive<f64> = 1.0..=100_000.0;
/// Zero crossings of the resampling filter to each side.
const CROSSINGS: f64 = 12.0;

/// Signals of one modality.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Samples of each channel, all of one length.
    pub channels: Vec<Vec<f32>>,
    /// Samples per second, where the file says so.
    pub rate: Option<f64>,
}

/// What had to be done to a signal to make it fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    /// It was of another rate.
    pub resampled: bool,
    /// It was longer: its middle is taken.
    pub cut: bool,
    /// It was shorter: each channel's mean stands behind it.
    pub filled: bool,
    /// Nobody says its rate: it is taken to be the network's.
    pub assumed: bool,
}

/// Reads the modality `name` of `channels` channels from a file; CSV has a column per channel, an array a row or a column per channel, an
/// archive an array of the modality's name, or only one, and perhaps the `rate`.
///
/// # Errors
/// What is wrong: the number of channels, values that are no numbers or not finite.
pub fn read(path: &Path, name: &str, channels: usize) -> Result<Signal, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return Err(format!("a regular file of at most {MAX_BYTES} bytes is expected"));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    parse(path, &bytes, name, channels).map_err(one_line)
}

/// Reads the bytes of a file at `path`; see [`read`].
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, bytes: &[u8], name: &str, channels: usize) -> Result<Signal, String> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let (array, rate) = match extension.as_str() {
        "npy" => (parse_npy(bytes)?, None),
        "npz" => from_archive(parse_npz(bytes)?, name)?,
        "csv" | "tsv" => (from_csv(bytes, if extension == "tsv" { b'\t' } else { b',' })?, None),
        _ => return Err("signals are read from .npy, .npz, .csv and .tsv files".into()),
    };
    let channels = by_channel(&array, name, channels)?;
    if let Some(rate) = rate.filter(|r| !RATE.contains(r)) {
        return Err(format!("a sample rate of {rate} Hz"));
    }
    for (c, channel) in channels.iter().enumerate() {
        if let Some(i) = channel.iter().position(|v| !v.is_finite()) {
            return Err(format!("channel {} of {name} holds {} at sample {i}", c + 1, channel[i]));
        }
    }
    Ok(Signal { channels, rate })
}

fn from_archive(arrays: Vec<(String, Array)>, name: &str) -> Result<(Array, Option<f64>), String> {
    let names: Vec<String> = arrays.iter().map(|(n, _)| n.clone()).collect();
    let is_rate = |n: &str| RATES.iter().any(|r| n.eq_ignore_ascii_case(r));
    let rate = arrays.iter().find(|(n, a)| is_rate(n) && a.values.len() == 1).map(|(_, a)| a.values[0]);
    let mut signals: Vec<(String, Array)> = arrays.into_iter().filter(|(n, _)| !is_rate(n)).collect();
    let own = signals.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)).or((signals.len() == 1).then_some(0));
    let own = own.ok_or_else(|| format!("no array {name:?}; there are {}", names.join(", ")))?;
    Ok((signals.swap_remove(own).1, rate))
}

fn from_csv(bytes: &[u8], delimiter: u8) -> Result<Array, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text")?.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
    let (mut values, mut kept, mut rows) = (Vec::new(), None, 0);
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let header = kept.is_none() && record.iter().any(|v| v.trim().parse::<f64>().is_err());
        let columns = kept.get_or_insert_with(|| {
            let is_time = |v: &str| header && TIMES.iter().any(|t| v.trim().eq_ignore_ascii_case(t));
            (0..record.len()).filter(|&c| !is_time(&record[c])).collect::<Vec<usize>>()
        });
        if header {
            continue;
        }
        for &c in columns.iter() {
            let text = record[c].trim();
            values.push(text.parse::<f64>().map_err(|_| format!("line {line}: {text:?} is no number"))?);
        }
        rows += 1;
    }
    Ok(Array { shape: vec![rows, kept.map_or(0, |c| c.len())], values })
}

/// Channels of an array (L), (C, L) or (L, C), whichever has `expected` channels; where both have, (C, L).
fn by_channel(array: &Array, name: &str, expected: usize) -> Result<Vec<Vec<f32>>, String> {
    let value = |v: &f64| *v as f32;
    let wrong = || format!("an array of shape {:?} for {expected} channels of {name} (model.{name})", array.shape);
    if array.values.is_empty() {
        return Err(format!("no samples of {name}"));
    }
    Ok(match *array.shape.as_slice() {
        [_] if expected == 1 => vec![array.values.iter().map(value).collect()],
        [c, n] if c == expected => array.values.chunks(n).map(|row| row.iter().map(value).collect()).collect(),
        [_, c] if c == expected => (0..c).map(|k| array.values.iter().skip(k).step_by(c).map(value).collect()).collect(),
        _ => return Err(wrong()),
    })
}

impl Signal {
    /// The channels one after the other, each of `length` samples at `rate` Hz. `known` is the rate where the file does not say it.
    ///
    /// # Errors
    /// A rate that no signal has.
    pub fn fit(&self, known: Option<f64>, rate: f64, length: usize) -> Result<(Vec<f32>, Fitted), String> {
        let own = self.rate.or(known);
        if let Some(own) = own.filter(|r| !RATE.contains(r)) {
            return Err(format!("a sample rate of {own} Hz"));
        }
        let (from, mut done) = (own.unwrap_or(rate), Fitted { assumed: own.is_none(), ..Fitted::default() });
        let mut out = Vec::with_capacity(self.channels.len() * length);
        done.resampled = (from - rate).abs() > 1e-9 * rate;
        for channel in &self.channels {
            let resampled = if done.resampled { resample(channel, from, rate) } else { channel.clone() };
            let skipped = resampled.len().saturating_sub(length) / 2;
            let taken = &resampled[skipped..(skipped + length).min(resampled.len())];
            let mean = taken.iter().map(|v| f64::from(*v)).sum::<f64>() / taken.len().max(1) as f64;
            done.cut |= resampled.len() > length;
            done.filled |= taken.len() < length;
            out.extend_from_slice(taken);
            out.extend(std::iter::repeat_n(mean as f32, length - taken.len()));
        }
        Ok((out, done))
    }
}

/// Band-limited interpolation by a sine cardinal under a Hann window (Smith 1984): content above half of either rate is left out.
fn resample(x: &[f32], from: f64, to: f64) -> Vec<f32> {
    let n = ((x.len() as f64 * to / from).round() as usize).max(1);
    let cutoff = (to / from).min(1.0);
    let reach = CROSSINGS / cutoff;
    let sample = |i: usize| {
        let centre = i as f64 * from / to;
        let (first, last) = ((centre - reach).ceil().max(0.0) as usize, (centre + reach).floor().min(x.len() as f64 - 1.0) as usize);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (k, v) in x.iter().enumerate().take(last + 1).skip(first) {
            let d = k as f64 - centre;
            let phase = std::f64::consts::PI * cutoff * d;
            let sinc = if phase.abs() < 1e-9 { 1.0 } else { phase.sin() / phase };
            let weight = sinc * (0.5 + 0.5 * (std::f64::consts::PI * d / reach).cos());
            sum += weight * f64::from(*v);
            weights += weight;
        }
        (sum / weights) as f32
    };
    (0..n).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::super::npy::npy_bytes;
    use super::*;

    fn csv(text: &str, channels: usize) -> Result<Signal, String> {
        parse(Path::new("x.csv"), text.as_bytes(), "eeg", channels)
    }

    #[test]
    fn channels_are_columns_or_rows() {
        let want = vec![vec![1.0, 3.0, 5.0], vec![2.0, 4.0, 6.0]];
        assert_eq!(csv("1,2\n3,4\n5,6\n", 2).unwrap().channels, want);
        assert_eq!(csv("time,F3,F4\n0,1,2\n0.1,3,4\n0.2,5,6\n", 2).unwrap().channels, want);
        let npy = |shape: &[usize], values: &[f32]| parse(Path::new("x.npy"), &npy_bytes(shape, values), "eeg", 2);
        assert_eq!(npy(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap().channels, want);
        assert_eq!(npy(&[2, 3], &[1.0, 3.0, 5.0, 2.0, 4.0, 6.0]).unwrap().channels, want);
        assert!(npy(&[6], &[0.0; 6]).unwrap_err().contains("shape [6] for 2 channels of eeg"));
        for (text, channels, wanted) in [
            ("1,2\n3,4\n", 3, "shape [2, 2] for 3 channels of eeg (model.eeg)"),
            ("a,b\n1,2\n3,x\n", 2, "line 3: \"x\" is no number"),
            ("1,2\n3\n", 2, "CSV error"),
            ("1,2\n3,nan\n", 2, "channel 2 of eeg holds NaN at sample 1"),
            ("a,b\n", 2, "no samples of eeg"),
            ("", 2, "no samples"),
        ] {
            let said = csv(text, channels).unwrap_err();
            assert!(said.contains(wanted), "{said:?} lacks {wanted:?}");
        }
        assert!(parse(Path::new("x.mat"), b"", "ecg", 1).unwrap_err().contains(".npz"));
        let array = |v: f64| Array { shape: vec![1], values: vec![v] };
        let archive = vec![("ECG".into(), array(3.0)), ("fs".into(), array(256.0)), ("eda".into(), array(1.0))];
        assert_eq!(from_archive(archive.clone(), "ecg").unwrap(), (array(3.0), Some(256.0)));
        assert!(from_archive(archive, "eeg").unwrap_err().contains("no array \"eeg\"; there are ECG, fs, eda"));
    }

    #[test]
    fn signals_are_fitted_and_it_is_said_how() {
        let signal = |n: usize, rate: Option<f64>| Signal { channels: vec![(0..n).map(|i| i as f32).collect()], rate };
        let fit = |s: Signal, known| s.fit(known, 100.0, 4).unwrap();
        assert_eq!(fit(signal(8, Some(100.0)), None), (vec![2.0, 3.0, 4.0, 5.0], Fitted { cut: true, ..Fitted::default() }));
        assert_eq!(fit(signal(3, None), Some(100.0)), (vec![0.0, 1.0, 2.0, 1.0], Fitted { filled: true, ..Fitted::default() }));
        assert!(fit(signal(4, None), None).1.assumed && fit(signal(8, Some(200.0)), Some(100.0)).1.resampled);
        assert!(signal(4, Some(0.0)).fit(None, 100.0, 4).is_err());
        // A sine far below both rates stays the same sine.
        let sine = |n: usize, rate: f64| (0..n).map(|i| (std::f64::consts::TAU * 3.0 * i as f64 / rate).sin() as f32).collect::<Vec<_>>();
        for (from, to) in [(256.0, 128.0), (100.0, 128.0)] {
            let got = resample(&sine((2.0 * from) as usize, from), from, to);
            let inner = got.len() / 4..3 * got.len() / 4;
            let worst = inner.map(|i| (got[i] - sine(got.len(), to)[i]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{from} to {to} Hz: {worst}");
        }
        // One above half the new rate is gone.
        let high: Vec<f32> = (0..1024).map(|i| (std::f64::consts::TAU * 100.0 * f64::from(i) / 256.0).sin() as f32).collect();
        assert!(resample(&high, 256.0, 128.0)[100..400].iter().all(|v| v.abs() < 2e-2));
    }
}
