//! Launches of `time_mask.wgsl`.

use super::{by_row, shader};
use crate::gpu::{Capabilities, Launch};

shader!("time_mask", [("WG", 8)], [("WG", 32)], [("WG", 64)], [("WG", 128)], [("WG", 256)]);

/// Extents of a mask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequences {
    /// Rows of all inputs.
    pub rows: usize,
    /// Positions of a row, valid or not.
    pub cols: usize,
    /// Rows of an input.
    pub own: usize,
    /// What an input's length counts for each valid position.
    pub per: usize,
    /// Values are scaled up by the share of positions that are not valid.
    pub spread: bool,
}

/// `y`, the values of `x` at valid positions and zeros behind; of `dy` in the place of `x` the gradient.
pub fn forward<B>(caps: &Capabilities, s: &Sequences, x: B, lengths: B, y: B) -> Launch<B> {
    let n = (s.rows * s.cols) as u64;
    let launch = Launch::new(&SHADER, "time_mask_fwd").set("rows", s.rows).set("cols", s.cols).set("own", s.own).set("per", s.per);
    by_row(caps, launch.set("spread", s.spread), s.rows, s.cols).bind("x", x).bind("lengths", lengths).bind("y", y).cost(8 * n, n)
}
