//! Weighted sums of two images: one weight per image, or weights that change along the columns.

use super::{arity, same};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::mixup as kernel;
use crate::{Error, Result};

/// The weight `w(t) = c·(a + b·t/T)` of the first image at column t of T (Yuan et al. 2021, eq. 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    /// Weight at the first column.
    pub a: f32,
    /// Growth from the first column to the last.
    pub b: f32,
    /// Factor of both.
    pub c: f32,
}

/// Inputs `x1`, `x2`, `partner`, `on` and, without a curve, `w`.
struct Mixup {
    curve: Option<Curve>,
}

impl Op for Mixup {
    fn name(&self) -> &'static str {
        if self.curve.is_some() { "horizontal_mixup" } else { "mixup" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, if self.curve.is_some() { 4 } else { 5 })?;
        let (x1, x2) = (&inputs[0], &inputs[1]);
        if x1.rank() < 2 || x1.elements() == 0 || x2.elements() == 0 || x1.0.get(1..) != x2.0.get(1..) {
            return Err(Error::shape(self.name(), "two batches of images of one shape", format!("{x1} and {x2}")));
        }
        same(self.name(), &inputs[2..])?;
        if inputs[2].0 != [x1[0]] {
            return Err(Error::shape(self.name(), format!("partners and weights of {} images", x1[0]), inputs[2].to_string()));
        }
        Ok(vec![x1.clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (x1, others) = (cx.input_shape(0), cx.input_shape(1)[0]);
        let (cols, batch) = (x1[x1.rank() - 1], x1[0]);
        let extents = kernel::Extents { batch, others, lines: x1.elements() / batch / cols, cols };
        let operands = kernel::Operands { x1: cx.input(0), x2: cx.input(1), partner: cx.input(2), on: cx.input(3), y: cx.output(0) };
        cx.launch(match self.curve {
            Some(Curve { a, b, c }) => kernel::horizontal(cx.target(), &extents, [a, b, c], operands),
            None => kernel::mixup(cx.target(), &extents, cx.input(4), operands),
        });
        Ok(())
    }
}

/// Row i of the second batch for row i of the first, every row mixed.
fn every(g: &mut Graph, x1: Var, x2: Var) -> Result<(Var, Var)> {
    same("mixup", &[g.shape(x1).clone(), g.shape(x2).clone()])?;
    let batch = g.shape(x1).first().copied().unwrap_or(0);
    let rows: Vec<f32> = (0..batch as u32).map(f32::from_bits).collect();
    Ok((g.constant([batch], &rows)?, g.constant([batch], &vec![1.0; batch])?))
}

/// `w[i]·x1[i] + (1 − w[i])·x2[i]` for each row i.
///
/// # Shapes
/// `x1`, `x2` (B, …, T), `w` (B) → (B, …, T). No gradient.
///
/// # Errors
/// Other shapes.
pub fn mixup(g: &mut Graph, x1: Var, x2: Var, w: Var) -> Result<Var> {
    let (partner, on) = every(g, x1, x2)?;
    g.apply1(Mixup { curve: None }, &[x1, x2, partner, on, w])
}

/// `min(1, w(t))·x1 + max(0, 1 − w(t))·x2` with the weights of `curve` along the last dimension (Horizontal Mixup).
///
/// # Shapes
/// `x1`, `x2` of one shape (…, T) with at least two dimensions → the same. No gradient.
///
/// # Errors
/// Other shapes.
pub fn horizontal_mixup(g: &mut Graph, x1: Var, x2: Var, curve: Curve) -> Result<Var> {
    let (partner, on) = every(g, x1, x2)?;
    g.apply1(Mixup { curve: Some(curve) }, &[x1, x2, partner, on])
}

/// [`mixup`] of each row of `x` whose `on` is positive with row `partner[i]` of `others`; the other rows as they are.
///
/// # Shapes
/// `x` (B, …, T), `others` (B', …, T), which may be `x`, `partner` (B) as unsigned integers, `on` (B), `w` (B) → (B, …, T). No gradient.
///
/// # Errors
/// Other shapes.
pub fn mixup_rows(g: &mut Graph, x: Var, others: Var, partner: Var, on: Var, w: Var) -> Result<Var> {
    g.apply1(Mixup { curve: None }, &[x, others, partner, on, w])
}

/// [`horizontal_mixup`] of each row of `x` whose `on` is positive with row `partner[i]` of `others`; the other rows as they are.
///
/// # Shapes
/// `x` (B, …, T), `others` (B', …, T), which may be `x`, `partner` (B) as unsigned integers, `on` (B) → (B, …, T). No gradient.
///
/// # Errors
/// Other shapes.
pub fn horizontal_mixup_rows(g: &mut Graph, x: Var, others: Var, partner: Var, on: Var, curve: Curve) -> Result<Var> {
    g.apply1(Mixup { curve: Some(curve) }, &[x, others, partner, on])
}
