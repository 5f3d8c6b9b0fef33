//! Corpora, manifests, splits and batches.

pub mod synth;
