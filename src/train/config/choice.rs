//! Values that are one of a few words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The candidate most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |c: &&str| strsim::normalized_damerau_levenshtein(name, c).max(0.9 * strsim::jaro_winkler(name, c));
    let best = candidates.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(&best) > 0.6).then_some(best)
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All words this value can be.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The word of this value.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($text => Ok($name::$variant),)+
                    _ => {
                        let hint = nearest(word, Self::NAMES.iter().copied()).map_or_else(String::new, |n| format!("; did you mean {n:?}?"));
                        Err(format!("{word:?} is not one of {}{hint}", Self::NAMES.join(", ")))
                    }
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                word.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> &'static str {
                value.name()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    )+};
}

choices! {
    /// Analysis window.
    Window {
        /// 0.54 - 0.46 cos.
        Hamming = "hamming",
        /// 0.5 - 0.5 cos.
        Hann = "hann",
    }
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
    /// How clips of different lengths become images of one width.
    Fit {
        /// The whole clip is resized, whatever its length.
        Stretch = "stretch",
        /// Time keeps its scale: `image.seconds` are shown, shorter clips padded with silence.
        Pad = "pad",
    }
    /// Resampling of spectrograms to images.
    Resize {
        /// The nearest value, as the published images were drawn.
        Nearest = "nearest",
        /// The mean over the pixel's area.
        Area = "area",
        /// Linear between four neighbours.
        Bilinear = "bilinear",
    }
    /// Scaling of image values.
    Normalise {
        /// Zero mean and unit variance over the training set.
        Train = "train",
        /// As they are, in [0, 1].
        None = "none",
    }
    /// Labels of a mixed image.
    MixLabels {
        /// Both classes by their share of the image.
        Share = "share",
        /// The class with the larger share.
        Dominant = "dominant",
        /// Both classes fully (needs a loss over independent classes).
        Multihot = "multihot",
    }
    /// Networks.
    ModelName {
        /// ResNet-18 with channel attention, then a transformer over its feature maps.
        ResTrans = "res_trans",
    }
    /// What a token of the transformer is.
    Token {
        /// A group of channel maps, as in the released code.
        Channel = "channel",
        /// A position of the feature map.
        Spatial = "spatial",
        /// A column of the feature map: a moment.
        Time = "time",
    }
    /// Where a transformer block normalises.
    NormPlace {
        /// Before attention and feed-forward, as in the released code.
        Pre = "pre",
        /// After the residual additions, as drawn in the paper.
        Post = "post",
    }
    /// Position encoding of the tokens.
    Position {
        /// None, as in the released code.
        None = "none",
        /// Fixed sines.
        Sin = "sin",
        /// A trained vector per position.
        Learned = "learned",
    }
    /// Layer normalisation.
    LayerNormKind {
        /// (x - mean) / sqrt(var + eps), biased variance.
        Standard = "standard",
        /// (x - mean) / (std + eps), unbiased deviation, as in the released code.
        UnbiasedStd = "unbiased_std",
    }
    /// Head of the speaker task.
    SpeakerHead {
        /// A linear layer on the flattened feature maps.
        Flatten = "flatten",
        /// A linear layer on the maps' averages.
        Gap = "gap",
    }
    /// Stages of training.
    StageName {
        /// Convolutional network on speakers.
        Voiceprint = "voiceprint",
        /// Transformer and emotion head on the frozen convolutional network.
        Emotion = "emotion",
        /// Everything on emotions, from the weights there are.
        Finetune = "finetune",
        /// Everything on emotions, from scratch.
        Single = "single",
        /// Everything on emotions and speakers at once.
        Joint = "joint",
    }
    /// Optimisers.
    Optimiser {
        /// Adam with decoupled weight decay.
        Adamw = "adamw",
        /// Gradient descent with momentum.
        Sgd = "sgd",
        /// RMSprop.
        Rmsprop = "rmsprop",
    }
    /// Losses of the emotion task.
    Loss {
        /// Softmax cross-entropy.
        CrossEntropy = "cross_entropy",
        /// Focal binary cross-entropy on softmax outputs, as in the released code.
        FocalBce = "focal_bce",
        /// Sigmoid binary cross-entropy.
        Bce = "bce",
    }
    /// Learning-rate schedules.
    Schedule {
        /// Times `step_gamma` every `step_epochs`.
        Step = "step",
        /// Half a cosine to zero over the stage.
        Cosine = "cosine",
        /// As it is.
        Constant = "constant",
    }
}
