//! Slices along one axis, and concatenation.

use super::{arity, axis};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::slice::Part;
use crate::{Error, Result};

struct Slice {
    dim: usize,
    start: usize,
    end: usize,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("slice", inputs, 1)?;
        axis("slice", &inputs[0], self.dim)?;
        let mut shape = inputs[0].clone();
        if self.start >= self.end || self.end > shape[self.dim] {
            let expected = format!("a part of 0..{} along dimension {}", shape[self.dim], self.dim);
            return Err(Error::shape("slice", expected, format!("{}..{}", self.start, self.end)));
        }
        shape.0[self.dim] = self.end - self.start;
        Ok(vec![shape])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let shape = g.shape(g.inputs(node)[0]).clone();
        Ok(vec![Some(g.apply1(Pad { dim: self.dim, start: self.start, shape }, &[dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let part = Part { around: cx.input_shape(0).around(self.dim), start: self.start, m: self.end - self.start };
        cx.launch(part.take(cx.target(), cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// The input in its place in zeros of `shape`.
struct Pad {
    dim: usize,
    start: usize,
    shape: Shape,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "slice_bwd"
    }
    fn shapes(&self, _: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![self.shape.clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let part = Part { around: self.shape.around(self.dim), start: self.start, m: cx.input_shape(0)[self.dim] };
        cx.launch(part.pad(cx.target(), cx.input(0), cx.output(0)));
        Ok(())
    }
}

struct Concat {
    dim: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        let first = inputs.first().ok_or_else(|| Error::shape("concat", "at least one input", "none"))?;
        axis("concat", first, self.dim)?;
        let mut shape = first.clone();
        shape.0[self.dim] = 0;
        for x in inputs {
            let mut other = x.clone();
            let extent = other.0.get(self.dim).copied().unwrap_or(0);
            if let Some(e) = other.0.get_mut(self.dim) {
                *e = first[self.dim];
            }
            if other != *first {
                return Err(Error::shape("concat", format!("{first} but for dimension {}", self.dim), x.to_string()));
            }
            shape.0[self.dim] += extent;
        }
        Ok(vec![shape])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let inputs = g.inputs(node).to_vec();
        let Some(dy) = dy[0] else { return Ok(vec![None; inputs.len()]) };
        let mut start = 0;
        let mut out = Vec::with_capacity(inputs.len());
        for (x, wanted) in inputs.iter().zip(wanted) {
            let end = start + g.shape(*x)[self.dim];
            out.push(if *wanted { Some(slice(g, dy, self.dim, start, end)?) } else { None });
            start = end;
        }
        Ok(out)
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let around = cx.output_shape(0).around(self.dim);
        let mut start = 0;
        for i in 0..cx.input_count() {
            let m = cx.input_shape(i)[self.dim];
            cx.launch(Part { around, start, m }.put(cx.target(), cx.input(i), cx.output(0)));
            start += m;
        }
        Ok(())
    }
}

/// `x[.., start..end, ..]` along `dim`.
///
/// # Errors
/// When the range is empty or outside `x`.
pub fn slice(g: &mut Graph, x: Var, dim: usize, start: usize, end: usize) -> Result<Var> {
    g.apply1(Slice { dim, start, end }, &[x])
}

/// The inputs one after the other along `dim`.
///
/// # Errors
/// When they differ in another dimension.
pub fn concat(g: &mut Graph, inputs: &[Var], dim: usize) -> Result<Var> {
    g.apply1(Concat { dim }, inputs)
}
