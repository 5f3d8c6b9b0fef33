//! Any problem that several variants can compute, for a tuner.

use super::Target;
use super::conv2d::ConvolutionProblem;
use super::matmul::Product;
use super::tuned::Variants;

/// A problem, its variants known by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Problem {
    /// A batched matrix product.
    Product(Product),
    /// A pass of a convolution.
    Convolution(ConvolutionProblem),
}

impl Problem {
    /// See [`Variants::key`].
    pub fn key(&self, target: &Target) -> String {
        match self {
            Problem::Product(p) => p.key(target),
            Problem::Convolution(c) => c.key(target),
        }
    }

    /// Names of the variants that can compute it on this adapter, the [`heuristic`](Problem::heuristic)'s first.
    pub fn candidates(&self, target: &Target) -> Vec<String> {
        fn names<P: Variants>(problem: &P, target: &Target) -> Vec<String> {
            problem.candidates(target).into_iter().map(P::name).collect()
        }
        match self {
            Problem::Product(p) => names(p, target),
            Problem::Convolution(c) => names(c, target),
        }
    }

    /// The variant it takes where nothing was recorded.
    pub fn heuristic(&self, target: &Target) -> String {
        match self {
            Problem::Product(p) => Product::name(p.heuristic(target)),
            Problem::Convolution(c) => ConvolutionProblem::name(c.heuristic(target)),
        }
    }
}

impl From<Product> for Problem {
    fn from(p: Product) -> Self {
        Problem::Product(p)
    }
}

impl From<ConvolutionProblem> for Problem {
    fn from(c: ConvolutionProblem) -> Self {
        Problem::Convolution(c)
    }
}
