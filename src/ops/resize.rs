//! Resampling of images, with columns that follow each clip's length.

use super::{arity, rank};
use crate::graph::{Graph, Lowering, Op, Shape, Var};
use crate::kernels::resize as kernel;
use crate::words::words;
use crate::{Error, Result};

words! {
    /// Resampling of spectrograms to images.
    Resize {
        /// The nearest value, as the published images were drawn.
        Nearest = "nearest",
        /// The mean over the pixel's area.
        Area = "area",
        /// Linear between four neighbours.
        Bilinear = "bilinear",
    }
}

struct Resized {
    mode: Resize,
    size: (usize, usize),
    hop: usize,
    shown: usize,
}

impl Op for Resized {
    fn name(&self) -> &'static str {
        "resize"
    }
    fn shapes(&self, inputs: &[Shape]) -> Result<Vec<Shape>> {
        arity("resize", inputs, if self.hop > 0 { 2 } else { 1 })?;
        let x = &inputs[0];
        rank("resize", x, 4)?;
        if let Some(lengths) = inputs.get(1).filter(|l| l.0 != [x[0]]) {
            return Err(Error::shape("resize", format!("lengths of {} clips", x[0]), lengths.to_string()));
        }
        // Twice the product of both extents of an axis must fit 32 bits in the kernel.
        let fits = |n: usize, m: usize| n > 0 && m > 0 && (2 * m as u64 + 1).saturating_mul(n as u64) < 1 << 32;
        let width = if self.shown > 0 { self.shown } else { x[3] };
        if !fits(x[2], self.size.0) || !fits(width.max(x[3]), self.size.1) {
            return Err(Error::shape("resize", "extents from 1 on whose products fit 31 bits", format!("{x} to {:?}", self.size)));
        }
        Ok(vec![Shape::from([x[0], x[1], self.size.0, self.size.1])])
    }
    fn lower(&self, cx: &mut Lowering) -> Result<()> {
        let s = cx.input_shape(0);
        let extents = kernel::Extents { batch: s[0], channels: s[1], from: (s[2], s[3]), to: self.size, hop: self.hop, shown: self.shown };
        let filter = match self.mode {
            Resize::Nearest => kernel::Filter::Nearest,
            Resize::Bilinear => kernel::Filter::Bilinear,
            Resize::Area => kernel::Filter::Area,
        };
        let lengths = (self.hop > 0).then(|| cx.input(1));
        cx.launch(kernel::resize(cx.target(), &extents, filter, cx.input(0), lengths, cx.output(0)));
        Ok(())
    }
}

/// Resamples images to `size` rows and columns: the nearest value `⌊o·n/m⌋`, linear between pixel centres without aligned corners, or
/// the mean of `⌊o·n/m⌋ .. ⌈(o+1)·n/m⌉` (PyTorch's `interpolate` with nearest, bilinear and area).
///
/// # Shapes
/// `x` (B, C, H, W) → (B, C, size.0, size.1). No gradient.
///
/// # Errors
/// Other ranks, empty extents, extents whose product does not fit 31 bits.
pub fn resize(g: &mut Graph, x: Var, size: (usize, usize), mode: Resize) -> Result<Var> {
    g.apply1(Resized { mode, size, hop: 0, shown: 0 }, &[x])
}

/// [`resize`] of only the columns a clip has, `1 + length/hop`; or, with `shown`, of that many columns from the first, those the
/// clip does not have being zero.
///
/// # Shapes
/// `x` (B, C, H, T), `lengths` (B) in samples as unsigned integers → (B, C, size.0, size.1). No gradient.
///
/// # Errors
/// Those of [`resize`]; lengths of another shape; a hop of zero.
pub fn resize_clips(
    g: &mut Graph,
    x: Var,
    lengths: Var,
    hop: usize,
    shown: Option<usize>,
    size: (usize, usize),
    mode: Resize,
) -> Result<Var> {
    if hop == 0 || shown == Some(0) {
        return Err(Error::shape("resize", "a hop and shown columns of at least 1", format!("{hop}, {shown:?}")));
    }
    g.apply1(Resized { mode, size, hop, shown: shown.unwrap_or(0) }, &[x, lengths])
}
