//! The same mathematics as the shaders in plain loops: forward generic over [`Real`] (f32, f64 or dual numbers), backward beside it.
//!
//! A leaf: tests, benches and the device self-test import it; the engine does not.

pub mod matmul;
mod real;
pub mod reduce;
pub mod softmax;

pub use real::{Dual, Real, check_vjp, noise};
