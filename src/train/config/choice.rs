//! Values that are one of a few words. Those of the front end and of augmentation live beside what they choose.

use crate::choice::choices;
pub(super) use crate::choice::nearest;

pub use crate::augment::MixLabels;
pub use crate::features::{Fit, MelNorm, MelScale, Normalise};
pub use crate::ops::{Padding, Resize, Window};

choices! {
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
