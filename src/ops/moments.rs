//! Mean and standard deviation over time of clips of different length.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::moments as kernel;
use crate::{Error, Result};

struct Moments {
    hop: usize,
}

impl Op for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("moments", inputs, 2)?;
        let x = &inputs[0];
        rank("moments", x, 3)?;
        if inputs[1].0 != [x[0]] || self.hop == 0 {
            return Err(Error::shape("moments", format!("lengths of {} clips and a hop of at least 1", x[0]), inputs[1].to_string()));
        }
        Ok(vec![Shape::from([x[0], 2, x[1]])])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let extents = (s[0], s[1], s[2]);
        cx.launch(kernel::moments(cx.target(), extents, self.hop, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Mean and population standard deviation of each row over a clip's own frames, `1 + length/hop` of them; zeros for a clip without samples.
///
/// # Shapes
/// `x` (B, M, T), `lengths` (B) in samples as unsigned integers → (B, 2, M): means, then deviations. No gradient: what is averaged here are
/// features of recordings, which are not trained.
///
/// # Errors
/// Other shapes, a hop of zero.
pub fn moments(g: &mut Graph, x: Var, lengths: Var, hop: usize) -> Result<Var> {
    g.apply1(Moments { hop }, &[x, lengths])
}
