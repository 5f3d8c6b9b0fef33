//! The built-in synthetic corpus, in memory: speech, and signals of the same people where a network takes them.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::synth::{self, LABELS, SynthConfig};
use super::{Corpus, Loaded, Utterance};
use crate::audio::{Clip, Notes, SAMPLE_RATE};
use crate::frontend::Signals;
use crate::hash::hex;

/// Decibels of speech over the noise around it where it is one modality of several: none tells everything alone.
const SNR: f64 = -5.0;

/// Twenty speakers who say ten clips of each emotion. With `signals`, forty who say five, in noise, and as many windows of their hearts and
/// brains: people differ more in these than in their voices, and weights of modalities are found on few of them.
pub fn built_in(seed: u64, signals: Option<&Signals>) -> Loaded {
    let (speakers, clips_per_emotion_per_speaker) = if signals.is_some() { (40, 5) } else { (20, 10) };
    let config = SynthConfig { speakers, clips_per_emotion_per_speaker, seed };
    let rows = signals.map_or_else(Vec::new, |spec| synth::signals(&config, spec.channels, spec.signal.rate, spec.length));
    let mut all = Sha256::new();
    let (mut utterances, mut clips, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for (i, mut clip) in synth::synthesise(&config).into_iter().enumerate() {
        if signals.is_some() {
            synth::into_noise(&mut clip, SNR, seed, i);
        }
        let mut digest = Sha256::new().chain_update(bytemuck::cast_slice::<f32, u8>(&clip.samples));
        if let Some(row) = rows.get(i) {
            digest.update(bytemuck::cast_slice::<f32, u8>(row));
        }
        let digest: [u8; 32] = digest.finalize().into();
        all.update(digest);
        digests.push(digest);
        let path = PathBuf::from(format!("synthetic/{}.wav", clip.name));
        utterances.push(Utterance { path, label: clip.label.into(), speaker: clip.speaker, ..Utterance::default() });
        clips.push(Clip {
            duration_s: clip.samples.len() as f64 / f64::from(SAMPLE_RATE),
            samples: clip.samples,
            sample_rate: SAMPLE_RATE,
            source_rate: SAMPLE_RATE,
            source_channels: 1,
            notes: Notes::default(),
        });
    }
    let notes = match signals {
        Some(_) => vec![format!(
            "the signals are synthetic, of {} people in {}, and their speech is in noise of {} dB more",
            config.speakers,
            LABELS.join(", "),
            -SNR
        )],
        None => Vec::new(),
    };
    let (kept, data_hash) = ((0..clips.len()).collect(), hex(&all.finalize()));
    let corpus = Corpus { name: "synthetic".into(), utterances, notes, ..Corpus::default() };
    Loaded { corpus, clips, kept, bad: Vec::new(), data_hash, digests, signals: rows }
}
