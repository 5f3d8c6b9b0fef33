//! Launches of `lstm.wgsl`.

use super::{shader, stream};
use crate::gpu::{Capabilities, Launch};

shader!("lstm", [("PER", 8)], [("WG", 8), ("PER", 256)], [("WG", 8), ("PER", 16)]);

/// One direction of an LSTM: extents, and the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence {
    /// Sequences.
    pub batch: usize,
    /// Times.
    pub steps: usize,
    /// Units.
    pub hidden: usize,
    /// From the last time to the first.
    pub reverse: bool,
}

/// What a step forward reads and writes.
pub struct Forward<B> {
    /// `W_ih x + b` (B, T, 4H).
    pub xg: B,
    /// `W_hh h` of the step before (B, 4H).
    pub rec: B,
    /// Gates (B, T, 4H).
    pub gates: B,
    /// Cells (B, T, H).
    pub c: B,
    /// Outputs (B, T, H).
    pub y: B,
    /// Outputs of the step before (B, T, H).
    pub h_before: B,
    /// The step's outputs (B, H).
    pub h: B,
}

/// What a step backward reads and writes.
pub struct Backward<B> {
    /// Gates (B, T, 4H).
    pub gates: B,
    /// Cells (B, T, H).
    pub c: B,
    /// Gradient of the outputs (B, T, H).
    pub dy: B,
    /// `W_hhᵀ dgates` of the step after (B, H).
    pub dh: B,
    /// The cells' gradient (B, H).
    pub dc: B,
    /// Gradient before the squashing functions (B, T, 4H).
    pub dxg: B,
    /// The step's part of it (B, 4H).
    pub dgates: B,
}

impl Recurrence {
    /// Time of step `step`.
    pub fn time(&self, step: usize) -> usize {
        if self.reverse { self.steps - 1 - step } else { step }
    }

    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, step: usize) -> Launch<B> {
        let launch = Launch::new(&SHADER, entry).set("batch", self.batch).set("hidden", self.hidden).set("steps", self.steps);
        let launch = launch.set("t", self.time(step)).set("before", self.time(step.saturating_sub(1)));
        let launch = launch.set("first", step == 0).set("last", step + 1 == self.steps);
        stream(caps, launch, self.batch * self.hidden)
    }

    /// Step `step` forward.
    pub fn forward<B>(&self, caps: &Capabilities, step: usize, o: Forward<B>) -> Launch<B> {
        let n = (self.batch * self.hidden) as u64;
        let launch = self.launch(caps, "lstm_fwd", step).bind("xg", o.xg).bind("rec", o.rec).bind("gates", o.gates).bind("c", o.c);
        launch.bind("y", o.y).bind("h_before", o.h_before).bind("h", o.h).cost(4 * 18 * n, 40 * n)
    }

    /// Step `step` backward.
    pub fn backward<B>(&self, caps: &Capabilities, step: usize, o: Backward<B>) -> Launch<B> {
        let n = (self.batch * self.hidden) as u64;
        let launch = self.launch(caps, "lstm_bwd", step).bind("gates_saved", o.gates).bind("c_saved", o.c).bind("dy", o.dy);
        launch.bind("dh", o.dh).bind("dc", o.dc).bind("dxg", o.dxg).bind("dgates", o.dgates).cost(4 * 18 * n, 35 * n)
    }
}
