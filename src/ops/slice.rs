//! Slices along one axis, concatenation, and tensors that are filled part by part.

use super::{arity, axis};
use crate::graph::{Graph, InPlace, Lowering, NodeId, Op, Shape, Var, Writes};
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

/// Input x; outputs its parts of these extents, one after the other.
struct Split {
    dim: usize,
    extents: Vec<usize>,
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "split"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("split", inputs, 1)?;
        axis("split", &inputs[0], self.dim)?;
        let sum: usize = self.extents.iter().sum();
        if sum != inputs[0][self.dim] || self.extents.contains(&0) {
            let expected = format!("parts of {} along dimension {}", inputs[0][self.dim], self.dim);
            return Err(Error::shape("split", expected, format!("{:?}", self.extents)));
        }
        let part = |m: &usize| {
            let mut shape = inputs[0].clone();
            shape.0[self.dim] = *m;
            shape
        };
        Ok(self.extents.iter().map(part).collect())
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        if let Some(all) = dy.iter().copied().collect::<Option<Vec<Var>>>() {
            return Ok(vec![Some(concat(g, &all, self.dim)?)]);
        }
        let shape = g.shape(g.inputs(node)[0]).clone();
        let mut sum: Option<Var> = None;
        for (i, d) in dy.iter().enumerate().filter_map(|(i, d)| Some((i, (*d)?))) {
            let start = self.extents[..i].iter().sum();
            let padded = g.apply1(Pad { dim: self.dim, start, shape: shape.clone() }, &[d])?;
            sum = Some(match sum {
                Some(before) => super::add(g, before, padded)?,
                None => padded,
            });
        }
        Ok(vec![sum])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (around, mut start) = (cx.input_shape(0).around(self.dim), 0);
        for (i, m) in self.extents.iter().copied().enumerate() {
            cx.launch(Part { around, start, m }.take(cx.target(), cx.input(0), cx.output(i)));
            start += m;
        }
        Ok(())
    }
}

/// Input x; output a wider tensor that begins with it.
struct Reserve {
    dim: usize,
    extent: usize,
}

impl Op for Reserve {
    fn name(&self) -> &'static str {
        "reserve"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("reserve", inputs, 1)?;
        axis("reserve", &inputs[0], self.dim)?;
        let mut shape = inputs[0].clone();
        if shape[self.dim] > self.extent {
            let expected = format!("at most {} along dimension {}", self.extent, self.dim);
            return Err(Error::shape("reserve", expected, inputs[0].to_string()));
        }
        shape.0[self.dim] = self.extent;
        Ok(vec![shape])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let m = g.shape(g.inputs(node)[0])[self.dim];
        Ok(vec![Some(slice(g, dy, self.dim, 0, m)?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let part = Part { around: cx.output_shape(0).around(self.dim), start: 0, m: cx.input_shape(0)[self.dim] };
        cx.launch(part.put(cx.target(), cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Inputs a tensor with room from `start` on, a part; output the tensor with the part there.
struct Append {
    dim: usize,
    start: usize,
}

impl Op for Append {
    fn name(&self) -> &'static str {
        "append"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("append", inputs, 2)?;
        axis("append", &inputs[0], self.dim)?;
        let mut alike = inputs[0].clone();
        if let (Some(to), Some(from)) = (alike.0.get_mut(self.dim), inputs[1].0.get(self.dim)) {
            *to = *from;
        }
        if alike != inputs[1] || self.start + alike[self.dim] > inputs[0][self.dim] {
            let expected = format!("a part of {} from {} along dimension {}", inputs[0], self.start, self.dim);
            return Err(Error::shape("append", expected, inputs[1].to_string()));
        }
        Ok(vec![inputs[0].clone()])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None; 2]) };
        let m = g.shape(g.inputs(node)[1])[self.dim];
        let part = if wanted[1] { Some(slice(g, dy, self.dim, self.start, self.start + m)?) } else { None };
        // Where the part went the tensor held nothing, so nobody asks for its gradient there.
        Ok(vec![Some(dy), part])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let part = Part { around: cx.output_shape(0).around(self.dim), start: self.start, m: cx.input_shape(1)[self.dim] };
        cx.launch(part.put(cx.target(), cx.input(1), cx.output(0)));
        Ok(())
    }
    fn in_place(&self, _: usize) -> Option<InPlace> {
        Some(InPlace { input: 0, writes: Writes::Unused })
    }
}

/// The parts of `x` along `dim`, of these extents, one after the other.
///
/// # Errors
/// When the extents do not add up to that of `x`, or one is 0.
pub fn split(g: &mut Graph, x: Var, dim: usize, extents: &[usize]) -> Result<Vec<Var>> {
    g.apply(Split { dim, extents: extents.to_vec() }, &[x])
}

/// A tensor of `extent` along `dim` that begins with `x`. What follows is not written: it holds anything until [`append`] fills it, must
/// not be read before, and gets no gradient.
///
/// # Errors
/// When `x` is wider than `extent`.
pub fn reserve(g: &mut Graph, x: Var, dim: usize, extent: usize) -> Result<Var> {
    g.apply1(Reserve { dim, extent }, &[x])
}

/// A tensor of [`reserve`] with `part` from `start` on along `dim`, in the same memory: nothing else is copied, and what lies before `start`
/// can still be read of `x`. What `x` held from `start` on must not have been written or read.
///
/// # Errors
/// When the part does not fit; when compiled, where `x` is no value that an op made.
pub fn append(g: &mut Graph, x: Var, dim: usize, start: usize, part: Var) -> Result<Var> {
    g.apply1(Append { dim, start }, &[x, part])
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
