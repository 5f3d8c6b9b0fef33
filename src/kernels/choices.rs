//! Which variant computes what, where that was measured: recorded by name, so that it can be kept and replayed.

use super::conv2d::{self, Family, Geometry, Pass};
use super::matmul::{self, Product, Variant};
use crate::gpu::Capabilities;
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
    pub fn key(&self, caps: &Capabilities) -> String {
        let precision = if caps.half { "f16" } else { "f32" };
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
    pub fn candidates(&self, caps: &Capabilities) -> Vec<String> {
        match self {
            Request::Product(p) => matmul::candidates(caps, p).into_iter().map(Variant::name).collect(),
            Request::Convolution(g, pass) => conv2d::candidates(caps, g, *pass).into_iter().map(|f| f.name().to_string()).collect(),
        }
    }

    /// The variant it takes where nothing was recorded.
    pub fn default_name(&self, caps: &Capabilities) -> String {
        match self {
            Request::Product(p) => matmul::table(caps, p).name(),
            Request::Convolution(g, pass) => conv2d::table(caps, g, *pass).name().to_string(),
        }
    }
}

/// The variant recorded for a product, if this adapter can run it.
pub(super) fn product(caps: &Capabilities, p: &Product) -> Option<Variant> {
    let name = lookup(caps, &Request::Product(*p))?;
    matmul::candidates(caps, p).into_iter().find(|v| v.name() == *name)
}

/// The family recorded for a convolution, if this adapter can run it.
pub(super) fn convolution(caps: &Capabilities, g: &Geometry, pass: Pass) -> Option<Family> {
    let name = lookup(caps, &Request::Convolution(*g, pass))?;
    conv2d::candidates(caps, g, pass).into_iter().find(|f| f.name() == name)
}

fn lookup<'a>(caps: &'a Capabilities, request: &Request) -> Option<&'a String> {
    if caps.choices.is_empty() { None } else { caps.choices.get(&request.key(caps)) }
}
