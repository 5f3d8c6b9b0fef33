//! Local response normalisation.

use super::arity;
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::lrn as kernel;
use crate::{Error, Result};

/// Constants of [`lrn`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Channels of a window.
    pub window: usize,
    /// Weight of the window's mean square.
    pub alpha: f32,
    /// Exponent.
    pub beta: f32,
    /// Added to the weighted mean square.
    pub k: f32,
}

impl Lrn {
    fn kernel(&self, x: &Shape) -> kernel::Lrn {
        let (n, c, inner) = x.around(1);
        kernel::Lrn { extents: [n, c, inner], window: self.window, alpha: self.alpha, beta: self.beta, k: self.k }
    }
}

/// Outputs y and the sums d that backward needs.
impl Op for Lrn {
    fn name(&self) -> &'static str {
        "lrn"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("lrn", inputs, 1)?;
        if inputs[0].rank() < 2 || self.window == 0 || !(self.k > 0.0 && self.alpha >= 0.0) {
            let got = format!("{} with {self:?}", inputs[0]);
            return Err(Error::shape("lrn", "x (B, C, ...), a window, k above 0 and alpha of at least 0", got));
        }
        Ok(vec![inputs[0].clone(); 2])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], _: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None]) };
        let (x, y, d) = (g.inputs(node)[0], g.output_of(node, 0), g.output_of(node, 1));
        Ok(vec![Some(g.apply1(Backward(*self), &[x, y, d, dy])?)])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let lrn = self.kernel(cx.input_shape(0));
        cx.launch(lrn.forward(cx.target(), cx.input(0), cx.output(0), cx.output(1)));
        Ok(())
    }
}

/// Inputs x, y, d, dy; output dx.
struct Backward(Lrn);

impl Op for Backward {
    fn name(&self) -> &'static str {
        "lrn_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let lrn = self.0.kernel(cx.input_shape(0));
        cx.launch(lrn.backward(cx.target(), [0, 1, 2, 3].map(|i| cx.input(i)), cx.output(0)));
        Ok(())
    }
}

/// Local response normalisation across channels (Krizhevsky et al. 2012) of x (B, C, ...): `y[c] = x[c] (k + α/n Σ x²)^−β`, the sum over the
/// `n` channels from `c − n/2` on, those outside counted as 0. As in PyTorch, α is divided by the window.
///
/// # Errors
/// When `x` has no channels, or the constants could make a root of something negative.
pub fn lrn(g: &mut Graph, x: Var, constants: Lrn) -> Result<Var> {
    Ok(g.apply(constants, &[x])?[0])
}
