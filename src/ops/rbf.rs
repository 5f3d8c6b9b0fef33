//! Gaussian kernel matrices.

use super::arity;
use super::matmul::Repeated;
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::matmul::Product;
use crate::kernels::rbf as kernel;
use crate::{Error, Result};

/// Inputs x (B, D) and y (S, D); output (B, S).
struct Rbf {
    gamma: f32,
}

impl Op for Rbf {
    fn name(&self) -> &'static str {
        "rbf"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("rbf", inputs, 2)?;
        let (x, y) = (&inputs[0], &inputs[1]);
        if x.rank() != 2 || y.rank() != 2 || x[1] != y[1] {
            return Err(Error::shape("rbf", "x (B, D) and y (S, D)", format!("{x} and {y}")));
        }
        Ok(vec![[x[0], y[0]].into()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (rows, cols, d) = (cx.input_shape(0)[0], cx.input_shape(1)[0], cx.input_shape(0)[1]);
        let [xx, yy] = [cx.scratch(rows), cx.scratch(cols)];
        cx.launch(kernel::norms(rows, d, cx.input(0), xx));
        cx.launch(kernel::norms(cols, d, cx.input(1), yy));
        let product = Repeated::new(cx, Product::new(1, rows, cols, d, false, true));
        product.launch(cx, cx.input(0), cx.input(1), cx.output(0));
        cx.launch(kernel::kernel(cx.target(), rows, cols, self.gamma, [xx, yy, cx.output(0)]));
        Ok(())
    }
}

/// `k[i,j] = exp(−gamma |x[i] − y[j]|²)` of x (B, D) and y (S, D): (B, S). It has no derivative.
///
/// # Errors
/// When the widths differ.
pub fn rbf(g: &mut Graph, x: Var, y: Var, gamma: f32) -> Result<Var> {
    g.apply1(Rbf { gamma }, &[x, y])
}
