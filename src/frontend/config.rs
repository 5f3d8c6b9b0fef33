//! What the front ends are: the `[frontend]`, `[image]`, `[sequence]`, `[frames]`, `[vector]` and `[signal]` sections of a configuration.

use crate::ops::{Framing, Padding, Resize, Window};
use crate::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// Frequency warping of the mel bands.
    MelScale {
        /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox).
        Slaney = "slaney",
        /// 2595 log10(1 + f/700).
        Htk = "htk",
    }
    /// Scaling of the mel triangles.
    MelNorm {
        /// Unit area: each triangle times 2 / its width in Hz.
        Slaney = "slaney",
        /// Unit height.
        None = "none",
    }
    /// What is done about noise in recordings.
    Denoise {
        /// Nothing.
        None = "none",
        /// Power spectral subtraction (Berouti et al. 1979) as released with Res-Trans.
        Berouti = "berouti",
    }
    /// What of a recording is taken.
    Extent {
        /// All of it, as it is.
        Whole = "whole",
        /// The stretch of speech, without offset, at one level.
        Speech = "speech",
    }
    /// How clips of different lengths become images of one width.
    Fit {
        /// The whole clip is resized, whatever its length.
        Stretch = "stretch",
        /// Time keeps its scale: `image.seconds` are shown, shorter clips padded with silence.
        Pad = "pad",
    }
    /// Scaling of a network's inputs.
    Normalise {
        /// Zero mean and unit variance over the training set.
        Train = "train",
        /// As they are.
        None = "none",
    }
}

/// `[frontend]`: from samples to mel bands in dB. The sample rate and what is done about noise hold for all inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontend {
    /// Samples per second after resampling.
    pub sample_rate: u32,
    /// What is done about noise before anything else; earlier versions did nothing.
    #[serde(default = "nothing")]
    pub denoise: Denoise,
    /// What of a recording is taken; earlier versions took the whole.
    #[serde(default = "whole")]
    pub extent: Extent,
    /// Coefficient a of y\[n\] = x\[n\] - a x\[n-1\]; 0 for none.
    pub pre_emphasis: f64,
    /// Analysis window.
    pub window: Window,
    /// Samples that stand outside the clip in its first and last frames.
    pub padding: Padding,
    /// Window length, samples.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Points of the Fourier transform, a power of two, at least `frame`.
    pub n_fft: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lower edge of the lowest band, Hz.
    pub f_min: f64,
    /// Upper edge of the highest band, Hz.
    pub f_max: f64,
    /// Frequency warping.
    pub mel_scale: MelScale,
    /// Scaling of the triangles.
    pub mel_norm: MelNorm,
    /// Exponent of the magnitude spectrum: 1 or 2.
    pub power: f64,
    /// Lowest level kept, dB relative to the clip's own maximum.
    pub db_floor: f64,
}

/// `[image]`: from mel bands to the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Columns, and rows unless `height` says otherwise.
    pub size: usize,
    /// Rows; 0 for as many as columns.
    #[serde(default)]
    pub height: usize,
    /// How lengths are made equal.
    pub fit: Fit,
    /// How values are resampled.
    pub resize: Resize,
    /// Seconds shown when `fit` is `pad`.
    pub seconds: f64,
    /// 1: the spectrogram; 3: with its first and second differences over time.
    pub channels: usize,
    /// Scaling of the values.
    pub normalise: Normalise,
}

/// `[sequence]`: from samples to a sequence of features of long frames (Atmaja & Akagi 2019).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Frames of a sequence: longer ones are cut at the end, shorter ones filled with zeros.
    pub frames: usize,
    /// Samples below this share of the clip's largest magnitude are quiet.
    pub silence_threshold: f64,
    /// Runs of quiet samples that last at least so many seconds are removed.
    pub min_silence: f64,
    /// Frame length, samples.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Scaling of the features.
    pub normalise: Normalise,
}

/// `[frames]`: from samples to frames of log-mel bands (Radford et al. 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frames {
    /// Seconds of the longest recording taken, the tenth of a second of silence behind it included; of longer ones the end is cut off.
    pub seconds: f64,
}

/// `[vector]`: from samples to means and standard deviations of cepstra and their slopes (Prasetya et al. 2019).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Window length, samples.
    pub frame: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Points of the Fourier transform, a power of two, at least `frame`.
    pub n_fft: usize,
    /// Mel bands, from 0 Hz to half the sample rate.
    pub n_mels: usize,
    /// Cepstral coefficients, at most as many as bands.
    pub cepstra: usize,
}

/// `[signal]`: recorded signals as networks of physiological signals take them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Samples per second; signals recorded at another rate are resampled.
    pub rate: f64,
    /// Scaling of each channel.
    pub normalise: Normalise,
}

impl Image {
    /// Rows and columns.
    pub fn extents(&self) -> (usize, usize) {
        (if self.height == 0 { self.size } else { self.height }, self.size)
    }
}

/// What earlier versions did about noise.
fn nothing() -> Denoise {
    Denoise::None
}

/// What earlier versions took of a recording.
fn whole() -> Extent {
    Extent::Whole
}

impl Frontend {
    /// Pre-emphasis, framing and Fourier transform.
    pub fn framing(&self) -> Framing {
        Framing {
            window: self.window,
            win_length: self.frame,
            hop: self.hop,
            n_fft: self.n_fft,
            padding: self.padding,
            pre_emphasis: self.pre_emphasis as f32,
        }
    }
}
