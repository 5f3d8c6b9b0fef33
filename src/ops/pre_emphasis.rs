//! Pre-emphasis of clips.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::pre_emphasis as kernel;
use crate::{Error, Result};

/// Checks clips (B, N) and their lengths (B).
pub(super) fn clips(op: &str, x: &Shape, lengths: &Shape) -> Result<()> {
    rank(op, x, 2)?;
    if lengths.0 == [x[0]] { Ok(()) } else { Err(Error::shape(op, format!("lengths of {} clips", x[0]), lengths.to_string())) }
}

struct PreEmphasis {
    coefficient: f32,
}

impl Op for PreEmphasis {
    fn name(&self) -> &'static str {
        "pre_emphasis"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("pre_emphasis", inputs, 2)?;
        clips("pre_emphasis", &inputs[0], &inputs[1])?;
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let (batch, samples) = (cx.input_shape(0)[0], cx.input_shape(0)[1]);
        cx.launch(kernel::pre_emphasis((batch, samples), self.coefficient, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `y[0] = x[0]`, `y[n] = x[n] − coefficient · x[n−1]` within each clip, zero behind it.
///
/// # Shapes
/// `x` (B, N) and `lengths` (B), written with [`Program::write_u32`](crate::compile::Program::write_u32) → (B, N). No gradient.
///
/// # Errors
/// Shapes other than these.
pub fn pre_emphasis(g: &mut Graph, x: Var, lengths: Var, coefficient: f32) -> Result<Var> {
    g.apply1(PreEmphasis { coefficient }, &[x, lengths])
}

/// The lengths of `batch` clips that all have `length` samples, as a constant.
///
/// # Errors
/// When `length` does not fit 32 bits.
pub fn whole(g: &mut Graph, batch: usize, length: usize) -> Result<Var> {
    let length = u32::try_from(length).map_err(|_| Error::shape("lengths", "at most 4294967295 samples", length.to_string()))?;
    g.constant([batch], &vec![f32::from_bits(length); batch])
}
