//! Reordering of axes.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::permute as kernel;
use crate::{Error, Result};

/// Axis `d` of the output is axis `dims[d]` of the input.
struct Permute {
    dims: Vec<usize>,
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("permute", inputs, 1)?;
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if sorted.len() > 4 || sorted != (0..inputs[0].rank()).collect::<Vec<_>>() {
            let expected = format!("an order of the {} dimensions of {} (at most 4)", inputs[0].rank(), inputs[0]);
            return Err(Error::shape("permute", expected, format!("{:?}", self.dims)));
        }
        Ok(vec![Shape(self.dims.iter().map(|&d| inputs[0][d]).collect())])
    }
    fn vjp(&self, g: &mut Graph, _: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let mut inverse = vec![0; self.dims.len()];
        for (to, &from) in self.dims.iter().enumerate() {
            inverse[from] = to;
        }
        Ok(vec![Some(permute(g, dy, &inverse)?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (mut shape, mut stride) = ([1; 4], [0; 4]);
        let lead = 4 - self.dims.len();
        for (to, &from) in self.dims.iter().enumerate() {
            let (_, n, inner) = cx.input_shape(0).around(from);
            shape[lead + to] = n;
            stride[lead + to] = inner;
        }
        cx.launch(kernel::permute(cx.target(), shape, stride, cx.input(0), cx.output(0)));
        Ok(())
    }
}

/// Axis `d` of the result is axis `dims[d]` of `x`, for up to four dimensions.
///
/// # Errors
/// When `dims` is not an order of the dimensions.
pub fn permute(g: &mut Graph, x: Var, dims: &[usize]) -> Result<Var> {
    g.apply1(Permute { dims: dims.to_vec() }, &[x])
}
