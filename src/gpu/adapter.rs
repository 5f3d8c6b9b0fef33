//! Finding and opening an adapter, and what it can do.

use super::cache::{self, Cache};
use super::experimental;
use super::faults::{Fault, Faults};
use super::request::{AdapterRequest, LimitsChoice, SOFTWARE};
use crate::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// One adapter of this machine.
#[derive(Debug, Clone)]
pub struct AdapterSummary {
    /// Position, usable as a name.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// Discrete, integrated, virtual or software.
    pub kind: &'static str,
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}, {}, {})", self.index, self.name, self.kind, self.backend, self.driver)
    }
}

/// What an open adapter can do: facts, no choices.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// Adapter name.
    pub adapter: String,
    /// Vulkan, Metal or DX12.
    pub backend: String,
    /// Driver and version.
    pub driver: String,
    /// Runs on the processor.
    pub processor: bool,
    /// Takes the variants of software drivers. Those are Mesa's; DX12's runs on the processor too, and takes the variants of GPUs, because what
    /// compiles its shaders needs minutes for those of software.
    pub software: bool,
    /// Lanes of a subgroup, where that is one number and verified.
    pub subgroup_size: Option<u32>,
    /// The most lanes a subgroup can have, where shaders can use subgroups.
    pub subgroup_max: Option<u32>,
    /// Half-precision arithmetic in shaders.
    pub f16: bool,
    /// 64-bit integers in shaders.
    pub int64: bool,
    /// Side of the cooperative matrices (8 or 16) that multiply half-precision numbers into single-precision sums, where there are any.
    pub cooperative: Option<u32>,
    /// Timestamps around passes.
    pub timestamps: bool,
    /// Invocations per workgroup.
    pub max_workgroup_invocations: u32,
    /// Bytes of workgroup memory.
    pub max_workgroup_memory: u32,
    /// Workgroups per dimension of a grid.
    pub max_groups: u32,
    /// Storage buffers a shader may bind.
    pub max_storage_buffers: u32,
    /// Bytes of one buffer.
    pub max_buffer: u64,
    /// Bytes of one binding.
    pub max_binding: u64,
    /// Alignment of storage offsets in bytes.
    pub storage_alignment: u32,
    /// Alignment of uniform offsets in bytes.
    pub uniform_alignment: u32,
    /// Shaders run without wgpu's bounds on loops and indices: `doctor` saw that those change no bit here, or the request wants it so.
    pub unchecked: bool,
    /// What `doctor` found to be wrong on this adapter and driver, and is not used.
    pub switched_off: Vec<String>,
    /// Bytes the device can hold, where known.
    pub memory_budget: Option<u64>,
}

impl Capabilities {
    /// The first line of every program: adapter, backend, driver, and what a software adapter costs.
    pub fn headline(&self) -> String {
        let cost = if self.processor { "; software, runs on the processor: expect a GPU to be 10 to 1000 times faster" } else { "" };
        let off = match self.switched_off.as_slice() {
            [] => String::new(),
            words => format!("; switched off, because doctor found it wrong here: {}", words.join(", ")),
        };
        format!("adapter: {} ({}, {}){cost}{off}", self.adapter, self.backend, self.driver)
    }
}

/// An open device before it is wrapped.
pub(super) struct Opened {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub caps: Capabilities,
    pub cache: Cache,
    pub faults: Faults,
}

fn kind(t: wgpu::DeviceType) -> &'static str {
    match t {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    }
}

fn driver(info: &wgpu::AdapterInfo) -> String {
    [info.driver.as_str(), info.driver_info.as_str()].iter().filter(|s| !s.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// Adapters of the backends asked for, hardware first.
async fn adapters(backends: Option<&str>) -> Vec<wgpu::Adapter> {
    let usable = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let backends = backends.map_or(usable, |names| usable & wgpu::Backends::from_comma_list(names));
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.flags = wgpu::InstanceFlags::empty();
    descriptor.backends = backends;
    let mut all = wgpu::Instance::new(descriptor).enumerate_adapters(backends).await;
    let order = ["discrete", "integrated", "virtual", "other", "software"];
    all.sort_by_key(|a| order.iter().position(|k| *k == kind(a.get_info().device_type)));
    all
}

impl AdapterRequest {
    /// What there is in its backends, in the order of preference.
    pub async fn list_async(&self) -> Vec<AdapterSummary> {
        let summary = |(index, a): (usize, &wgpu::Adapter)| {
            let info = a.get_info();
            let (driver, kind) = (driver(&info), kind(info.device_type));
            AdapterSummary { index, name: info.name, backend: format!("{:?}", info.backend), driver, kind }
        };
        adapters(self.backends.as_deref()).await.iter().enumerate().map(summary).collect()
    }
}

fn choose(mut all: Vec<wgpu::Adapter>, wanted: Option<&str>) -> Result<wgpu::Adapter> {
    let position = match wanted {
        None => (!all.is_empty()).then_some(0),
        Some(w) => w
            .parse()
            .ok()
            .filter(|i| *i < all.len())
            .or_else(|| all.iter().position(|a| a.get_info().name.to_lowercase().contains(&w.to_lowercase()))),
    };
    match position {
        Some(i) => Ok(all.swap_remove(i)),
        None => {
            let found = all.iter().enumerate().map(|(i, a)| format!("{i}: {}", a.get_info().name)).collect();
            Err(Error::NoAdapter { wanted: wanted.map(str::to_string), found })
        }
    }
}

/// Limits the engine cannot do without: WebGPU's defaults for compute.
fn missing_limit(limits: &wgpu::Limits) -> Option<String> {
    let needs = [
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size, 128 << 20),
        ("max_compute_invocations_per_workgroup", u64::from(limits.max_compute_invocations_per_workgroup), 256),
        ("max_compute_workgroup_storage_size", u64::from(limits.max_compute_workgroup_storage_size), 16 << 10),
        ("max_storage_buffers_per_shader_stage", u64::from(limits.max_storage_buffers_per_shader_stage), 8),
        ("max_compute_workgroups_per_dimension", u64::from(limits.max_compute_workgroups_per_dimension), 65_535),
    ];
    let lacking = needs.iter().find(|(_, has, needs)| has < needs);
    lacking.map(|(name, has, needs)| format!("its {name} is {has}, the engine needs {needs}; choose another adapter with --adapter"))
}

/// Opens the adapter `request` names.
pub(super) async fn open(request: &AdapterRequest) -> Result<Opened> {
    let adapter = choose(adapters(request.backends.as_deref()).await, request.name.as_deref())?;
    let info = adapter.get_info();
    let own = adapter.limits();
    if let Some(reason) = missing_limit(&own) {
        return Err(Error::Adapter { adapter: info.name, reason });
    }
    let cache = Cache::new(request.cache.clone(), &info.name, &format!("{:?}", info.backend), &driver(&info));
    let switched_off: Vec<String> = if request.all_variants { Vec::new() } else { cache.recall(cache::SWITCHED_OFF).unwrap_or_default() };
    let features = request.features(adapter.features(), &switched_off)?;
    let limits = match request.limits {
        LimitsChoice::Adapter => own,
        LimitsChoice::Default => wgpu::Limits::default(),
    };
    let asked = adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("emotone"),
        required_features: features,
        required_limits: limits.clone(),
        experimental_features: experimental::features(features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX)),
        memory_hints: wgpu::MemoryHints::Performance,
        trace: wgpu::Trace::Off,
    });
    let (device, queue) = asked.await.map_err(|e| Error::Adapter { adapter: info.name.clone(), reason: e.to_string() })?;
    let faults = Faults::default();
    watch(&device, &faults);
    let unchecked = request.unchecked(cache.recall(cache::UNCHECKED).unwrap_or_default());
    let mut caps = Capabilities { switched_off, unchecked, ..capabilities(&adapter, features, &limits) };
    if caps.software && request.disable.iter().any(|word| word == SOFTWARE) {
        (caps.software, caps.subgroup_size) = (false, None);
    }
    Ok(Opened { device, queue, caps, cache, faults })
}

/// Records in `faults` the errors that no error scope catches, and the loss of the device.
fn watch(device: &wgpu::Device, faults: &Faults) {
    let (uncaptured, lost) = (faults.clone(), faults.clone());
    device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
        uncaptured.record(match e {
            wgpu::Error::OutOfMemory { source } => Fault::Memory(source.to_string()),
            e => Fault::Other(e.to_string()),
        });
    }));
    device.set_device_lost_callback(move |reason, message| {
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        lost.record(Fault::Lost(format!("{reason:?}{message}")));
    });
}

/// What `adapter` can do when it is opened with `features` and `limits`.
fn capabilities(adapter: &wgpu::Adapter, features: wgpu::Features, limits: &wgpu::Limits) -> Capabilities {
    let info = adapter.get_info();
    let processor = info.device_type == wgpu::DeviceType::Cpu;
    let fixed = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size > 0;
    Capabilities {
        driver: driver(&info),
        backend: format!("{:?}", info.backend),
        processor,
        software: takes_software(processor, info.backend),
        subgroup_size: (features.contains(wgpu::Features::SUBGROUP) && fixed).then_some(info.subgroup_min_size),
        subgroup_max: (features.contains(wgpu::Features::SUBGROUP) && info.subgroup_max_size > 0).then_some(info.subgroup_max_size),
        f16: features.contains(wgpu::Features::SHADER_F16),
        int64: features.contains(wgpu::Features::SHADER_INT64),
        cooperative: cooperative(adapter).filter(|_| features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX)),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
        max_workgroup_memory: limits.max_compute_workgroup_storage_size,
        max_groups: limits.max_compute_workgroups_per_dimension,
        max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
        max_buffer: limits.max_buffer_size,
        max_binding: limits.max_storage_buffer_binding_size,
        storage_alignment: limits.min_storage_buffer_offset_alignment,
        uniform_alignment: limits.min_uniform_buffer_offset_alignment,
        unchecked: false,
        switched_off: Vec::new(),
        memory_budget: if processor { free_memory() } else { None },
        adapter: info.name,
    }
}

/// Whether an adapter takes the variants of software drivers.
fn takes_software(processor: bool, backend: wgpu::Backend) -> bool {
    processor && backend != wgpu::Backend::Dx12
}

/// Side of the largest square cooperative matrices with half-precision operands and single-precision sums that shaders can name.
fn cooperative(adapter: &wgpu::Adapter) -> Option<u32> {
    let scalar = |p: &wgpu::CooperativeMatrixProperties| {
        p.ab_type == wgpu::CooperativeScalarType::F16 && p.cr_type == wgpu::CooperativeScalarType::F32
    };
    let all = adapter.cooperative_matrix_properties();
    [16, 8].into_iter().find(|&s| all.iter().any(|p| scalar(p) && p.m_size == s && p.n_size == s && p.k_size == s))
}

/// Memory a software adapter shares with everything else, where the system tells.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::super::blocking::wait_for;
    use super::*;

    #[test]
    fn an_unmatched_name_lists_what_there_is() {
        let request = AdapterRequest { name: Some("no such card".into()), ..AdapterRequest::default() };
        let message = wait_for(open(&request)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("no such card"), "{message}");
        for a in request.list() {
            assert!(message.contains(&a.name), "{message}");
        }
    }

    #[test]
    fn variants_of_software_are_for_mesa() {
        assert!(takes_software(true, wgpu::Backend::Vulkan));
        assert!(!takes_software(true, wgpu::Backend::Dx12));
        assert!(!takes_software(false, wgpu::Backend::Vulkan));
    }

    #[test]
    fn a_missing_limit_is_named() {
        assert_eq!(missing_limit(&wgpu::Limits::default()), None);
        let small = wgpu::Limits { max_compute_invocations_per_workgroup: 128, ..wgpu::Limits::default() };
        assert!(missing_limit(&small).is_some_and(|m| m.contains("max_compute_invocations_per_workgroup is 128")));
    }
}
