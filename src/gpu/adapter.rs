//! x
use crate::{Error, Result};
use std::sync::{Arc, Mutex};
/// x
#[derive(Default)]
pub struct AdapterRequest {}
impl AdapterRequest {
    /// x
    pub fn from_env() -> Self {
        Self {}
    }
}
/// x
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Capabilities {
    pub adapter: String,
    pub software: bool,
    pub subgroup_size: Option<u32>,
    pub f16: bool,
    pub max_workgroup_invocations: u32,
    pub max_buffer: u64,
    pub max_binding: u64,
    pub storage_alignment: u32,
    pub uniform_alignment: u32,
    pub memory_budget: Option<u64>,
}
/// x
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Option<String>>>);
impl Faults {
    /// x
    pub fn check(&self) -> Result<()> {
        match self.0.lock().unwrap().take() {
            Some(e) => Err(Error::Gpu(e)),
            None => Ok(()),
        }
    }
}
#[allow(missing_docs)]
pub struct Opened {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub caps: Capabilities,
    pub faults: Faults,
}
/// x
pub fn open(_r: &AdapterRequest) -> Result<Opened> {
    let mut d = wgpu::InstanceDescriptor::new_without_display_handle();
    d.backends = wgpu::Backends::VULKAN;
    d.flags = wgpu::InstanceFlags::empty();
    let inst = wgpu::Instance::new(d);
    let a = pollster::block_on(inst.enumerate_adapters(wgpu::Backends::VULKAN))
        .into_iter()
        .next()
        .ok_or(Error::NoAdapter { wanted: None, found: vec![] })?;
    let limits = a.limits();
    let info = a.get_info();
    let feats = wgpu::Features::SUBGROUP & a.features();
    let (device, queue) = pollster::block_on(a.request_device(&wgpu::DeviceDescriptor {
        label: None,
        required_features: feats,
        required_limits: limits.clone(),
        experimental_features: wgpu::ExperimentalFeatures::disabled(),
        memory_hints: wgpu::MemoryHints::Performance,
        trace: wgpu::Trace::Off,
    }))
    .map_err(|e| Error::Gpu(e.to_string()))?;
    let f = Faults::default();
    let g = f.clone();
    device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
        *g.0.lock().unwrap() = Some(e.to_string());
    }));
    let caps = Capabilities {
        adapter: info.name.clone(),
        software: info.device_type == wgpu::DeviceType::Cpu,
        subgroup_size: (info.subgroup_min_size == info.subgroup_max_size).then_some(info.subgroup_min_size),
        f16: false,
        max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
        max_buffer: limits.max_buffer_size,
        max_binding: limits.max_storage_buffer_binding_size as u64,
        storage_alignment: limits.min_storage_buffer_offset_alignment,
        uniform_alignment: limits.min_uniform_buffer_offset_alignment,
        memory_budget: None,
    };
    Ok(Opened { device, queue, caps, faults: f })
}
