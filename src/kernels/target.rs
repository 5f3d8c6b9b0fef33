//! What kernels are made for: an adapter's facts and what compilation has chosen.

use crate::gpu::{Capabilities, Device};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// The fastest variant by problem, as measured: names by [`Variants::key`](super::tuned::Variants::key).
pub type TunedCache = BTreeMap<String, String>;

/// Invocations that keep a GPU busy: 256 workgroups of 256. On 132 multiprocessors training steps of 2, 8 and 64 images took 2, 3 and 3 % less
/// time than with half as many, and with twice as many those of 64 images 4 % more.
pub(super) const BUSY: usize = 65_536;

/// The backend that refuses operands that overlap, as wgpu names it.
const BROWSER: &str = "BrowserWebGpu";

/// An adapter and the compiler's choices on it. Reads as the adapter's [`Capabilities`], which launchers that choose nothing take.
#[derive(Debug, Clone)]
pub struct Target {
    /// The adapter's facts.
    pub caps: Arc<Capabilities>,
    /// Products and convolutions round their operands to half precision.
    pub half: bool,
    /// Convolutions by Winograd's method are allowed, not that they pay.
    pub winograd: bool,
    /// Ops may be computed together with what produces their input.
    pub fusion: bool,
    /// Operands of a launch must not overlap; see `compile::apart`.
    pub apart: bool,
    /// Variants that were measured to be the fastest; where there is none, a heuristic decides.
    pub tuned: Arc<TunedCache>,
}

impl Target {
    /// Full precision, nothing tuned, and all that the device's request allows.
    pub fn new(device: &Device) -> Self {
        let (winograd, fusion) = (device.allows("winograd"), device.allows("fusion"));
        let apart = device.caps().backend == BROWSER || !device.allows("overlap");
        Target { caps: device.caps().clone(), half: false, winograd, fusion, apart, tuned: Arc::default() }
    }

    /// Of the operands of products and convolutions.
    pub(super) fn precision(&self) -> &'static str {
        if self.half { "f16" } else { "f32" }
    }
}

impl Deref for Target {
    type Target = Capabilities;
    fn deref(&self) -> &Capabilities {
        &self.caps
    }
}
