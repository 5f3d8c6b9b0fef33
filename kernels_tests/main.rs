//! Every op on the GPU against its f64 reference: awkward sizes, poisoned memory, sentinels, gradients with random upstream.

mod case;
mod conv2d;
mod coverage;
mod delta;
mod matmul;
mod mel;
mod pointwise;
mod reduce;
mod resize;
mod softmax;
mod stft;
