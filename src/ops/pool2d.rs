//! Max, average and global average pooling.

use super::{arity, mean, rank, reshape};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::pool2d::Pool;
use crate::{Error, Result};

/// Windows of a pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSpec {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Margin at each edge, at most half the window.
    pub padding: [usize; 2],
    /// Round the number of windows up, as long as each starts inside the image or its leading margin.
    pub ceil_mode: bool,
    /// An average counts the margin.
    pub count_include_pad: bool,
}

impl PoolSpec {
    /// Windows in PyTorch's defaults: their number rounded down, margins counted by an average.
    pub fn new(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        PoolSpec { kernel, stride, padding, ceil_mode: false, count_include_pad: true }
    }
}

#[derive(Clone, Copy)]
struct Pool2d {
    spec: PoolSpec,
    max: bool,
}

impl Pool2d {
    fn pool(&self, x: &Shape) -> Result<Pool> {
        rank(self.name(), x, 4)?;
        let s = &self.spec;
        let mut output = [0; 2];
        for a in 0..2 {
            let (size, k, stride, pad) = (x[2 + a], s.kernel[a], s.stride[a], s.padding[a]);
            if k == 0 || stride == 0 || 2 * pad > k || size + 2 * pad < k {
                let expected = "positive stride, padding of at most half the window, and a window no larger than the padded input";
                return Err(Error::shape(self.name(), expected, format!("{x}, {s:?}")));
            }
            let span = size + 2 * pad - k;
            output[a] = span / stride + 1;
            if s.ceil_mode && span % stride != 0 && output[a] * stride < size + pad {
                output[a] += 1;
            }
        }
        let (kernel, stride, padding) = (s.kernel, s.stride, s.padding);
        Ok(Pool { rows: x[0] * x[1], input: [x[2], x[3]], output, kernel, stride, padding, count_pad: s.count_include_pad })
    }
}

impl Op for Pool2d {
    fn name(&self) -> &'static str {
        if self.max { "max_pool2d" } else { "avg_pool2d" }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 1)?;
        let p = self.pool(&inputs[0])?;
        let y: Shape = [inputs[0][0], inputs[0][1], p.output[0], p.output[1]].into();
        Ok(if self.max { vec![y.clone(), y] } else { vec![y] })
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let x = g.inputs(node)[0];
        let backward = Backward { forward: *self, shape: g.shape(x).clone() };
        let inputs = if self.max { vec![g.output_of(node, 1), dy] } else { vec![dy] };
        Ok(vec![Some(g.apply1(backward, &inputs)?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let p = self.pool(cx.input_shape(0))?;
        cx.launch(match self.max {
            true => p.max(cx.target(), cx.input(0), cx.output(0), cx.output(1)),
            false => p.avg(cx.target(), cx.input(0), cx.output(0)),
        });
        Ok(())
    }
}

/// Inputs the place of the maximum (max only), dy; output dx.
struct Backward {
    forward: Pool2d,
    shape: Shape,
}

impl Op for Backward {
    fn name(&self) -> &'static str {
        "pool2d_bwd"
    }
    fn shapes(&self, _: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![self.shape.clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let p = self.forward.pool(&self.shape)?;
        cx.launch(match self.forward.max {
            true => p.max_backward(cx.target(), cx.input(0), cx.input(1), cx.output(0)),
            false => p.avg_backward(cx.target(), cx.input(0), cx.output(0)),
        });
        Ok(())
    }
}

/// Largest value of each window of x (N, C, H, W); the margin never wins, a NaN always. On a tie the gradient goes to the first in
/// row order.
///
/// # Errors
/// When the window does not fit.
pub fn max_pool2d(g: &mut Graph, x: Var, spec: PoolSpec) -> Result<Var> {
    g.apply1(Pool2d { spec, max: true }, &[x])
}

/// Average of each window of x (N, C, H, W).
///
/// # Errors
/// When the window does not fit.
pub fn avg_pool2d(g: &mut Graph, x: Var, spec: PoolSpec) -> Result<Var> {
    g.apply1(Pool2d { spec, max: false }, &[x])
}

/// Mean of each plane: (N, C, H, W) -> (N, C).
///
/// # Errors
/// When `x` is not (N, C, H, W).
pub fn global_avg_pool(g: &mut Graph, x: Var) -> Result<Var> {
    let s = g.shape(x).clone();
    rank("global_avg_pool", &s, 4)?;
    let flat = reshape(g, x, [s[0], s[1], s[2] * s[3]])?;
    mean(g, flat, 2)
}
