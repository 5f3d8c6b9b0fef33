//! All recordings of a corpus in memory, decoded by as many threads as there are cores.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use sha2::{Digest, Sha256};

use super::signal::Fitted;
use super::{
    Corpus, Split, SplitSpec, Utterance, physiology,
    remarks::Remarks,
    windows::{Window, Windows},
};
use crate::{
    Error, Result,
    audio::{self, Clip, Part},
    frontend::Signals,
    hash::hex,
    parallel,
};

/// Samples a corpus may have in memory: 16 GiB, 74 hours.
const MAX_SAMPLES: u64 = 4 << 30;
/// How many unreadable recordings an error lists.
const LISTED: usize = 10;

/// A corpus with its sound.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The utterances that could be read; `clips` is parallel to them, and a [`Split`] indexes both.
    pub corpus: Corpus,
    /// Their sound.
    pub clips: Vec<Clip>,
    /// Where each came in the corpus given.
    pub kept: Vec<usize>,
    /// Recordings left out, with one line of reason; they are in the corpus's [`LeftOut`](super::LeftOut) too.
    pub bad: Vec<(PathBuf, String)>,
    /// SHA-256, in hex, of labels, speakers and file contents in order: the same data, wherever they lie.
    pub data_hash: String,
    /// SHA-256 of every clip's samples: equal where one recording occurs twice, whatever its container.
    pub digests: Vec<[u8; 32]>,
    /// Signals of each utterance as a network takes them, channel after channel, where it takes signals.
    pub signals: Vec<Vec<f32>>,
}

impl Loaded {
    /// Divides the corpus as [`Split::new`] and keeps copies of a recording on one side.
    ///
    /// # Errors
    /// Those of [`Split::new`] and [`Split::settle_duplicates`].
    pub fn split(&self, spec: &SplitSpec, seed: u64) -> Result<Split> {
        Split::new(&self.corpus, spec, seed)?.settle_duplicates(&self.corpus, &self.digests, spec)
    }

    /// Adds the recordings of `new` behind the others, but for copies of these. Returns what to tell the user.
    ///
    /// # Errors
    /// [`Error::Data`] where none is left.
    pub fn append(&mut self, new: Loaded) -> Result<Vec<String>> {
        let mut notes = new.corpus.notes.clone();
        self.corpus.left_out.extend(new.corpus.left_out);
        let ours: HashSet<[u8; 32]> = self.digests.iter().copied().collect();
        let (all, before) = (new.clips.len(), self.clips.len());
        let recordings = new.corpus.utterances.into_iter().zip(new.clips).zip(new.digests.into_iter().zip(new.signals));
        for ((utterance, clip), (digest, signals)) in recordings.filter(|(_, (digest, _))| !ours.contains(digest)) {
            self.kept.push(self.kept.len());
            self.corpus.utterances.push(utterance);
            self.clips.push(clip);
            self.digests.push(digest);
            self.signals.push(signals);
        }
        let joined = self.clips.len() - before;
        if joined < all {
            notes.push(format!("{} of {all} recordings are copies of others: left out", all - joined));
        }
        if joined == 0 {
            return Err(Error::Data(format!("no recording is left to learn from: {}", notes.join("; "))));
        }
        let both = Sha256::new().chain_update(&self.data_hash).chain_update(&new.data_hash);
        self.data_hash = hex(&both.finalize());
        Ok(notes)
    }

    /// Adds number `kept` of the corpus given, or a window of it.
    fn push(&mut self, kept: usize, (utterance, clip, digest): Window, signals: Vec<f32>) {
        self.corpus.utterances.push(utterance);
        self.clips.push(clip);
        self.kept.push(kept);
        self.digests.push(digest);
        self.signals.push(signals);
    }

    /// Length of all clips in hours.
    pub fn hours(&self) -> f64 {
        self.clips.iter().map(|c| c.duration_s).sum::<f64>() / 3600.0
    }
}

struct Read {
    clip: Clip,
    file: [u8; 32],
    samples: [u8; 32],
    signals: Vec<f32>,
    fitted: Vec<Fitted>,
}

/// Loads every recording of `corpus`. `progress(done, total)` is called from the loading threads after each.
///
/// # Errors
/// [`Error::Data`] when more than one in a hundred recordings are unreadable and `skip_bad` is false, when none is readable,
/// or when the corpus would not fit 74 hours.
pub fn load_clips(corpus: &Corpus, skip_bad: bool, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Loaded> {
    load(corpus, None, skip_bad, progress)
}

/// Loads every utterance of `corpus`: its recording of speech, or its signals and, where they come with speech, that too. A recording of speech
/// alone that is longer than [`audio::WHOLE_S`] becomes one utterance for each of its windows of [`audio::WINDOW_S`].
///
/// # Errors
/// As [`load_clips`].
pub fn load(corpus: &Corpus, spec: Option<&Signals>, skip_bad: bool, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Loaded> {
    let results = read_all(corpus, spec, progress)?;
    let total = results.len();
    let kept = Corpus { utterances: vec![], ..corpus.clone() };
    let mut loaded =
        Loaded { corpus: kept, clips: vec![], kept: vec![], bad: vec![], data_hash: String::new(), digests: vec![], signals: vec![] };
    let (mut fitted, mut windows, mut remarks) = (Vec::new(), Windows::default(), Remarks::default());
    let mut hash = Sha256::new();
    for (i, (utterance, result)) in corpus.utterances.iter().zip(results).enumerate() {
        match result {
            Ok(Read { clip, file, samples, signals, fitted: own }) => {
                for text in [&utterance.label, &utterance.speaker] {
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text.as_bytes());
                }
                hash.update(file);
                hash.update(utterance.column("weight").unwrap_or_default());
                for what in in_part(&clip.notes) {
                    loaded.corpus.left_out.add(format!("in part: {what}"), utterance.name());
                }
                remarks.add(&clip.notes, || utterance.name());
                fitted.extend(own);
                if spec.is_some() {
                    loaded.push(i, (utterance.clone(), clip, samples), signals);
                } else {
                    windows.of(utterance, clip, samples).into_iter().for_each(|window| loaded.push(i, window, Vec::new()));
                }
            }
            Err(reason) => {
                loaded.corpus.left_out.add(format!("unreadable ({reason})"), utterance.name());
                loaded.bad.push((utterance.path.clone(), reason));
            }
        }
    }
    loaded.corpus.notes.extend(windows.note().into_iter().chain(remarks.lines()));
    loaded.corpus.notes.extend(spec.into_iter().flat_map(|s| physiology::notes(s, &fitted)));
    loaded.data_hash = hex(&hash.finalize());
    let bad = loaded.bad.len();
    if loaded.clips.is_empty() || (!skip_bad && bad * 100 > total) {
        let listed: Vec<String> = loaded.bad.iter().take(LISTED).map(|(path, reason)| format!("{}: {reason}", path.display())).collect();
        let more = if bad > LISTED { format!("; and {} more", bad - LISTED) } else { String::new() };
        let way = if skip_bad { "none is left" } else { "--skip-bad goes on without them; up to one in a hundred is left out without it" };
        let name = &corpus.name;
        return Err(Error::Data(format!("{bad} of {total} recordings of {name} are unreadable ({way}): {}{more}", listed.join("; "))));
    }
    Ok(loaded)
}

/// What of a recording that was read is not there.
fn in_part(notes: &audio::Notes) -> impl Iterator<Item = &'static str> {
    let kinds = [
        (notes.cut, "the file is cut short"),
        (notes.lost_packets > 0, "some of it cannot be decoded"),
        (notes.missing_s > 0.0, "the wanted stretch ends behind the end of the recording"),
    ];
    kinds.into_iter().filter(|(is, _)| *is).map(|(_, what)| what)
}

/// Every recording, or why it cannot be read.
fn read_all(corpus: &Corpus, signals: Option<&Signals>, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Vec<Result<Read, String>>> {
    let total = corpus.utterances.len();
    let (done, samples) = (AtomicUsize::new(0), AtomicU64::new(0));
    let full = || samples.load(Ordering::Relaxed) > MAX_SAMPLES;
    let groups = by_recording(&corpus.utterances, signals.is_some());
    let results = parallel::map(parallel::cores(), groups.len(), |g| {
        let rows: Vec<&Utterance> = groups[g].iter().map(|&i| &corpus.utterances[i]).collect();
        let results = match (full(), signals) {
            (true, _) => rows.iter().map(|_| Err(String::new())).collect(),
            (false, Some(spec)) => rows.iter().map(|u| read(u, spec)).collect(),
            (false, None) => speech(&rows),
        };
        for result in &results {
            let read = result.as_ref().map_or(0, |r| r.clip.samples.len() + r.signals.len());
            samples.fetch_add(read as u64, Ordering::Relaxed);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        }
        results
    });
    let mut ordered: Vec<(usize, Result<Read, String>)> = groups.into_iter().flatten().zip(results.into_iter().flatten()).collect();
    ordered.sort_by_key(|(i, _)| *i);
    let results = ordered.into_iter().map(|(_, result)| result).collect();
    if full() {
        let hours = MAX_SAMPLES / u64::from(audio::SAMPLE_RATE) / 3600;
        return Err(Error::Data(format!("{}: more than {hours} hours of sound", corpus.name)));
    }
    Ok(results)
}

/// Numbers of utterances by their recording, which is read once; each apart where they have signals of their own.
fn by_recording(utterances: &[Utterance], apart: bool) -> Vec<Vec<usize>> {
    let (mut groups, mut known): (Vec<Vec<usize>>, HashMap<&Path, usize>) = (Vec::new(), HashMap::new());
    for (i, u) in utterances.iter().enumerate() {
        match known.get(u.path.as_path()).filter(|_| !apart) {
            Some(&group) => groups[group].push(i),
            None => {
                known.insert(&u.path, groups.len());
                groups.push(vec![i]);
            }
        }
    }
    groups
}

fn reason(error: Error) -> String {
    match error {
        Error::Audio { reason, .. } => reason,
        other => other.to_string(),
    }
}

/// Utterances of one recording.
fn speech(rows: &[&Utterance]) -> Vec<Result<Read, String>> {
    let Some(path) = rows.first().map(|u| u.path.as_path()) else { return Vec::new() };
    let parts: Vec<Part> = rows.iter().map(|u| u.part).collect();
    let decoded = audio::read(path).and_then(|bytes| Ok((Sha256::digest(&bytes), audio::load_bytes_parts(path, &bytes, &parts)?)));
    let (whole, clips) = match decoded {
        Ok(decoded) => decoded,
        Err(e) => {
            let reason = reason(e);
            return rows.iter().map(|_| Err(reason.clone())).collect();
        }
    };
    let read = |(u, clip): (&&Utterance, Result<Clip>)| {
        let clip = clip.map_err(reason)?;
        let file = match u.part == Part::default() {
            true => whole.into(),
            false => Sha256::new().chain_update(whole).chain_update(u.name().rsplit('#').next().unwrap_or_default()).finalize().into(),
        };
        let samples = Sha256::digest(bytemuck::cast_slice::<f32, u8>(&clip.samples)).into();
        Ok(Read { clip, file, samples, signals: Vec::new(), fitted: Vec::new() })
    };
    rows.iter().zip(clips).map(read).collect()
}

/// The signals of an utterance, and its speech where they come with some.
fn read(utterance: &Utterance, spec: &Signals) -> Result<Read, String> {
    let speech = |path: &Path| audio::load(path).map_err(reason);
    let (signals, fitted) = physiology::read(utterance, spec)?;
    let clip = match spec.audio {
        Some(_) => speech(physiology::speech(utterance).ok_or("no recording of speech (column path), which the network takes")?)?,
        None => Clip {
            samples: Vec::new(),
            sample_rate: audio::SAMPLE_RATE,
            source_rate: audio::SAMPLE_RATE,
            source_channels: 1,
            duration_s: spec.length as f64 / spec.signal.rate,
            notes: audio::Notes::default(),
        },
    };
    let parts = [signals.as_slice(), clip.samples.as_slice()].map(bytemuck::cast_slice::<f32, u8>).concat();
    let samples: [u8; 32] = Sha256::digest(&parts).into();
    Ok(Read { clip, file: samples, samples, signals, fitted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Utterance;

    fn corpus(dir: &Path, count: usize) -> Corpus {
        let utterances = (0..count)
            .map(|i| {
                let path = dir.join(format!("{i}.wav"));
                audio::write_wav(&path, &[i as f32 / count as f32; 50], 16_000).unwrap();
                Utterance { path, label: ["a", "b"][i % 2].into(), speaker: format!("s{}", i / 10), ..Default::default() }
            })
            .collect();
        Corpus { name: "test".into(), utterances, ..Corpus::default() }
    }

    #[test]
    fn clips_come_in_order_and_the_hash_follows_contents() {
        let dir = tempfile::tempdir().unwrap();
        let mut corpus = corpus(dir.path(), 40);
        let calls = AtomicUsize::new(0);
        let first = load_clips(&corpus, false, &|done, total| {
            assert!(done <= total && total == 40);
            calls.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(calls.into_inner(), 40);
        assert!(first.clips.iter().enumerate().all(|(i, c)| (c.samples[0] - i as f32 / 40.0).abs() < 1e-4));
        assert_eq!(first.data_hash.len(), 64);
        assert!((first.hours() - 2000.0 / 16_000.0 / 3600.0).abs() < 1e-9);
        let moved = tempfile::tempdir().unwrap();
        for u in &mut corpus.utterances {
            let to = moved.path().join(u.path.file_name().unwrap());
            std::fs::copy(&u.path, &to).unwrap();
            u.path = to;
        }
        assert_eq!(load_clips(&corpus, false, &|_, _| ()).unwrap().data_hash, first.data_hash);
        corpus.utterances[3].label = "a".into();
        assert_ne!(load_clips(&corpus, false, &|_, _| ()).unwrap().data_hash, first.data_hash);
    }

    #[test]
    fn unreadable_recordings() {
        let dir = tempfile::tempdir().unwrap();
        let mut corpus = corpus(dir.path(), 100);
        std::fs::write(&corpus.utterances[7].path, "no sound").unwrap();
        let loaded = load_clips(&corpus, false, &|_, _| ()).unwrap();
        assert_eq!((loaded.clips.len(), loaded.bad.len(), loaded.kept[7]), (99, 1, 8));
        assert!(loaded.bad[0].0.ends_with("7.wav") && loaded.bad[0].1.contains("not a recording"));
        assert_eq!(loaded.corpus.utterances.len(), 99);
        corpus.utterances[8].path = dir.path().join("missing.wav");
        let error = load_clips(&corpus, false, &|_, _| ()).unwrap_err().to_string();
        assert!(error.contains("2 of 100") && error.contains("missing.wav") && !error.contains('\n'), "{error}");
        assert_eq!(load_clips(&corpus, true, &|_, _| ()).unwrap().bad.len(), 2);
        corpus.utterances.retain(|u| u.path.ends_with("7.wav"));
        assert!(load_clips(&corpus, true, &|_, _| ()).is_err());
    }

    #[test]
    fn copies_are_found_across_containers() {
        let dir = tempfile::tempdir().unwrap();
        let mut corpus = corpus(dir.path(), 50);
        // The same samples with a stray chunk behind them: other bytes, same sound.
        let copy = dir.path().join("copy.wav");
        let bytes = [std::fs::read(&corpus.utterances[0].path).unwrap(), b"note\x02\0\0\0hi".to_vec()].concat();
        std::fs::write(&copy, bytes).unwrap();
        corpus.utterances[45].path = copy;
        let loaded = load_clips(&corpus, false, &|_, _| ()).unwrap();
        let error = loaded.split(&"loso:s4".parse().unwrap(), 1).unwrap_err().to_string();
        assert!(error.contains("copy.wav") && error.contains("0.wav"), "{error}");
    }
}
