//! emotone trains and runs speech-emotion networks on any Vulkan, Metal or DX12 GPU, every kernel written by hand in WGSL.
//!
//! The programs `train` and `infer` need no code. As a library, a network of one's own is a function that builds it; training compiles it
//! once and replays it. Here a two-layer network learns the exclusive or, and is asked:
//!
//! ```
//! use emotone::gpu::{AdapterRequest, Device};
//! use emotone::nn::{Optimiser, Training, layers::linear};
//! use emotone::ops;
//!
//! # fn main() -> emotone::Result<()> {
//! # let Ok(device) = Device::open(&AdapterRequest::from_env()) else { return Ok(()) };
//! # #[cfg(any())]
//! let device = Device::open(&AdapterRequest::from_env())?;
//! let mut net = Training::new(&device, Optimiser::adamw(0.05), 1, |cx| {
//!     let (x, target) = (cx.input("x", [4, 2]), cx.input("target", [4, 2]));
//!     let hidden = cx.scoped("hidden", |cx| linear(cx, x, 16, true))?;
//!     let hidden = ops::tanh(cx.g, hidden)?;
//!     let logits = cx.scoped("out", |cx| linear(cx, hidden, 2, true))?;
//!     cx.output("logits", logits);
//!     ops::cross_entropy(cx.g, logits, target, None, 0.0)
//! })?;
//! let (x, target) = ([0., 0., 0., 1., 1., 0., 1., 1.], [1., 0., 0., 1., 0., 1., 1., 0.]);
//! for _step in 0..200 {
//!     net.step(&[("x", &x), ("target", &target)])?;
//! }
//! let logits = net.ask(&[("x", &x)], "logits")?;
//! assert_eq!(logits.chunks(2).map(|l| l[1] > l[0]).collect::<Vec<_>>(), [false, true, true, false]);
//! # Ok(())
//! # }
//! ```
//!
//! Below [`Training`](nn::Training) lie the parts it is made of: a symbolic [`Graph`](graph::Graph), its gradients as nodes of the same
//! graph, and a [`Program`](compile::Program) that is replayed. Above it, [`train::run`] trains any [`Network`](models::Network) on
//! recordings, with stages, validation and state that survives a crash.
//!
//! # Conventions
//! Memory is contiguous, outermost dimension first. B is the batch, N samples or images, T frames or tokens, K bins or classes, M mel bands,
//! C channels, H and W height and width, D the transformer's width. Spectra are centred and unscaled. Losses are means over the batch.
//! Gradients overwrite; values used more than once get the sum. State (parameters, their averages, statistics) is read and written in the order
//! of the nodes.
#![warn(missing_docs)]

pub mod audio;
pub mod augment;
pub mod check;
pub mod compile;
pub mod data;
pub mod doctor;
pub mod error;
mod foreign;
pub mod frontend;
pub mod gpu;
pub mod graph;
mod hash;
pub mod kernels;
mod lock;
pub mod models;
pub mod nn;
pub mod ops;
mod parallel;
pub mod random;
mod range;
pub mod reference;
pub mod storage;
pub mod text;
pub mod train;
pub mod tune;
mod words;

pub use error::{Error, Result};
