//! Which front end feeds a network: the one place where it is chosen.

use super::{Frontend, Image, Sequence, Vector};

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
}

impl Inputs {
    /// Shape of one input: (C, S, S), (T, F) or (F).
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Inputs::Images(_, image) => vec![image.channels, image.size, image.size],
            Inputs::Sequences(_, sequence) => vec![sequence.frames, FEATURES],
            // Values, slopes and slopes of slopes: a mean and a deviation of each.
            Inputs::Vectors(_, vector) => vec![6 * vector.cepstra],
        }
    }

    /// How many parts of an input have a mean and a deviation of their own: channels of an image, features of a frame. Vectors are not
    /// normalised here: their networks have a mean and a deviation of their own.
    pub fn normalised(&self) -> usize {
        match self {
            Inputs::Images(_, image) => image.channels,
            Inputs::Sequences(..) => FEATURES,
            Inputs::Vectors(..) => 0,
        }
    }

    /// Samples between frames.
    pub fn hop(&self) -> usize {
        match self {
            Inputs::Images(frontend, _) => frontend.hop,
            Inputs::Sequences(_, sequence) => sequence.hop,
            Inputs::Vectors(_, vector) => vector.hop,
        }
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Inputs::Images(frontend, _) => frontend.sample_rate,
            Inputs::Sequences(rate, _) | Inputs::Vectors(rate, _) => *rate,
        }
    }

    /// What the inputs are, in words.
    pub fn describe(&self) -> String {
        match self {
            Inputs::Images(_, image) => format!("images {0} x {0}", image.size),
            Inputs::Sequences(_, sequence) => format!("sequences of {} frames of {FEATURES} features", sequence.frames),
            Inputs::Vectors(_, vector) => format!("vectors of {} statistics", 6 * vector.cepstra),
        }
    }

    /// What one is called.
    pub fn plural(&self) -> &'static str {
        match self {
            Inputs::Images(..) => "images",
            Inputs::Sequences(..) => "sequences",
            Inputs::Vectors(..) => "vectors",
        }
    }
}
