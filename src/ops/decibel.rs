//! Decibels with a floor below each clip's maximum.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::decibel as kernel;
use crate::{Error, Result};

pub use kernel::Scale;

struct Decibel {
    scale: Scale,
}

impl Op for Decibel {
    fn name(&self) -> &'static str {
        "decibel"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("decibel", inputs, 2)?;
        rank("decibel", &inputs[0], 3)?;
        if inputs[1].0 != [inputs[0][0]] {
            return Err(Error::shape("decibel", format!("lengths of {} clips", inputs[0][0]), inputs[1].to_string()));
        }
        if self.scale.hop == 0 || self.scale.range.is_nan() || self.scale.range <= 0.0 {
            let got = format!("hop {}, range {}", self.scale.hop, self.scale.range);
            return Err(Error::shape("decibel", "a hop of at least 1 and a positive range", got));
        }
        Ok(vec![inputs[0].clone()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let extents = (s[0], s[1], s[2]);
        cx.launch(kernel::decibel(cx.target(), extents, &self.scale, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// `10·log10(max(x, 1e-10))` (of `x²` where `squared`), less the clip's maximum where `relative`, no lower than `range` below the
/// clip's maximum; zero behind the clip's last frame. Follows librosa's `power_to_db`.
///
/// Silence: where no value of a clip exceeds 1e-10, all count as 1e-10 and that is the clip's maximum too. Relative to it the clip is
/// 0 dB throughout, as loud as can be, and not at its floor. This is librosa's rule (`ref=np.max`), kept so that results agree.
///
/// # Shapes
/// `x` (B, M, T) of non-negative values, `lengths` (B) in samples as unsigned integers → (B, M, T). No gradient.
///
/// # Errors
/// Other shapes, a hop of zero, a range that is not positive.
pub fn decibel(g: &mut Graph, x: Var, lengths: Var, scale: Scale) -> Result<Var> {
    g.apply1(Decibel { scale }, &[x, lengths])
}
