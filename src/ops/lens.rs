//! Images as a lens shows them from several distances.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Single, Var};
use crate::kernels::lens as kernel;
use crate::{Error, Result};

struct Lens {
    to: (usize, usize),
    prob: f32,
    stream: u32,
}

impl Op for Lens {
    fn name(&self) -> &'static str {
        "lens"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("lens", inputs, 2)?;
        let x = &inputs[0];
        rank("lens", x, 4)?;
        if inputs[1].0 != [4] {
            return Err(Error::shape("lens", "a counter of 4 integers", inputs[1].to_string()));
        }
        let fits = |whole: usize, part: usize| (1..=whole).contains(&part) && whole <= 16_384;
        if !fits(x[2], self.to.0) || !fits(x[3], self.to.1) || !(0.0..=1.0).contains(&self.prob) {
            let got = format!("{x}, {:?}, probability {}", self.to, self.prob);
            return Err(Error::shape("lens", "images of up to 16384 a side, a window in them, a probability", got));
        }
        Ok(vec![[x[0], x[1], self.to.0, self.to.1].into()])
    }
    fn single(&self) -> Single {
        Single::Operands
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let (extents, inputs) = ([s[0], s[1], s[2], s[3]], [cx.input(0), cx.input(1)]);
        cx.launch(kernel::lens(cx.target(), extents, self.to, (self.prob, self.stream), inputs, cx.output(0)));
        Ok(())
    }
}

/// DAARIP (Niu et al. 2017): with probability `prob` each image is seen through a convex lens at one of six distances, u/F = 1.5, 1.75, 2, 2.5,
/// 3 or 4, which resamples its sides to 1/(u/F − 1) of themselves and back; and of every image a window of `to` rows and columns is taken
/// somewhere. Draws depend on the counter `rng`, the image's row and `stream`, as those of [`augment`](super::augment).
///
/// # Shapes
/// `x` (B, C, H, W), `rng` (4) as unsigned integers: seed low, seed high, step, 0 → (B, C, to.0, to.1). No gradient.
///
/// # Errors
/// Other shapes; a window larger than the image; a probability outside \[0, 1\].
pub fn lens(g: &mut Graph, x: Var, rng: Var, to: (usize, usize), prob: f32, stream: u32) -> Result<Var> {
    g.apply1(Lens { to, prob, stream }, &[x, rng])
}
