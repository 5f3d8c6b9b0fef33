//! Which variant computes what, where that was measured: recorded by name, so that it can be kept and replayed.

use super::Target;
use super::conv2d::{self, Family, Geometry, Pass};
use super::matmul::{self, Product, Variant};
use std::collections::BTreeMap;

/// Computation (by [`Request::key`]) and the name of the variant chosen for it.
pub type Choices = BTreeMap<String, String>;

/// A computation that several variants can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Request {
    /// A batched matrix product.
    Product(Product),
    /// A pass of a convolution.
    Convolution(Geometry, Pass),
}

impl Request {
    /// What two computations that take the same time have in common: extents, strides, precision.
    pub fn key(&self, target: &Target) -> String {
        let precision = if target.half { "f16" } else { "f32" };
        match self {
            Request::Product(p) => {
                let Product { batch, m, n, k, a, b, .. } = p;
                format!("matmul {batch}x{m}x{n}x{k} a{a:?} b{b:?} {precision}")
            }
            Request::Convolution(g, pass) => {
                let Geometry { n, groups, cin, cout, input, kernel, stride, padding, dilation, .. } = g;
                format!(
                    "conv2d {pass:?} {n}x{groups}x{cin}->{cout} {input:?} kernel{kernel:?} stride{stride:?} padding{padding:?} \
                     dilation{dilation:?} {precision}"
                )
            }
        }
    }

    /// Names of the variants that can do it on this adapter; the one it would take by itself is among them.
    pub fn candidates(&self, target: &Target) -> Vec<String> {
        match self {
            Request::Product(p) => matmul::candidates(target, p).into_iter().map(Variant::name).collect(),
            Request::Convolution(g, pass) => conv2d::candidates(target, g, *pass).into_iter().map(|f| f.name().to_string()).collect(),
        }
    }

    /// The variant it takes where nothing was recorded.
    pub fn default_name(&self, target: &Target) -> String {
        match self {
            Request::Product(p) => matmul::table(target, p).name(),
            Request::Convolution(g, pass) => conv2d::table(target, g, *pass).name().to_string(),
        }
    }
}

/// The variant recorded for a product, if this adapter can run it.
pub(super) fn product(target: &Target, p: &Product) -> Option<Variant> {
    let name = lookup(target, &Request::Product(*p))?;
    matmul::candidates(target, p).into_iter().find(|v| v.name() == *name)
}

/// The family recorded for a convolution, if this adapter can run it.
pub(super) fn convolution(target: &Target, g: &Geometry, pass: Pass) -> Option<Family> {
    let name = lookup(target, &Request::Convolution(*g, pass))?;
    conv2d::candidates(target, g, pass).into_iter().find(|f| f.name() == name)
}

fn lookup<'a>(target: &'a Target, request: &Request) -> Option<&'a String> {
    if target.tuned.is_empty() { None } else { target.tuned.get(&request.key(target)) }
}
