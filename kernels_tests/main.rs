//! Every op on the GPU against its f64 reference ([`stems`]), and what no comparison with a reference can tell: NaNs and extremes,
//! refused arguments, how much runs, whole networks.

mod activation;
mod apart;
mod augment;
mod batch_norm;
mod case;
mod ceiling;
mod clip;
mod conv2d;
mod coverage;
mod cross_entropy;
mod dropout;
mod focal_bce;
mod fusion;
mod halves;
mod in_place;
mod launch;
mod long_graph;
mod matmul;
mod network;
mod optimiser;
mod pointwise;
mod pool2d;
mod prepare;
mod row_mean;
mod squeeze_excite;
mod stems;
mod stft;
mod timing;
mod variants;
