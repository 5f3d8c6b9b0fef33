//! Feature maps that grow by channels without being copied: what a dense block hands from layer to layer.

use super::Context;
use super::layers::{norm_state, renew_statistics};
use crate::graph::Var;
use crate::{Error, Result, ops};

/// Feature maps (B, C, ...) in one tensor or several, one after the other by channel. The last may have room for more channels.
#[derive(Debug, Clone)]
pub struct Maps {
    /// Tensors, and how many of their channels are filled.
    pieces: Vec<(Var, usize)>,
}

impl Maps {
    /// The maps `x` with room for `channels` in all: one copy.
    ///
    /// # Errors
    /// When `x` has more channels.
    pub fn growing(cx: &mut Context, x: Var, channels: usize) -> Result<Self> {
        let filled = cx.g.shape(x).get(1).copied().unwrap_or(0);
        Ok(Maps { pieces: vec![(ops::reserve(cx.g, x, 1, channels)?, filled)] })
    }

    /// The maps `x` alone.
    pub fn of(cx: &Context, x: Var) -> Self {
        Maps { pieces: vec![(x, cx.g.shape(x).get(1).copied().unwrap_or(0))] }
    }

    /// These, and then the channels of `other`.
    pub fn then(mut self, other: Maps) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.pieces.iter().map(|(_, c)| c).sum()
    }

    /// Writes the channels of `part` (B, C, ...) behind the last ones.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn append(&mut self, cx: &mut Context, part: Var) -> Result<()> {
        let more = cx.g.shape(part).get(1).copied().unwrap_or(0);
        let (x, filled) = self.pieces.last_mut().ok_or_else(|| Error::Graph("maps without a tensor have no room".into()))?;
        *x = ops::append(cx.g, *x, 1, *filled, part)?;
        *filled += more;
        Ok(())
    }

    /// Adds `y` to the maps of the first tensor, which all are filled.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn add_to_first(&mut self, cx: &mut Context, y: Var) -> Result<()> {
        let (x, _) = self.pieces.first_mut().ok_or_else(|| Error::Graph("maps without a tensor cannot be added to".into()))?;
        *x = ops::add(cx.g, *x, y)?;
        Ok(())
    }

    /// Batch norm of all channels as one tensor, followed by ReLU where asked; see [`layers::batch_norm`](super::layers::batch_norm). What
    /// reads these maps afterwards has its gradient added to that of the norm in place.
    ///
    /// # Errors
    /// As [`layers::batch_norm`](super::layers::batch_norm).
    pub fn batch_norm(&mut self, cx: &mut Context, relu: bool, eps: f32) -> Result<Var> {
        let c = self.channels();
        let (affine, running) = norm_state(cx, c)?;
        let normed = match cx.batch_statistics() {
            true => ops::batch_norm_pieces_train(cx.g, &self.pieces, affine, eps, relu)?,
            false => ops::batch_norm_pieces_eval(cx.g, &self.pieces, affine, running, eps, relu)?,
        };
        if let Some(batch) = normed.statistics {
            let count = cx.g.shape(normed.y).elements() / c.max(1);
            renew_statistics(cx, running, batch, count, eps)?;
        }
        self.pieces.iter_mut().zip(normed.pieces).for_each(|((x, _), again)| *x = again);
        Ok(normed.y)
    }
}
