//! Updates of regions of state in place: moving average, accumulation, filling.

use super::{arity, same};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::in_place as kernel;
use crate::{Error, Result};

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Ema,
    Accumulate,
    Fill,
}

/// Inputs the region and, except for filling, a value of its shape; no outputs.
struct InPlace {
    rule: Rule,
    s: f32,
}

impl Op for InPlace {
    fn name(&self) -> &'static str {
        match self.rule {
            Rule::Ema => "ema",
            Rule::Accumulate => "accumulate",
            Rule::Fill => "fill",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, if self.rule == Rule::Fill { 1 } else { 2 })?;
        same(self.name(), inputs)?;
        Ok(vec![])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (n, y) = (cx.input_shape(0).elements(), cx.input(0));
        cx.launch(match self.rule {
            Rule::Ema => kernel::ema(cx.target(), n, self.s, y, cx.input(1)),
            Rule::Accumulate => kernel::accumulate(cx.target(), n, self.s, y, cx.input(1)),
            Rule::Fill => kernel::fill(cx.target(), n, self.s, y),
        });
        Ok(())
    }
    fn mutates(&self) -> &[usize] {
        &[0]
    }
}

/// Exponential moving average in place: `average ← d·average + (1 − d)·x`, computed as `average + (1 − d)·(x − average)`. `average` is
/// state; `x` has its shape.
///
/// # Errors
/// When shapes differ or the decay is outside 0..=1. Compiling fails when `average` is not state.
pub fn ema(g: &mut Graph, average: Var, x: Var, decay: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&decay) {
        return Err(Error::shape("ema", "a decay in 0..=1", decay.to_string()));
    }
    g.apply(InPlace { rule: Rule::Ema, s: (1.0 - decay) as f32 }, &[average, x]).map(|_| ())
}

/// `sum ← sum + scale·x` in place, for gradients over micro-batches. `sum` is state; `x` has its shape.
///
/// # Errors
/// When shapes differ. Compiling fails when `sum` is not state.
pub fn accumulate(g: &mut Graph, sum: Var, x: Var, scale: f32) -> Result<()> {
    g.apply(InPlace { rule: Rule::Accumulate, s: scale }, &[sum, x]).map(|_| ())
}

/// `region ← value` in every element. `region` is state.
///
/// # Errors
/// None while building. Compiling fails when `region` is not state.
pub fn fill(g: &mut Graph, region: Var, value: f32) -> Result<()> {
    g.apply(InPlace { rule: Rule::Fill, s: value }, &[region]).map(|_| ())
}
