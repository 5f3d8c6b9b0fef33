//! The one place with unsafe code: consent to features that wgpu calls experimental.
#![allow(unsafe_code, reason = "wgpu grants experimental features to unsafe code only")]

/// Consent to experimental features, or not.
pub(super) fn features(wanted: bool) -> wgpu::ExperimentalFeatures {
    if wanted {
        // SAFETY: asked is for cooperative matrices alone. What is unsafe about them is a shader that breaks their rules: every load and
        // store of `shaders/common/tile_cooperative.wgsl` stays inside its workgroup arrays by construction and is reached by whole
        // subgroups, and the kernel tests run each variant on the adapters that have them.
        unsafe { wgpu::ExperimentalFeatures::enabled() }
    } else {
        wgpu::ExperimentalFeatures::disabled()
    }
}
