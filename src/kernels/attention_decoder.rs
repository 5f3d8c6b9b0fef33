//! Launches of `attention_decoder.wgsl`.

use super::matmul::Product;
use super::{shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("attention_decoder", [("WG", 8), ("LANES", 1), ("COLS", 4)], [("WG", 8), ("LANES", 1), ("COLS", 4), ("VEC", 2)], [("WG", 256)],);

/// Extents of a decoder, and the order in which its outputs stand in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoder {
    /// Sequences.
    pub batch: usize,
    /// Times, and steps.
    pub steps: usize,
    /// Width of state, keys and query.
    pub units: usize,
    /// Width of what it emits.
    pub out: usize,
    /// The output of the first step stands at the last time.
    pub reverse: bool,
}

impl Decoder {
    /// Columns of the context's part: candidate, reset, update, output.
    pub fn columns(&self) -> usize {
        3 * self.units + self.out
    }

    /// The same with key or query.
    pub fn width(&self) -> usize {
        4 * self.units + self.out
    }

    /// Width of `[y s]`.
    pub fn fed(&self) -> usize {
        self.out + self.units
    }

    /// `[y s]` times the recurrent weights (W, O + U).
    pub fn recurrent(&self) -> Product {
        Product::new(1, self.batch, self.width(), self.fed(), false, true)
    }

    /// `r s` times the candidate's weights (U, U) on it.
    pub fn candidate(&self) -> Product {
        Product::new(1, self.batch, self.units, self.units, false, true)
    }

    /// Gradient of `[y s]` from that of the columns.
    pub fn recurrent_back(&self) -> Product {
        Product::new(1, self.batch, self.fed(), self.width(), false, false)
    }

    /// Gradient of `r s` from that of the candidate, the first of the columns.
    pub fn candidate_back(&self) -> Product {
        let w = self.width();
        Product { a: [self.batch * w, w, 1], ..Product::new(1, self.batch, self.units, self.units, false, false) }
    }

    /// A kernel at step `step` that makes so many operations per clip, on so many floats.
    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, step: usize, floats: usize, operations: usize) -> Launch<B> {
        let vec = vector_width(caps, &[self.units, self.out]);
        let t = if self.reverse { self.steps - 1 - step } else { step };
        let launch = Launch::new(&SHADER, entry).set("batch", self.batch).set("steps", self.steps);
        let launch = launch.set("units", self.units / vec).set("out", self.out / vec);
        let launch = launch.set("step", step).set("t", t).set("last", step + 1 == self.steps).linear(self.batch as u64);
        let launch = launch.cost((4 * self.batch * floats) as u64, (self.batch * operations) as u64);
        match caps.software {
            true => launch.tune("WG", 8).tune("LANES", 1).tune("COLS", 4).tune("VEC", vec as u32),
            false => launch.tune("WG", 256),
        }
    }

    /// `vs = [0 s]`.
    pub fn start<B>(&self, caps: &Capabilities, s: B, vs: B) -> Launch<B> {
        self.launch(caps, "decoder_start", 0, 2 * self.units + self.out, 0).bind("s_first", s).bind("vs", vs)
    }

    /// Attention: `a`, the context's part added to `rec`, and `vs` kept. Inputs pk, vs, score; then rec, a, v_kept.
    pub fn attend<B>(&self, caps: &Capabilities, step: usize, [pk, vs, score]: [B; 3], [rec, a, v_kept]: [B; 3]) -> Launch<B> {
        let (floats, operations) = (self.steps * (self.width() + 1) + 2 * self.fed(), self.steps * (12 * self.units + 2 * self.columns()));
        let launch = self.launch(caps, "decoder_attend", step, floats, operations).bind("pk", pk).bind("vs", vs).bind("score", score);
        launch.bind("rec", rec).bind("a", a).bind("v_kept", v_kept)
    }

    /// Gates and output: overwrites gates but for the candidate, rs, rs_kept, y and the y of `vs`.
    pub fn emit<B>(&self, caps: &Capabilities, step: usize, rec: B, vs: B, [gates, rs, rs_kept, y]: [B; 4]) -> Launch<B> {
        let launch = self.launch(caps, "decoder_emit", step, 10 * self.units + 3 * self.out, 12 * self.units + 8 * self.out);
        launch.bind("rec_in", rec).bind("vs", vs).bind("gates", gates).bind("rs", rs).bind("rs_kept", rs_kept).bind("y", y)
    }

    /// Candidate and state: overwrites the candidate in gates and the s of `vs`.
    pub fn advance<B>(&self, caps: &Capabilities, step: usize, [rec, rc]: [B; 2], [gates, vs]: [B; 2]) -> Launch<B> {
        let launch = self.launch(caps, "decoder_advance", step, 6 * self.units, 14 * self.units);
        launch.bind("rec_in", rec).bind("rc", rc).bind("gates", gates).bind("vs", vs)
    }

    /// Gradients of candidate, update and output; keeps those of the step after. Inputs dy, dvs, gates, y; then ds, dgs, dg_kept.
    pub fn back_emit<B>(&self, caps: &Capabilities, step: usize, [dy, dvs, gates, y]: [B; 4], [ds, dgs, dg_kept]: [B; 3]) -> Launch<B> {
        let launch = self.launch(caps, "decoder_back_emit", step, 16 * self.units + 6 * self.out, 14 * self.units + 6 * self.out);
        let launch = launch.bind("dy", dy).bind("dvs", dvs).bind("gates_in", gates).bind("y_in", y);
        launch.bind("ds", ds).bind("dgs", dgs).bind("dg_kept", dg_kept)
    }

    /// Gradients of the reset gate and of the attention's logits. Inputs pk, drs, gates, a; then ds, dgs, de.
    pub fn back_attend<B>(&self, caps: &Capabilities, step: usize, [pk, drs, gates, a]: [B; 4], [ds, dgs, de]: [B; 3]) -> Launch<B> {
        let (floats, operations) = (self.steps * (self.columns() + 3) + 6 * self.units, 2 * self.steps * self.columns() + 6 * self.units);
        let launch = self.launch(caps, "decoder_back_attend", step, floats, operations);
        let launch = launch.bind("pk", pk).bind("drs", drs).bind("gates_in", gates).bind("a_in", a);
        launch.bind("ds", ds).bind("dgs", dgs).bind("de", de)
    }

    /// Gradients of the query and, added up over the steps, of keys and score. Inputs pk, de, gates, score; then dkey, dscore, dgs.
    pub fn back_query<B>(
        &self,
        caps: &Capabilities,
        step: usize,
        [pk, de, gates, score]: [B; 4],
        [dkey, dscore, dgs]: [B; 3],
    ) -> Launch<B> {
        let (floats, operations) = (self.steps * (3 * self.units + 1) + 4 * self.units, 16 * self.steps * self.units);
        let launch = self.launch(caps, "decoder_back_query", step, floats, operations);
        let launch = launch.bind("pk", pk).bind("de_in", de).bind("gates_in", gates).bind("score", score);
        launch.bind("dkey", dkey).bind("dscore", dscore).bind("dgs", dgs)
    }

    /// Keeps the first step's gradients, and that of the first state.
    pub fn back_start<B>(&self, caps: &Capabilities, dvs: B, [ds, dgs, dg_kept, ds_first]: [B; 4]) -> Launch<B> {
        let launch = self.launch(caps, "decoder_back_start", 0, 11 * self.units + 2 * self.out, self.units);
        launch.bind("dvs", dvs).bind("ds", ds).bind("dgs", dgs).bind("dg_kept", dg_kept).bind("ds_first", ds_first)
    }
}
