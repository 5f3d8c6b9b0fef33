//! Gradients of all trained parameters in one flat buffer.

use super::{Params, TRAINABLE};
use crate::graph::{Graph, STATE_ALIGN, StateRef, Var};
use crate::{Error, Result, ops};

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

/// A whole buffer laid out as [`TRAINABLE`], as a value.
pub fn whole(g: &mut Graph, params: &Params, buffer: &str) -> Var {
    g.state(StateRef { buffer: buffer.into(), offset: 0 }, [extent(params)])
}
