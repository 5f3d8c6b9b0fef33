//! Long short-term memory: products over all times, and a recurrence of one product and one kernel per step.

use super::matmul::Repeated;
use super::{arity, concat, linear, matmul, reshape};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::lstm::{self as kernel, Recurrence};
use crate::kernels::matmul::Product;
use crate::{Error, Result};

fn recurrence(xg: &Shape, reverse: bool) -> Recurrence {
    Recurrence { batch: xg[0], steps: xg[1], hidden: xg[2] / 4, reverse }
}

/// Inputs xg (B, T, 4H) and W_hh (4H, H); outputs y (B, T, H), and for the backward pass gates, cells and the outputs of the step before.
struct Direction {
    reverse: bool,
}

impl Op for Direction {
    fn name(&self) -> &'static str {
        "lstm"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("lstm", inputs, 2)?;
        let (xg, w) = (&inputs[0], &inputs[1]);
        if xg.rank() != 3 || w.rank() != 2 || w[0] != 4 * w[1] || xg[2] != w[0] || xg[1] == 0 {
            return Err(Error::shape("lstm", "W_ih x + b (B, T, 4H) of at least one time, and W_hh (4H, H)", format!("{xg} and {w}")));
        }
        let y = Shape::from([xg[0], xg[1], w[1]]);
        Ok(vec![y.clone(), xg.clone(), y.clone(), y])
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let Some(dy) = dy[0] else { return Ok(vec![None, None]) };
        let w = g.inputs(node)[1];
        let [gates, c, before] = [1, 2, 3].map(|o| g.output_of(node, o));
        let dxg = g.apply1(Backward { reverse: self.reverse }, &[gates, c, w, dy])?;
        let dw = match wanted[1] {
            true => {
                let r = recurrence(g.shape(dxg), self.reverse);
                let rows = r.batch * r.steps;
                let [d, h] = [reshape(g, dxg, [rows, 4 * r.hidden])?, reshape(g, before, [rows, r.hidden])?];
                Some(matmul(g, d, h, true, false)?)
            }
            false => None,
        };
        Ok(vec![Some(dxg), dw])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let r = recurrence(cx.input_shape(0), self.reverse);
        let [h, rec] = [cx.scratch(r.batch * r.hidden), cx.scratch(4 * r.batch * r.hidden)];
        let product = Product::new(1, r.batch, 4 * r.hidden, r.hidden, false, true);
        cx.note_problem(product);
        let product = Repeated::new(cx, product);
        for step in 0..r.steps {
            if step > 0 {
                product.launch(cx, h, cx.input(1), rec);
            }
            let [y, gates, c, h_before] = [0, 1, 2, 3].map(|o| cx.output(o));
            cx.launch(r.forward(cx.target(), step, kernel::Forward { xg: cx.input(0), rec, gates, c, y, h_before, h }));
        }
        Ok(())
    }
}

/// Inputs gates, cells, W_hh, dy; output the gradient of xg.
struct Backward {
    reverse: bool,
}

impl Op for Backward {
    fn name(&self) -> &'static str {
        "lstm_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let r = recurrence(cx.input_shape(0), self.reverse);
        let n = r.batch * r.hidden;
        let [dh, dc, dgates] = [cx.scratch(n), cx.scratch(n), cx.scratch(4 * n)];
        let product = Product::new(1, r.batch, r.hidden, 4 * r.hidden, false, false);
        cx.note_problem(product);
        let product = Repeated::new(cx, product);
        for step in (0..r.steps).rev() {
            if step + 1 < r.steps {
                product.launch(cx, dgates, cx.input(2), dh);
            }
            let [gates, c, dy, dxg] = [cx.input(0), cx.input(1), cx.input(3), cx.output(0)];
            cx.launch(r.backward(cx.target(), step, kernel::Backward { gates, c, dy, dh, dc, dxg, dgates }));
        }
        Ok(())
    }
}

/// Weights of one direction of an LSTM layer of H units on N features, gates in PyTorch's order i, f, g, o.
#[derive(Debug, Clone, Copy)]
pub struct LstmWeights {
    /// `weight_ih_l0` (4H, N).
    pub input: Var,
    /// `weight_hh_l0` (4H, H).
    pub hidden: Var,
    /// `bias_ih_l0` (4H), to which PyTorch adds a second one; their sum is all that counts.
    pub bias: Var,
}

/// An LSTM layer (Hochreiter & Schmidhuber 1997; Gers et al. 2000) from a state of zeros: x (B, T, N) -> (B, T, H), or (B, T, 2H) with a
/// second direction that goes from the last time to the first.
///
///   i, f, o = σ(W x + V h + b), g = tanh(W x + V h + b), c = f c + i g, h = o tanh c
///
/// # Errors
/// When the shapes do not fit each other, or there are no directions or more than two.
pub fn lstm(g: &mut Graph, x: Var, directions: &[LstmWeights]) -> Result<Var> {
    if !(1..=2).contains(&directions.len()) {
        return Err(Error::shape("lstm", "one direction or two", directions.len().to_string()));
    }
    let mut ys = Vec::new();
    for (d, weights) in directions.iter().enumerate() {
        let xg = linear(g, x, weights.input, Some(weights.bias))?;
        ys.push(g.apply(Direction { reverse: d == 1 }, &[xg, weights.hidden])?[0]);
    }
    if ys.len() == 1 { Ok(ys[0]) } else { concat(g, &ys, 2) }
}
