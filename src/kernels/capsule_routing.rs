//! Launches of `capsule_routing.wgsl`.

use super::squash::EPS;
use super::{reduce_workgroup, shader, vector_width};
use crate::gpu::{Capabilities, Launch};

shader!("capsule_routing", [("WG", 8)], [("WG", 8), ("VEC", 2)], [("WG", 32)], [("WG", 64)], [("WG", 256)]);

/// Extents of a routing. Launches come without operands; those to bind are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routing {
    /// Images.
    pub batch: usize,
    /// Capsules that are routed to.
    pub outputs: usize,
    /// Capsules that are routed.
    pub capsules: usize,
    /// Length of an output's vector.
    pub size: usize,
    /// Length of a capsule's vector.
    pub inner: usize,
}

impl Routing {
    /// Slices of capsules whose weighted sums are made apart: enough invocations for the adapter, runs long enough to pay.
    pub fn slices(&self, caps: &Capabilities) -> usize {
        let (least, most) = if caps.software { (256, 16) } else { (64, 128) };
        self.capsules.div_ceil(least).clamp(1, most)
    }

    /// Elements of the predictions.
    pub fn predictions(&self) -> usize {
        self.batch * self.outputs * self.capsules * self.size
    }

    fn launch<B>(&self, caps: &Capabilities, entry: &'static str, (size, inner): (usize, usize)) -> Launch<B> {
        let launch = Launch::new(&SHADER, entry).set("batch", self.batch).set("outputs", self.outputs).set("capsules", self.capsules);
        launch.set("size", size).set("inner", inner).set("slices", self.slices(caps)).set("eps", EPS)
    }

    /// A launch whose accesses run along a capsule's vector.
    fn along_inner<B>(&self, caps: &Capabilities, entry: &'static str) -> (Launch<B>, usize) {
        let vec = vector_width(caps, &[self.inner]);
        let launch = self.launch(caps, entry, (self.size, self.inner / vec));
        (launch.tune("WG", if caps.software { 8 } else { 64 }).tune("VEC", vec as u32), vec)
    }

    /// A launch whose accesses run along an output's vector.
    fn along_size<B>(&self, caps: &Capabilities, entry: &'static str) -> (Launch<B>, usize) {
        let vec = vector_width(caps, &[self.size]);
        let launch = self.launch(caps, entry, (self.size / vec, self.inner));
        (launch.tune("WG", if caps.software { 8 } else { 64 }).tune("VEC", vec as u32), vec)
    }

    fn rows(&self) -> usize {
        self.outputs * self.capsules * self.size
    }

    /// Predictions: u, weight, said.
    pub fn predict<B>(&self, caps: &Capabilities) -> Launch<B> {
        let (said, weights) = (self.predictions() as u64, (self.rows() * self.inner) as u64);
        let u = (self.batch * self.capsules * self.inner) as u64;
        let (launch, _) = self.along_inner(caps, "routing_predict");
        launch.invocations(self.rows()).cost(4 * (said + weights + u), 2 * said * self.inner as u64)
    }

    /// Coefficients, equal ones at `first`: said_in, agreed, share.
    pub fn share<B>(&self, caps: &Capabilities, first: bool) -> Launch<B> {
        let share = (self.batch * self.outputs * self.capsules) as u64;
        let said = if first { 0 } else { self.predictions() as u64 };
        let (launch, _) = self.along_size(caps, "routing_share");
        launch.set("first", first).invocations(self.batch * self.capsules).cost(4 * (said + share), 2 * said + 4 * share)
    }

    /// Weighted sums of each slice: said_in, share_in, partial of `batch·outputs·slices·size` elements.
    pub fn weigh<B>(&self, caps: &Capabilities) -> Launch<B> {
        let (said, share) = (self.predictions() as u64, (self.batch * self.outputs * self.capsules) as u64);
        let sums = self.batch * self.outputs * self.slices(caps) * self.size;
        let (launch, vec) = self.along_size(caps, "routing_weigh");
        launch.invocations(sums / vec).cost(4 * (said + share + sums as u64), 2 * said)
    }

    /// Sums over the slices, and what they add to the agreement: partial_in, s, agreement.
    pub fn combine<B>(&self, caps: &Capabilities, first: bool) -> Launch<B> {
        let rows = self.batch * self.outputs;
        let sums = (rows * self.slices(caps) * self.size) as u64;
        let launch = self.launch(caps, "routing_combine", (self.size, self.inner)).set("first", first);
        let launch = launch.tune("WG", reduce_workgroup(caps, self.size)).linear(rows as u64);
        launch.cost(4 * (sums + 3 * (rows * self.size) as u64), sums + 4 * (rows * self.size) as u64)
    }

    /// Gradient of the weights: u, c, ds, dweight.
    pub fn backward_weight<B>(&self, caps: &Capabilities) -> Launch<B> {
        let weights = (self.rows() * self.inner) as u64;
        let (launch, _) = self.along_inner(caps, "routing_bwd_weight");
        launch.invocations(self.rows()).cost(4 * (weights + self.saved()), 3 * self.batch as u64 * weights)
    }

    /// Gradient of the capsules: weight, c, ds, du.
    pub fn backward_capsules<B>(&self, caps: &Capabilities) -> Launch<B> {
        let weights = (self.rows() * self.inner) as u64;
        let (launch, vec) = self.along_inner(caps, "routing_bwd_capsules");
        let invocations = self.batch * self.capsules * self.inner / vec;
        launch.invocations(invocations).cost(4 * (weights + self.saved()), 2 * self.batch as u64 * weights)
    }

    /// Elements of u, c and ds.
    fn saved(&self) -> u64 {
        (self.batch * (self.capsules * (self.inner + self.outputs) + self.outputs * self.size)) as u64
    }
}
