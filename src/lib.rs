//! emotone trains and runs speech-emotion networks on any Vulkan, Metal or DX12 GPU, every kernel written by hand in WGSL.
//!
//! The programs `train` and `infer` need no code. As a library, a network of one's own is a symbolic graph: build it, ask for gradients,
//! compile it, replay it. Here a two-layer network learns the exclusive or, and tells it:
//!
//! ```
//! use emotone::compile::{Options, Program, States};
//! use emotone::gpu::{AdapterRequest, Device};
//! use emotone::graph::{Graph, StateRef, Var};
//! use emotone::nn::{Context, GRADIENTS, Params, TRAINABLE, layers::linear};
//! use emotone::ops;
//!
//! # fn main() -> emotone::Result<()> {
//! # let Ok(device) = Device::open(&AdapterRequest::from_env()) else { return Ok(()) };
//! # #[cfg(any())]
//! let device = Device::open(&AdapterRequest::from_env())?;
//! let (mut g, mut params) = (Graph::new(), Params::new(|_name| true));
//! let (x, target) = (g.input("x", [4, 2]), g.input("target", [4, 2]));
//! let mut cx = Context::new(&mut g, &mut params, true);
//! let hidden = cx.scoped("hidden", |cx| linear(cx, x, 16, true))?;
//! let hidden = ops::tanh(cx.g, hidden)?;
//! let logits = cx.scoped("out", |cx| linear(cx, hidden, 2, true))?;
//! let used: Vec<(String, Var)> = cx.used().iter().map(|(n, v)| (n.clone(), *v)).collect();
//! let loss = ops::cross_entropy(&mut g, logits, target, None, 0.0)?;
//! g.output("loss", loss);
//! g.output("logits", logits);
//!
//! // Gradients are nodes like any other; the optimiser updates all parameters in one launch.
//! let (wanted, extent) = (used.iter().map(|(_, v)| *v).collect::<Vec<_>>(), params.extent(TRAINABLE));
//! for ((name, _), d) in used.iter().zip(g.grad(loss, &wanted)?) {
//!     g.store(d, StateRef { buffer: GRADIENTS.into(), offset: params.get(name).map_or(0, |p| p.place.offset) });
//! }
//! let mut whole = |buffer: &str| g.state(StateRef { buffer: buffer.into(), offset: 0 }, [extent]);
//! let (p, d, m, v) = (whole(TRAINABLE), whole(GRADIENTS), whole("m"), whole("v"));
//! let hyper = g.input("hyper", [8]);
//! ops::adamw(&mut g, p, d, m, v, hyper, None)?;
//!
//! let mut states = States::new(&device);
//! params.allocate(&mut states)?;
//! states.create("m", extent)?;
//! states.create("v", extent)?;
//! params.upload(&states, &params.initial(1), true)?;
//! let program = Program::new(&g, &states, Options::default())?;
//! program.write("x", &[0., 0., 0., 1., 1., 0., 1., 1.])?;
//! program.write("target", &[1., 0., 0., 1., 0., 1., 1., 0.])?;
//! for step in 1..=200 {
//!     program.write("hyper", &ops::hyper_adamw(0.05, 0.0, [0.9, 0.999], 1e-8, step))?;
//!     program.run()?;
//! }
//! assert!(program.read("loss")?[0] < 0.05);
//! let classes: Vec<bool> = program.read("logits")?.chunks(2).map(|l| l[1] > l[0]).collect();
//! assert_eq!(classes, [false, true, true, false]);
//! # Ok(())
//! # }
//! ```
//!
//! # Conventions
//! Memory is contiguous, outermost dimension first. B is the batch, N samples or images, T frames or tokens, K bins or classes, M mel bands,
//! C channels, H and W height and width, D the transformer's width. Spectra are centred and unscaled. Losses are means over the batch.
//! Gradients overwrite; values used more than once get the sum. State (parameters, moments, statistics) is read and written in the order
//! of the nodes.
#![warn(missing_docs)]

pub mod audio;
pub mod augment;
pub mod check;
pub mod compile;
pub mod data;
pub mod doctor;
pub mod error;
pub mod features;
pub mod gpu;
pub mod graph;
mod hash;
pub mod kernels;
pub mod models;
pub mod nn;
pub mod ops;
mod parallel;
pub mod random;
pub mod reference;
pub mod storage;
pub mod train;
pub mod tune;
mod words;

pub use error::{Error, Result};
