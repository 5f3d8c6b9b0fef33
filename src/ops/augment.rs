//! Random changes to images.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::augment as kernel;
use crate::{Error, Result};

pub use kernel::{Change, MOST};

struct Augment {
    change: Change,
    prob: f32,
    stream: u32,
}

impl Augment {
    fn check(&self, rows: usize, cols: usize) -> Result<()> {
        let share = |v: f32| (0.0..=1.0).contains(&v);
        let fine = share(self.prob)
            && (1..=65_535).contains(&rows)
            && (1..=65_535).contains(&cols)
            && match self.change {
                Change::RandomCut { least, zoom, shift } => share(least) && least > 0.0 && (0.0..1.0).contains(&zoom) && share(shift),
                Change::Cutout { count, size, .. } => count <= MOST && size.0 <= rows && size.1 <= cols,
                Change::SaltPepper { share: s, pepper, .. } => share(s) && share(pepper),
                Change::Warp { tempo, zoom, level } => share(tempo) && tempo < 1.0 && (0.0..1.0).contains(&zoom) && level.is_finite(),
                Change::SpecAugment { columns: c, rows: r, .. } => c.0 <= MOST && r.0 <= MOST && c.1 <= cols && r.1 <= rows,
            };
        let expected = format!("probabilities and shares in [0, 1], at most {MOST} masks no larger than the image");
        if fine {
            Ok(())
        } else {
            Err(Error::shape("augment", expected, format!("{:?} of {rows} x {cols}, prob {}", self.change, self.prob)))
        }
    }
}

impl Op for Augment {
    fn name(&self) -> &'static str {
        match self.change {
            Change::RandomCut { .. } => "random_cut",
            Change::Cutout { .. } => "cutout",
            Change::SaltPepper { .. } => "salt_pepper",
            Change::SpecAugment { .. } => "spec_augment",
            Change::Warp { .. } => "warp",
        }
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity(self.name(), inputs, 2)?;
        rank(self.name(), &inputs[0], 4)?;
        if inputs[1].0 != [4] {
            return Err(Error::shape(self.name(), "a counter of 4 integers", inputs[1].to_string()));
        }
        self.check(inputs[0][2], inputs[0][3])?;
        Ok(vec![inputs[0].clone()])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let extents = [s[0], s[1], s[2], s[3]];
        let how = (&self.change, self.prob, self.stream);
        cx.launch(kernel::augment(cx.target(), extents, how, cx.input(0), cx.input(1), cx.output(0)));
        Ok(())
    }
}

/// Changes each image with probability `prob`. Draws depend on the counter `rng`, the image's row and `stream`, which must differ
/// between changes of one graph; the same values give the same images.
///
/// # Shapes
/// `x` (B, C, H, W), `rng` (4) as unsigned integers: seed low, seed high, step, 0 → (B, C, H, W). No gradient.
///
/// # Errors
/// Other shapes; probabilities or shares outside \[0, 1\]; more than [`MOST`] masks, or masks larger than the image.
pub fn augment(g: &mut Graph, x: Var, rng: Var, change: Change, prob: f32, stream: u32) -> Result<Var> {
    g.apply1(Augment { change, prob, stream }, &[x, rng])
}
