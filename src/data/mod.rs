//! Corpora, manifests, splits and batches.

pub(crate) mod rng;
pub mod synth;
