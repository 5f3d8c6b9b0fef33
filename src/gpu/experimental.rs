//! The one place with unsafe code: consent to features that wgpu calls experimental, and to shaders without its checks.
#![allow(unsafe_code, reason = "wgpu grants both to unsafe code only")]

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

/// Hands a shader to the driver, with the bounds that wgpu puts on its loops and indices or without.
pub(super) fn module(device: &wgpu::Device, shader: wgpu::ShaderModuleDescriptor<'_>, unchecked: bool) -> wgpu::ShaderModule {
    if !unchecked {
        return device.create_shader_module(shader);
    }
    let checks = wgpu::ShaderRuntimeChecks { bounds_checks: false, force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };
    // SAFETY: what is unsafe is a shader whose loop never ends or whose index leaves its array or buffer. Only the shaders of this crate come
    // here. Their loops count up to numbers made of the shapes, and the kernel tests run every variant at sizes that divide nothing, inside
    // memory whose borders are looked at. It is asked for by `doctor`, and by others where that has seen every case compute the same bits
    // with and without checks on this adapter and driver; no shader relies on them then.
    unsafe { device.create_shader_module_trusted(shader, checks) }
}
