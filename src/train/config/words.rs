//! Values that are one of a few words. Those of the front end and of augmentation live beside what they choose.

pub(super) use crate::words::nearest;
use crate::words::words;

pub use crate::augment::MixLabels;
pub use crate::features::{Fit, MelNorm, MelScale, Normalise};
pub use crate::models::{LayerNormKind, ModelName, NormPlace, Position, SpeakerHead, Token};
pub use crate::ops::{Padding, Resize, Window};

words! {
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
    /// Numbers that products multiply.
    Precision {
        /// Single precision throughout.
        F32 = "f32",
        /// Operands of products and convolutions rounded to half precision for cooperative matrices; sums, weights and all else single.
        F16 = "f16",
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
