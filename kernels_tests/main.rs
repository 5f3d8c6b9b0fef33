//! Every op on the GPU against its f64 reference: awkward sizes, poisoned memory, sentinels, gradients with random upstream.

mod case;
mod conv2d;
mod coverage;
mod matmul;
mod mel;
mod pointwise;
mod reduce;
mod softmax;
mod stft;
