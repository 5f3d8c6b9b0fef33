//! The same mathematics as the shaders in plain loops: forward generic over [`Real`] (f32, f64 or dual numbers), backward beside it.
//!
//! A leaf: tests, benches and the device self-test import it; the engine does not.

pub mod activation;
pub mod attention_decoder;
pub mod augment;
pub mod batch_norm;
pub mod bce_with_logits;
pub mod capsule_routing;
pub mod ceiling;
pub mod channel_scale;
pub mod clip;
pub mod conv2d;
pub mod cross_entropy;
pub mod decibel;
pub mod delta;
pub mod dft;
pub mod dropout;
pub mod focal_bce;
pub mod heads;
pub mod in_place;
pub mod kl_distillation;
pub mod layer_norm;
pub mod lens;
pub mod lrn;
pub mod lstm;
pub mod margin;
pub mod masked_softmax;
pub mod matmul;
pub mod mel;
pub mod mixup;
pub mod moments;
pub mod optimiser;
pub mod permute;
pub mod pointwise;
pub mod pool2d;
pub mod pre_emphasis;
pub mod rbf;
mod real;
pub mod reduce;
pub mod resize;
pub mod row_mean;
mod self_training;
pub mod short_term;
pub mod slice;
pub mod softmax;
pub mod squared_hinge;
pub mod squash;
pub mod squeeze_excite;
pub mod stft;
pub mod time_mask;
pub mod time_pool;
pub mod votes;

pub use real::{Dual, Real, check_vjp, noise};
pub use self_training::self_trained;
