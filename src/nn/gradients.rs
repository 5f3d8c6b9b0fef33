//! Gradients of all trained parameters in one flat buffer.

use super::{Params, TRAINABLE};
use crate::graph::{Graph, STATE_ALIGN, StateRef, Var};
use crate::{Error, Result, ops};
use std::ops::Range;

/// State buffer of gradients, laid out as [`TRAINABLE`].
pub const GRADIENTS: &str = "gradients";

/// Adds the gradients of the scalar `loss` with respect to the trained ones among the parameters `used`, stored in [`GRADIENTS`].
///
/// # Errors
/// When `loss` is no scalar, or a parameter has no influence on it.
pub fn store_gradients<'a>(g: &mut Graph, params: &Params, used: impl IntoIterator<Item = (&'a String, &'a Var)>, loss: Var) -> Result<()> {
    let place = |name: &String| params.get(name).filter(|p| p.place.buffer == TRAINABLE).map(|p| p.place.offset);
    let (offsets, wanted): (Vec<usize>, Vec<Var>) = used.into_iter().filter_map(|(name, v)| Some((place(name)?, *v))).unzip();
    if wanted.is_empty() {
        return Err(Error::Graph("no trained parameter is used".into()));
    }
    for (offset, d) in offsets.into_iter().zip(ops::grad(g, loss, &wanted)?) {
        g.store(d, StateRef { buffer: GRADIENTS.into(), offset });
    }
    Ok(())
}

/// Elements of a buffer laid out as [`TRAINABLE`].
pub fn extent(params: &Params) -> usize {
    params.extent(TRAINABLE).max(STATE_ALIGN)
}

/// Elements that one value may have with WebGPU's default limits (128 MiB of a binding).
const PART: usize = 1 << 25;

/// A run of elements in pieces that a kernel may bind.
pub(super) fn cut(run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    run.clone().step_by(PART).map(move |start| start..run.end.min(start + PART))
}

/// A whole buffer laid out as [`TRAINABLE`], as a value, or as several one after the other where it is larger than a kernel may bind.
pub fn parts(g: &mut Graph, params: &Params, buffer: &str) -> Vec<Var> {
    cut(0..extent(params)).map(|part| region(g, buffer, part)).collect()
}

/// Elements of a buffer, as a value.
pub(super) fn region(g: &mut Graph, buffer: &str, at: Range<usize>) -> Var {
    g.state(StateRef { buffer: buffer.into(), offset: at.start }, [at.len()])
}
