//! What to tell of recordings by their sound: too long for what hears them, silent.

use crate::audio::is_silent;
use crate::data::Loaded;
use crate::frontend::{Extent, Inputs, speech};
use crate::{Error, text};

/// How many clips are longer than the network takes, and the first of them.
pub(super) fn cut(loaded: &Loaded, kind: &Inputs) -> Option<String> {
    let Inputs::Frames(frontend, frames) = kind else { return None };
    let taken = |samples: &[f32]| match frontend.extent {
        Extent::Whole => samples.len(),
        Extent::Speech => speech::speech(samples, frontend.sample_rate).len(),
    };
    let long = |samples: &[f32]| samples.len() > frames.longest() && taken(samples) > frames.longest();
    let mut cut = loaded.corpus.utterances.iter().zip(&loaded.clips).filter(|(_, clip)| long(&clip.samples));
    let (first, _) = cut.next()?;
    let (n, all, seconds, first) = (1 + cut.count(), loaded.clips.len(), frames.seconds, first.path.display());
    Some(format!("of {n} of {all} clips the end is cut off: they are longer than frames.seconds = {seconds}, such as {first}"))
}

/// How many clips are silent, and the first of them.
pub(super) fn silent(loaded: &Loaded) -> Option<String> {
    let mut silent = loaded.corpus.utterances.iter().zip(&loaded.clips).filter(|(_, clip)| is_silent(&clip.samples)).map(|(u, _)| u);
    let first = silent.next()?.path.display();
    let clips = loaded.clips.len();
    Some(match silent.count() {
        0 => format!("1 of {clips} clips is silent and says nothing of its label: {first}"),
        more => format!("{} of {clips} clips are silent and say nothing of their labels: {first} and {more} more", more + 1),
    })
}

/// Names the longest of the recordings `part` where they ask for more memory than there is.
pub(super) fn too_long(error: Error, loaded: &Loaded, part: &[usize]) -> Error {
    let longest = part.iter().copied().max_by_key(|&i| loaded.clips[i].samples.len());
    let (true, Some(i)) = (matches!(error, Error::OutOfMemory { .. } | Error::Allocation { .. }), longest) else { return error };
    let (path, clip) = (text::path(&loaded.corpus.utterances[i].path), &loaded.clips[i]);
    let seconds = clip.samples.len() as f64 / f64::from(clip.sample_rate);
    Error::Data(format!(
        "{path}: lasts {seconds:.0} s, and is heard at once in training ({error}); leave it out, or list its parts in a manifest with start and end \
         in seconds"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio;
    use crate::data::{Corpus, Utterance, load_clips};

    #[test]
    fn the_longest_recording_is_named_where_memory_does_not_suffice() {
        let dir = tempfile::tempdir().unwrap();
        let utterances = (1..4).map(|seconds: usize| {
            let path = dir.path().join(format!("{seconds}.wav"));
            audio::write_wav(&path, &vec![0.1 * seconds as f32; seconds * 16_000], 16_000).unwrap();
            Utterance { path, label: "joy".into(), ..Utterance::default() }
        });
        let corpus = Corpus { utterances: utterances.collect(), ..Corpus::default() };
        let loaded = load_clips(&corpus, false, &|_, _| ()).unwrap();
        let full = || Error::OutOfMemory { needed: 9, available: 1, fits_batch: None };
        let named = too_long(full(), &loaded, &[0, 1]).to_string();
        assert!(named.contains("2.wav: lasts 2 s") && named.contains("start and end"), "{named}");
        assert_eq!(too_long(full(), &loaded, &[]).to_string(), full().to_string());
        assert_eq!(too_long(Error::Data("other".into()), &loaded, &[0]).to_string(), Error::Data("other".into()).to_string());
    }
}
