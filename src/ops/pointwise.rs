//! Pointwise arithmetic: sum, product, affine map. Sums and products repeat the smaller operand.

use super::{arity, reshape, same, sum};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::pointwise::{self as kernel, Arithmetic};
use crate::{Error, Result};

/// `a + b`, and with `relu` (made by fusion, after differentiation) its positive part.
pub(super) struct Add {
    pub(super) relu: bool,
}

impl Op for Add {
    fn name(&self) -> &'static str {
        if self.relu { "add_relu" } else { "add" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("add", inputs, 2)?;
        same("add", inputs)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, _: &mut Graph, _: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        Ok(vec![dy[0], dy[0]])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::add(cx.target(), n, self.relu, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

struct Mul;

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("mul", inputs, 2)?;
        same("mul", inputs)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let (a, b) = (g.inputs(node)[0], g.inputs(node)[1]);
        let da = if wanted[0] { Some(mul(g, dy, b)?) } else { None };
        let db = if wanted[1] { Some(mul(g, dy, a)?) } else { None };
        Ok(vec![da, db])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::mul(cx.target(), n, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `a + b` or `a · b` with b repeated: each of its n values stands for (outer, ., inner) values of a.
struct Broadcast(Arithmetic);

/// The (outer, n, inner) view of `full` in which `small`, aligned at the last dimension, is n values: its extents other than 1 must be
/// neighbours and `full`'s.
fn repeats(full: &Shape, small: &Shape) -> Option<(usize, usize, usize)> {
    let lead = full.rank().checked_sub(small.rank())?;
    let (mut outer, mut n, mut inner) = (1, 1, 1);
    for (d, &extent) in full.iter().enumerate() {
        match if d < lead { 1 } else { small[d - lead] } {
            own if own == extent && inner == 1 => n *= extent,
            own if own == extent && extent == 1 => {}
            1 if n == 1 => outer *= extent,
            1 => inner *= extent,
            _ => return None,
        }
    }
    Some((outer, n, inner))
}

impl Op for Broadcast {
    fn name(&self) -> &'static str {
        match self.0 {
            Arithmetic::Add => "add",
            Arithmetic::Mul => "mul",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 2)?;
        if repeats(&inputs[0], &inputs[1]).is_none() {
            let expected = format!("the shape {0}, or one with neighbouring extents of {0} and otherwise 1", inputs[0]);
            return Err(Error::shape(self.name(), expected, inputs[1].to_string()));
        }
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let (a, b) = (g.inputs(node)[0], g.inputs(node)[1]);
        let add = self.0 == Arithmetic::Add;
        let da = match wanted[0] {
            true if add => Some(dy),
            true => Some(mul(g, dy, b)?),
            false => None,
        };
        let Some((outer, n, inner)) = repeats(g.shape(a), g.shape(b)).filter(|_| wanted[1]) else { return Ok(vec![da, None]) };
        let each = if add { dy } else { mul(g, dy, a)? };
        let each = reshape(g, each, [outer, n, inner])?;
        let each = sum(g, each, 2)?;
        let db = sum(g, each, 0)?;
        let shape = g.shape(b).clone();
        Ok(vec![da, Some(reshape(g, db, shape)?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let Some(around) = repeats(cx.input_shape(0), cx.input_shape(1)) else { return Ok(()) };
        cx.launch(kernel::broadcast(cx.target(), self.0, around, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// The larger operand, then the other, which is repeated.
fn by_size(g: &Graph, a: Var, b: Var) -> [Var; 2] {
    let size = |v: Var| (g.shape(v).elements(), g.shape(v).rank());
    if size(a) < size(b) { [b, a] } else { [a, b] }
}

struct Affine {
    scale: f32,
    shift: f32,
}

impl Op for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("affine", inputs, 1)?;
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, _: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        Ok(vec![match dy[0] {
            Some(dy) => Some(scale(g, dy, self.scale)?),
            None => None,
        }])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let n = cx.output_shape(0).elements();
        cx.launch(kernel::affine(cx.target(), n, self.scale, self.shift, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// `a + b`, elementwise. The smaller operand is repeated; its gradient is the sum over the repetitions, in a fixed order.
///
/// # Shapes
/// Equal, or, aligned at the last dimension, the smaller one has neighbouring extents of the larger and otherwise 1: (B, T, D) goes
/// with (1, T, D), (T, D), (D), (B, T, 1), (1, T, 1) and (), not with (B, 1, D).
///
/// # Errors
/// Other shapes.
pub fn add(g: &mut Graph, a: Var, b: Var) -> Result<Var> {
    match g.shape(a) == g.shape(b) {
        true => g.apply1(Add { relu: false }, &[a, b]),
        false => g.apply1(Broadcast(Arithmetic::Add), &by_size(g, a, b)),
    }
}

/// `a · b`, elementwise. The smaller operand is repeated as by [`add`].
///
/// # Errors
/// See [`add`].
pub fn mul(g: &mut Graph, a: Var, b: Var) -> Result<Var> {
    match g.shape(a) == g.shape(b) {
        true => g.apply1(Mul, &[a, b]),
        false => g.apply1(Broadcast(Arithmetic::Mul), &by_size(g, a, b)),
    }
}

/// `scale · x + shift`.
///
/// # Errors
/// None for valid graphs.
pub fn affine(g: &mut Graph, x: Var, scale: f32, shift: f32) -> Result<Var> {
    g.apply1(Affine { scale, shift }, &[x])
}

/// `s · x`.
///
/// # Errors
/// None for valid graphs.
pub fn scale(g: &mut Graph, x: Var, s: f32) -> Result<Var> {
    affine(g, x, s, 0.0)
}
