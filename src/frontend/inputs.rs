//! Which front end feeds a network: the one place where it is chosen.

use super::{Frontend, Image, Sequence, Signal, Vector};

/// Features of a frame of a sequence.
pub const FEATURES: usize = 34;

/// What makes a network's inputs of clips.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// Images of mel bands over time.
    Images(Frontend, Image),
    /// Sequences of features of clips at a sample rate.
    Sequences(u32, Sequence),
    /// Statistics of the cepstra of clips at a sample rate.
    Vectors(u32, Vector),
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
    /// Shape of one input: (C, H, W), (T, F), (F), or a flat row.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Inputs::Images(_, image) => {
                let (rows, columns) = image.extents();
                vec![image.channels, rows, columns]
            }
            Inputs::Sequences(_, sequence) => vec![sequence.frames, FEATURES],
            // Values, slopes and slopes of slopes: a mean and a deviation of each.
            Inputs::Vectors(_, vector) => vec![6 * vector.cepstra],
            Inputs::Signals(signals) => vec![signals.spans().iter().sum()],
        }
    }

    /// How many parts of an input have a mean and a deviation of their own: channels of an image or a signal, features of a frame. Vectors are not
    /// normalised here: their networks have a mean and a deviation of their own.
    pub fn normalised(&self) -> usize {
        match self {
            Inputs::Images(_, image) => image.channels,
            Inputs::Sequences(..) => FEATURES,
            Inputs::Vectors(..) => 0,
            Inputs::Signals(signals) => signals.spans().len(),
        }
    }

    /// Samples between frames.
    pub fn hop(&self) -> usize {
        match self {
            Inputs::Images(frontend, _) => frontend.hop,
            Inputs::Sequences(_, sequence) => sequence.hop,
            Inputs::Vectors(_, vector) => vector.hop,
            Inputs::Signals(signals) => signals.audio.as_ref().map_or(1, |(frontend, _)| frontend.hop),
        }
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Inputs::Images(frontend, _) => frontend.sample_rate,
            Inputs::Sequences(rate, _) | Inputs::Vectors(rate, _) => *rate,
            Inputs::Signals(signals) => signals.audio.as_ref().map_or(crate::audio::SAMPLE_RATE, |(frontend, _)| frontend.sample_rate),
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
            Inputs::Vectors(..) => "vectors",
            Inputs::Signals(..) => "signals",
        }
    }
}
