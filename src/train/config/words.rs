//! Values that are one of a few words. Those of the front end and of augmentation live beside what they choose.

use crate::words::words;
pub(super) use crate::words::{hint, nearest};

pub use crate::augment::MixLabels;
pub use crate::frontend::{Denoise, Extent, Fit, MelNorm, MelScale, Normalise};
pub use crate::ops::{Padding, Resize, Window};

words! {
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
        /// Values between ops kept in half precision, and operands of products and convolutions where the adapter has cooperative matrices; sums,
        /// weights, their gradients and statistics single.
        F16 = "f16",
    }
    /// Which head of the network a task is learnt by.
    Head {
        /// The network's own.
        Main = "main",
        /// A light one on the features.
        Auxiliary = "auxiliary",
    }
    /// What a stage is validated by; larger is better.
    Metric {
        /// Recall averaged over classes.
        Uar = "uar",
        /// Share of right answers.
        Accuracy = "accuracy",
        /// Concordance correlation of numbers.
        Ccc = "ccc",
    }
    /// Losses of a task.
    Loss {
        /// Softmax cross-entropy.
        CrossEntropy = "cross_entropy",
        /// Focal binary cross-entropy on softmax outputs, as in the released code.
        FocalBce = "focal_bce",
        /// Sigmoid binary cross-entropy.
        Bce = "bce",
        /// Margins on the lengths of capsules (Sabour et al. 2017), without smoothing.
        Margin = "margin",
        /// Mean squared error, of numbers.
        Mse = "mse",
        /// Squared hinge of one-vs-rest decisions.
        SquaredHinge = "squared_hinge",
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
