//! Slopes over time as further channels.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::delta as kernel;
use crate::{Error, Result};

struct Delta {
    hop: usize,
    scale: f32,
}

impl Op for Delta {
    fn name(&self) -> &'static str {
        "delta"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("delta", inputs, 2)?;
        let x = &inputs[0];
        rank("delta", x, 3)?;
        if inputs[1].0 != [x[0]] || self.hop == 0 {
            return Err(Error::shape("delta", format!("lengths of {} clips and a hop of at least 1", x[0]), inputs[1].to_string()));
        }
        Ok(vec![Shape::from([x[0], 3, x[1], x[2]])])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let slopes = kernel::Slopes { extents: (s[0], s[1], s[2]), hop: self.hop, scale: self.scale };
        let d = cx.scratch(s.elements());
        cx.launch(kernel::slope(cx.target(), &slopes, cx.input(0), cx.input(1), d));
        cx.launch(kernel::stack(cx.target(), &slopes, cx.input(0), cx.input(1), d, cx.output(0)));
        Ok(())
    }
}

/// Stacks values, slopes and slopes of slopes over time: `Δ[t] = scale · Σ_{n=1..4} n·(c[t+n] − c[t−n]) / (2·Σ n²)` with the clip's
/// first and last frame continued (The HTK Book, eq. 5.16, over nine frames), then the same of Δ.
///
/// # Shapes
/// `x` (B, M, T), `lengths` (B) in samples as unsigned integers, of which a clip has `1 + length/hop` frames → (B, 3, M, T). No gradient.
///
/// # Errors
/// Other shapes, a hop of zero.
pub fn delta(g: &mut Graph, x: Var, lengths: Var, hop: usize, scale: f32) -> Result<Var> {
    g.apply1(Delta { hop, scale }, &[x, lengths])
}
