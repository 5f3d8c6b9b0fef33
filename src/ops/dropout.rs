//! Dropout (Srivastava et al. 2014), inverted: kept values are scaled up. Alone, after a ReLU, or before an addition.

use super::{add, arity, relu};
use crate::graph::{Graph, Lowering, NodeId, Op, Shape, Var};
use crate::kernels::dropout::Dropout as Kernel;
use crate::{Error, Result};

/// What else the pass does.
#[derive(Clone, Copy, PartialEq)]
enum With {
    Nothing,
    Relu,
    Add,
}

/// Inputs x, rng and, with an addition, what is added.
#[derive(Clone, Copy)]
struct Dropout {
    rate: f32,
    stream: u32,
    with: With,
}

impl Dropout {
    fn kernel(&self, shape: &Shape) -> Kernel {
        Kernel { n: shape.elements(), stream: self.stream, rate: self.rate }
    }
}

/// Checks the rate and the generator's state of an op that drops.
pub(super) fn check(op: &str, rate: f32, rng: &Shape) -> Result<()> {
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::shape(op, "a rate in 0..1", rate.to_string()));
    }
    if **rng != [4] {
        return Err(Error::shape(op, "4 words of random state", rng.to_string()));
    }
    Ok(())
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        match self.with {
            With::Nothing => "dropout",
            With::Relu => "relu_dropout",
            With::Add => "dropout_add",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, if self.with == With::Add { 3 } else { 2 })?;
        check(self.name(), self.rate, &inputs[1])?;
        match inputs.get(2) {
            Some(a) if *a != inputs[0] => Err(Error::shape(self.name(), inputs[0].to_string(), a.to_string())),
            _ => Ok(vec![inputs[0].clone()]),
        }
    }
    fn vjp(&self, g: &mut Graph, node: NodeId, dy: &[Option<Var>], wanted: &[bool]) -> Result<Vec<Option<Var>>> {
        let mut out = vec![None; wanted.len()];
        let Some(dy) = dy[0] else { return Ok(out) };
        let rng = g.inputs(node)[1];
        if wanted[0] {
            out[0] = Some(match self.with {
                With::Relu => {
                    let y = g.output_of(node, 0);
                    g.apply1(ReluBackward(*self), &[y, dy])?
                }
                _ => dropout(g, dy, rng, self.rate, self.stream)?,
            });
        }
        if self.with == With::Add {
            out[2] = Some(dy);
        }
        Ok(out)
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let kernel = self.kernel(cx.output_shape(0));
        let (x, rng, y) = (cx.input(0), cx.input(1), cx.output(0));
        cx.launch(match self.with {
            With::Nothing => kernel.forward(cx.target(), x, rng, y),
            With::Relu => kernel.relu(cx.target(), x, rng, y),
            With::Add => kernel.add(cx.target(), x, rng, cx.input(2), y),
        });
        Ok(())
    }
}

/// Inputs y, dy; output dx.
struct ReluBackward(Dropout);

impl Op for ReluBackward {
    fn name(&self) -> &'static str {
        "relu_dropout_bwd"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let kernel = self.0.kernel(cx.output_shape(0));
        cx.launch(kernel.relu_backward(cx.target(), cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Zeroes values with probability `rate` and scales the others by `1/(1 − rate)`. `rng` is the input `[seed low, seed high, step, 0]`,
/// `stream` a number no other layer uses. Sixteen bits of the rate count.
///
/// # Errors
/// When the rate is not in 0..1.
pub fn dropout(g: &mut Graph, x: Var, rng: Var, rate: f32, stream: u32) -> Result<Var> {
    g.apply1(Dropout { rate, stream, with: With::Nothing }, &[x, rng])
}

/// `dropout(max(x, 0))` in one pass, with `(rng, rate, stream)` as for [`dropout`]; without them `max(x, 0)`.
///
/// # Errors
/// See [`dropout`].
pub fn relu_dropout(g: &mut Graph, x: Var, dropout: Option<(Var, f32, u32)>) -> Result<Var> {
    match dropout {
        Some((rng, rate, stream)) => g.apply1(Dropout { rate, stream, with: With::Relu }, &[x, rng]),
        None => relu(g, x),
    }
}

/// `a + dropout(x)` in one pass, with `(rng, rate, stream)` as for [`dropout`]; without them `a + x`.
///
/// # Errors
/// See [`dropout`]; when the shapes differ.
pub fn dropout_add(g: &mut Graph, x: Var, a: Var, dropout: Option<(Var, f32, u32)>) -> Result<Var> {
    match dropout {
        Some((rng, rate, stream)) => g.apply1(Dropout { rate, stream, with: With::Add }, &[x, rng, a]),
        None => add(g, a, x),
    }
}
