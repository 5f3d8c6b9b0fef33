//! Which front end feeds a network: the one place where it is chosen.

use super::{
    Denoise, Extent, Frames, Frontend, Image, Sequence, Signal, Vector, denoise, frames, image, log_mel, sequence, speech, vector,
};
use crate::audio::SAMPLE_RATE;
use crate::graph::{Graph, Var};
use crate::ops;
use crate::{Error, Result};
use std::borrow::Cow;

/// Features of a frame of a sequence.
pub const FEATURES: usize = ops::SHORT_TERM_FEATURES;

/// What makes a network's inputs of clips.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// Images of mel bands over time.
    Images(Frontend, Image),
    /// Sequences of features; of the front end only the sample rate and what is done about noise.
    Sequences(Frontend, Sequence),
    /// Frames of log-mel bands, as many as a clip has; of the front end the same.
    Frames(Frontend, Frames),
    /// Statistics of cepstra; of the front end the same.
    Vectors(Frontend, Vector),
    /// Recorded signals, and images of speech behind them.
    Signals(Signals),
}

/// Signals of several modalities in one flat row: channel after channel of ECG, of EEG, and an image of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Signals {
    /// Channels of ECG and of EEG.
    pub channels: [usize; 2],
    /// Samples of each channel.
    pub length: usize,
    /// Rate and scaling.
    pub signal: Signal,
    /// What makes the image of speech; its channels are the modality's.
    pub audio: Option<(Frontend, Image)>,
}

impl Signals {
    /// Names of the signals, in the order of [`Signals::channels`].
    pub const NAMES: [&'static str; 2] = ["ecg", "eeg"];

    /// Values of each part of a row that has a scale of its own: channels of signals, then of the image.
    pub fn spans(&self) -> Vec<usize> {
        let signals = vec![self.length; self.channels.iter().sum()];
        let image = self.audio.as_ref().map_or_else(Vec::new, |(_, i)| vec![i.extents().0 * i.extents().1; i.channels]);
        [signals, image].concat()
    }
}

impl Inputs {
    /// Shape of one input: (C, H, W), (T, F), (F), or a flat row. Of frames it is the most there may be; a clip's row has its own number.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Inputs::Images(_, image) => {
                let (rows, columns) = image.extents();
                vec![image.channels, rows, columns]
            }
            Inputs::Sequences(_, sequence) => vec![sequence.frames, FEATURES],
            Inputs::Frames(_, of) => vec![of.most(), frames::BANDS],
            // Values, slopes and slopes of slopes: a mean and a deviation of each.
            Inputs::Vectors(_, vector) => vec![6 * vector.cepstra],
            Inputs::Signals(signals) => vec![signals.spans().iter().sum()],
        }
    }

    /// How many parts of an input have a mean and a deviation of their own: channels of an image or a signal, features of a frame. Vectors are not
    /// normalised here: their networks have a mean and a deviation of their own; nor are frames, whose scale their networks were made for.
    pub fn normalised(&self) -> usize {
        match self {
            Inputs::Images(_, image) => image.channels,
            Inputs::Sequences(..) => FEATURES,
            Inputs::Vectors(..) | Inputs::Frames(..) => 0,
            Inputs::Signals(signals) => signals.spans().len(),
        }
    }

    /// Samples between frames.
    pub fn hop(&self) -> usize {
        match self {
            Inputs::Images(frontend, _) => frontend.hop,
            Inputs::Sequences(_, sequence) => sequence.hop,
            Inputs::Frames(..) => frames::HOP,
            Inputs::Vectors(_, vector) => vector.hop,
            Inputs::Signals(signals) => signals.audio.as_ref().map_or(1, |(frontend, _)| frontend.hop),
        }
    }

    /// What all inputs of recordings have in common; none of signals without speech.
    fn frontend(&self) -> Option<&Frontend> {
        match self {
            Inputs::Images(frontend, _) | Inputs::Sequences(frontend, _) | Inputs::Frames(frontend, _) | Inputs::Vectors(frontend, _) => {
                Some(frontend)
            }
            Inputs::Signals(signals) => signals.audio.as_ref().map(|(frontend, _)| frontend),
        }
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.frontend().map_or(SAMPLE_RATE, |frontend| frontend.sample_rate)
    }

    /// What the host makes of a clip before its samples go to the device.
    ///
    /// # Errors
    /// None for finite samples.
    pub(super) fn signal<'a>(&self, clip: &'a [f32]) -> Result<Cow<'a, [f32]>> {
        let clean = match self.frontend().map_or(Denoise::None, |frontend| frontend.denoise) {
            Denoise::None => Cow::Borrowed(clip),
            Denoise::Berouti => Cow::Owned(denoise::berouti(clip, self.sample_rate())?),
        };
        let clean = match self.frontend().map_or(Extent::Whole, |frontend| frontend.extent) {
            Extent::Whole => clean,
            Extent::Speech => Cow::Owned(speech::speech(&clean, self.sample_rate()).into_owned()),
        };
        Ok(match self {
            Inputs::Sequences(frontend, sequence) => Cow::Owned(sequence::signal(&clean, frontend.sample_rate, sequence)),
            Inputs::Frames(_, of) => Cow::Owned(frames::signal(&clean, of)),
            Inputs::Images(..) | Inputs::Vectors(..) | Inputs::Signals(..) => clean,
        })
    }

    /// What the device makes of signals `x` (B, N) of `lengths` (B).
    ///
    /// # Errors
    /// Settings that no transform or filter bank can have.
    pub(super) fn graph(&self, g: &mut Graph, x: Var, lengths: Var) -> Result<Var> {
        match self {
            Inputs::Images(frontend, picture) | Inputs::Signals(Signals { audio: Some((frontend, picture)), .. }) => {
                let mel = log_mel(g, x, lengths, frontend)?;
                image(g, mel, lengths, frontend, picture)
            }
            Inputs::Sequences(frontend, sequence) => sequence::frames(g, x, lengths, frontend.sample_rate, sequence),
            Inputs::Frames(..) => frames::log_mel(g, x, lengths),
            Inputs::Vectors(frontend, vector) => vector::statistics(g, x, lengths, frontend.sample_rate, vector),
            Inputs::Signals(_) => Err(Error::Config("signals without speech are read, not made of recordings".into())),
        }
    }

    /// The input, from what the device made of a signal of `samples`.
    pub(super) fn fit(&self, made: &[f32], samples: usize) -> Vec<f32> {
        match self {
            Inputs::Sequences(_, sequence) => sequence::fit(made, samples, sequence),
            Inputs::Frames(..) => made[..samples / frames::HOP * frames::BANDS].to_vec(),
            Inputs::Images(..) | Inputs::Vectors(..) | Inputs::Signals(..) => made.to_vec(),
        }
    }

    /// What the inputs are, in words.
    pub fn describe(&self) -> String {
        match self {
            Inputs::Images(_, image) => {
                let (rows, columns) = image.extents();
                format!("images {rows} x {columns}")
            }
            Inputs::Sequences(_, sequence) => format!("sequences of {} frames of {FEATURES} features", sequence.frames),
            Inputs::Frames(_, of) => format!("at most {} frames of {} mel bands", of.most(), frames::BANDS),
            Inputs::Vectors(_, vector) => format!("vectors of {} statistics", 6 * vector.cepstra),
            Inputs::Signals(s) => {
                let names = Signals::NAMES.iter().zip(s.channels).filter(|(_, c)| *c > 0).map(|(name, c)| format!("{c} of {name}"));
                let channels = names.collect::<Vec<_>>().join(" and ");
                let image = s.audio.as_ref().map_or_else(String::new, |(_, i)| format!(", images {} x {}", i.extents().0, i.extents().1));
                format!("signals of {} samples at {} Hz, channels: {channels}{image}", s.length, s.signal.rate)
            }
        }
    }

    /// What one is called.
    pub fn plural(&self) -> &'static str {
        match self {
            Inputs::Images(..) => "images",
            Inputs::Sequences(..) => "sequences",
            Inputs::Frames(..) => "frames",
            Inputs::Vectors(..) => "vectors",
            Inputs::Signals(..) => "signals",
        }
    }
}
