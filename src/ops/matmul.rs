//! Batched matrix products and the linear layer.

use super::{arity, reshape, sum};
use crate::graph::{Graph, Lowering, NodeId, Op, Operand, Shape, Var};
use crate::kernels::matmul::{self as kernel, Product, Variant};
use crate::kernels::tuned::Variants;
use crate::{Error, Result};

/// `α · op(a) · op(b) (+ bias)` for (B, ., .) operands; `op` transposes where asked. With `relu` (made by fusion, after
/// differentiation) its positive part.
#[derive(Clone, Copy)]
pub(super) struct MatMul {
    transpose_a: bool,
    transpose_b: bool,
    alpha: f32,
    variant: Option<Variant>,
    relu: bool,
}

impl MatMul {
    pub(super) fn with_relu(&self) -> Self {
        MatMul { relu: true, ..*self }
    }
    fn product(&self, a: &Shape, b: &Shape, bias: bool) -> Product {
        let (m, k) = if self.transpose_a { (a[2], a[1]) } else { (a[1], a[2]) };
        let n = if self.transpose_b { b[1] } else { b[2] };
        Product { alpha: self.alpha, bias, relu: self.relu, ..Product::new(a[0], m, n, k, self.transpose_a, self.transpose_b) }
    }
}

impl MatMul {
    /// A product of the same factor and variant.
    fn like(&self, g: &mut Graph, a: Var, b: Var, transpose_a: bool, transpose_b: bool) -> Result<Var> {
        g.apply1(MatMul { transpose_a, transpose_b, alpha: self.alpha, variant: self.variant, relu: false }, &[a, b])
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        if self.relu { "matmul_relu" } else { "matmul" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        if inputs.len() != 3 {
            arity("matmul", inputs, 2)?;
        }
        let (a, b) = (&inputs[0], &inputs[1]);
        let fail = || Error::shape("matmul", "(B, M, K) and (B, K, N), transposed where asked", format!("{a} and {b}"));
        if a.rank() != 3 || b.rank() != 3 || a[0] != b[0] {
            return Err(fail());
        }
        let p = self.product(a, b, false);
        if p.k != if self.transpose_b { b[2] } else { b[1] } {
            return Err(fail());
        }
        match inputs.get(2) {
            Some(bias) if **bias != [p.n] => Err(Error::shape("matmul bias", format!("({})", p.n), bias.to_string())),
            _ => Ok(vec![[p.batch, p.m, p.n].into()]),
        }
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let inputs = g.inputs(node).to_vec();
        let Some(dy) = dy[0] else { return Ok(vec![None; inputs.len()]) };
        let (a, b) = (inputs[0], inputs[1]);
        let mut out = vec![None; inputs.len()];
        if wanted[0] {
            out[0] = Some(if self.transpose_a {
                self.like(g, b, dy, self.transpose_b, true)?
            } else {
                self.like(g, dy, b, false, !self.transpose_b)?
            });
        }
        if wanted[1] {
            out[1] = Some(if self.transpose_b {
                self.like(g, dy, a, true, self.transpose_a)?
            } else {
                self.like(g, a, dy, !self.transpose_a, false)?
            });
        }
        if wanted.get(2) == Some(&true) {
            let shape = g.shape(dy).clone();
            let rows = reshape(g, dy, [shape[0] * shape[1], shape[2]])?;
            out[2] = Some(sum(g, rows, 0)?);
        }
        Ok(out)
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let p = self.product(cx.input_shape(0), cx.input_shape(1), cx.input_count() == 3);
        let variant = self.variant.unwrap_or_else(|| {
            cx.note_problem(p);
            p.choose(cx.target())
        });
        let part = scratch(cx, variant, &p);
        let bias = (cx.input_count() == 3).then(|| cx.input(2));
        let operands = kernel::Operands { a: cx.input(0), b: cx.input(1), bias, c: cx.output(0) };
        for launch in kernel::launches(cx.target(), variant, &p, operands, part) {
            cx.launch(launch);
        }
        Ok(())
    }
}

/// A product that one op launches again and again, step after step.
pub(super) struct Repeated {
    product: Product,
    variant: Variant,
    part: Option<Operand>,
}

impl Repeated {
    pub(super) fn new(cx: &mut Lowering, product: Product) -> Self {
        let variant = product.choose(cx.target());
        let part = scratch(cx, variant, &product);
        Repeated { product, variant, part }
    }

    /// `c = op(a) · op(b)`.
    pub(super) fn launch(&self, cx: &mut Lowering, a: Operand, b: Operand, c: Operand) {
        let operands = kernel::Operands { a, b, bias: None, c };
        for launch in kernel::launches(cx.target(), self.variant, &self.product, operands, self.part) {
            cx.launch(launch);
        }
    }
}

/// Memory for the parts of sums, where a variant makes such.
fn scratch(cx: &mut Lowering, variant: Variant, p: &Product) -> Option<Operand> {
    let elements = kernel::parts(variant, p);
    (elements > 0).then(|| cx.scratch(elements))
}

fn scaled(g: &mut Graph, a: Var, b: Var, transpose_a: bool, transpose_b: bool, alpha: f32) -> Result<Var> {
    g.apply1(MatMul { transpose_a, transpose_b, alpha, variant: None, relu: false }, &[a, b])
}

/// `op(a) · op(b)` for two matrices, or for (B, M, K) and (B, K, N) batches of them; `transpose_*` says that the operand is stored
/// transposed.
///
/// # Errors
/// When ranks, batches or inner extents differ.
pub fn matmul(g: &mut Graph, a: Var, b: Var, transpose_a: bool, transpose_b: bool) -> Result<Var> {
    matmul_scaled(g, a, b, transpose_a, transpose_b, 1.0)
}

/// `α · op(a) · op(b)`; see [`matmul`].
///
/// # Errors
/// See [`matmul`].
pub fn matmul_scaled(g: &mut Graph, a: Var, b: Var, transpose_a: bool, transpose_b: bool, alpha: f32) -> Result<Var> {
    if g.shape(a).rank() == 2 && g.shape(b).rank() == 2 {
        let (sa, sb) = (g.shape(a).clone(), g.shape(b).clone());
        let a = reshape(g, a, [1, sa[0], sa[1]])?;
        let b = reshape(g, b, [1, sb[0], sb[1]])?;
        let y = scaled(g, a, b, transpose_a, transpose_b, alpha)?;
        let s = g.shape(y).clone();
        return reshape(g, y, [s[1], s[2]]);
    }
    scaled(g, a, b, transpose_a, transpose_b, alpha)
}

/// `α · op(a) · op(b) (+ bias)` of (B, M, K), (B, K, N) and (N) by a given kernel, for tests and tuning; see [`matmul`].
///
/// # Errors
/// See [`matmul`]; a bias that is not one per column.
pub fn matmul_with(g: &mut Graph, a: Var, b: Var, bias: Option<Var>, transposes: [bool; 2], alpha: f32, variant: Variant) -> Result<Var> {
    let inputs: Vec<Var> = [Some(a), Some(b), bias].into_iter().flatten().collect();
    g.apply1(MatMul { transpose_a: transposes[0], transpose_b: transposes[1], alpha, variant: Some(variant), relu: false }, &inputs)
}

/// `y = x Wᵀ + b` on the last axis: x (..., K), W (N, K), b (N) -> (..., N).
///
/// # Errors
/// When the inner extents differ.
pub fn linear(g: &mut Graph, x: Var, weight: Var, bias: Option<Var>) -> Result<Var> {
    let (shape, w) = (g.shape(x).clone(), g.shape(weight).clone());
    let (Some(&k), true) = (shape.last(), w.rank() == 2 && shape.last() == w.last()) else {
        return Err(Error::shape("linear", "(..., K) and a weight (N, K)", format!("{shape} and {w}")));
    };
    let x = reshape(g, x, [1, shape.elements() / k.max(1), k])?;
    let weight = reshape(g, weight, [1, w[0], w[1]])?;
    let inputs: Vec<Var> = [Some(x), Some(weight), bias].into_iter().flatten().collect();
    let y = g.apply1(MatMul { transpose_a: false, transpose_b: true, alpha: 1.0, variant: None, relu: false }, &inputs)?;
    let mut out = shape.0;
    if let Some(last) = out.last_mut() {
        *last = w[0];
    }
    reshape(g, y, out)
}
