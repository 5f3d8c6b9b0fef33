//! Every op on the GPU against its f64 reference: awkward sizes, poisoned memory, sentinels, gradients with random upstream.

mod attention;
mod bce_with_logits;
mod channel_scale;
mod dropout;
mod layer_norm;
mod permute;
mod pool2d;
mod slice;

mod activation;
mod augment;
mod batch_norm;
mod case;
mod ceiling;
mod clip;
mod conv2d;
mod coverage;
mod cross_entropy;
mod delta;
mod focal_bce;
mod heads;
mod in_place;
mod matmul;
mod mel;
mod mixup;
mod network;
mod optimiser;
mod pointwise;
mod reduce;
mod resize;
mod row_mean;
mod softmax;
mod softmax_dropout;
mod squeeze_excite;
mod stft;
mod timing;
