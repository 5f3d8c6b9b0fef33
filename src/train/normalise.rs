//! Normalisation of what enters a network, as part of its graph.

use super::recipe::Recipe;
use crate::frontend::Inputs;
use crate::graph::{Graph, Var};
use crate::{Result, ops};

impl Recipe {
    /// `(x − mean) / std` per channel of images and per feature of sequences.
    pub(super) fn normalise(&self, g: &mut Graph, x: Var) -> Result<Var> {
        if self.mean.is_empty() {
            return Ok(x);
        }
        match self.config.inputs()? {
            Inputs::Sequences(..) => return self.normalise_frames(g, x),
            Inputs::Signals(signals) => return self.normalise_spans(g, x, &signals.spans()),
            Inputs::Images(..) | Inputs::Frames(..) | Inputs::Vectors(..) => {}
        }
        if self.mean.len() == 1 {
            let s = 1.0 / self.std[0];
            return ops::affine(g, x, s, -self.mean[0] * s);
        }
        let mut channels = Vec::new();
        for (c, (mean, std)) in self.mean.iter().zip(&self.std).enumerate() {
            let plane = ops::slice(g, x, 1, c, c + 1)?;
            channels.push(ops::affine(g, plane, 1.0 / std, -mean / std)?);
        }
        ops::concat(g, &channels, 1)
    }

    /// Parts of a flat row, each of so many values.
    fn normalise_spans(&self, g: &mut Graph, x: Var, spans: &[usize]) -> Result<Var> {
        let spread = |of: &dyn Fn(usize) -> f32| -> Vec<f32> {
            spans.iter().enumerate().flat_map(|(part, n)| std::iter::repeat_n(of(part), *n)).collect()
        };
        let scale = spread(&|part| 1.0 / self.std[part]);
        let shift = spread(&|part| -self.mean[part] / self.std[part]);
        let (scale, shift) = (g.constant([scale.len()], &scale)?, g.constant([shift.len()], &shift)?);
        let scaled = ops::mul(g, x, scale)?;
        ops::add(g, scaled, shift)
    }

    /// Frames of zeros fill a sequence up and stay zeros.
    fn normalise_frames(&self, g: &mut Graph, x: Var) -> Result<Var> {
        let shape = g.shape(x).clone();
        let scale: Vec<f32> = self.std.iter().map(|s| 1.0 / s).collect();
        let shift: Vec<f32> = self.mean.iter().zip(&scale).map(|(m, s)| -m * s).collect();
        let (scale, shift) = (g.constant([scale.len()], &scale)?, g.constant([shift.len()], &shift)?);
        let scaled = ops::mul(g, x, scale)?;
        let y = ops::add(g, scaled, shift)?;
        // 1 where any feature of a frame is above a millionth, else 0: 1 − max(0, 1 − 10¹²·Σ x²).
        let squares = ops::mul(g, x, x)?;
        let energy = ops::sum(g, squares, 2)?;
        let lacking = ops::affine(g, energy, -1e12, 1.0)?;
        let empty = ops::relu(g, lacking)?;
        let own = ops::affine(g, empty, -1.0, 1.0)?;
        let own = ops::reshape(g, own, [shape[0], shape[1], 1])?;
        ops::mul(g, y, own)
    }
}
