//! Which adapter to use, and what it can do.

use super::faults::{Fault, Faults};
use super::{experimental, quarantine};
use crate::choice::nearest;
use crate::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// Limits to ask the adapter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitsChoice {
    /// The adapter's own.
    #[default]
    Adapter,
    /// WebGPU's default limits and no optional features: what every adapter has.
    Default,
}

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct AdapterRequest {
    /// Part of the adapter's name, in any case, or its index in [`list`]; none for the best hardware.
    pub name: Option<String>,
    /// Limits.
    pub limits: LimitsChoice,
    /// Features to do without: `subgroups`, `f16`, `int64`, `coop`, `timestamps`, `winograd`, `fusion`. Another word is an error when
    /// the adapter is opened.
    pub disable: Vec<String>,
    /// Uses variants that `doctor` found wrong here as well: for examining them.
    pub all_variants: bool,
    /// Skips the start-up check: results are then as good as the driver.
    pub allow_unchecked_driver: bool,
}

/// What can be switched off, by name: features of the adapter, and methods that need none.
const SWITCHES: [(&str, wgpu::Features); 7] = [
    ("subgroups", wgpu::Features::SUBGROUP),
    ("f16", wgpu::Features::SHADER_F16),
    ("int64", wgpu::Features::SHADER_INT64),
    ("coop", wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
    ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
    ("winograd", wgpu::Features::empty()),
    ("fusion", wgpu::Features::empty()),
];

impl AdapterRequest {
    /// From `WGPU_ADAPTER_NAME`, `EMOTONE_LIMITS=default` and `EMOTONE_DISABLE=subgroups,f16,int64,coop,timestamps,winograd,fusion`
    /// (`WGPU_BACKEND` is honoured as well).
    pub fn from_env() -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        AdapterRequest {
            name: var("WGPU_ADAPTER_NAME"),
            limits: if var("EMOTONE_LIMITS").as_deref() == Some("default") { LimitsChoice::Default } else { LimitsChoice::Adapter },
            disable: var("EMOTONE_DISABLE")
                .unwrap_or_default()
                .split(',')
                .map(|s| s.trim().to_string())
                .filter(|s| !s.is_empty())
                .collect(),
            all_variants: false,
            allow_unchecked_driver: false,
        }
    }

    /// What to ask of an adapter that offers `offered`: of the optional features those the engine uses and the user allows.
    fn features(&self, offered: wgpu::Features) -> Result<wgpu::Features> {
        let used = SWITCHES.iter().fold(wgpu::Features::empty(), |all, (_, f)| all | *f);
        let mut features = match self.limits {
            LimitsChoice::Adapter => used & offered,
            LimitsChoice::Default => wgpu::Features::empty(),
        };
        for word in &self.disable {
            let Some((_, off)) = SWITCHES.iter().find(|(name, _)| name == word) else {
                let names = SWITCHES.map(|(name, _)| name);
                let hint = nearest(word, names).map_or_else(String::new, |n| format!("; did you mean {n:?}?"));
                return Err(Error::Config(format!("cannot disable {word:?}: a feature is one of {}{hint}", names.join(", "))));
            };
            features.remove(*off);
        }
        Ok(features)
    }
}

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
    pub software: bool,
    /// Lanes of a subgroup, where that is one number and verified.
    pub subgroup_size: Option<u32>,
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
    /// What `doctor` found to be wrong on this adapter and driver, and is not used.
    pub switched_off: Vec<String>,
    /// Bytes the device can hold, where known.
    pub memory_budget: Option<u64>,
}

impl Capabilities {
    /// The first line of every program: adapter, backend, driver, and what a software adapter costs.
    pub fn headline(&self) -> String {
        let cost = if self.software { "; software, runs on the processor: expect a GPU to be 10 to 1000 times faster" } else { "" };
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
    /// What the user and `doctor` switched off.
    pub disabled: Vec<String>,
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

/// Adapters, hardware first.
fn adapters() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.flags = wgpu::InstanceFlags::empty();
    let descriptor = descriptor.with_env();
    let backends = descriptor.backends & (wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12);
    let instance = wgpu::Instance::new(descriptor);
    let mut all = pollster::block_on(instance.enumerate_adapters(backends));
    let order = ["discrete", "integrated", "virtual", "other", "software"];
    all.sort_by_key(|a| order.iter().position(|k| *k == kind(a.get_info().device_type)));
    all
}

/// What there is, in the order of preference.
pub fn list() -> Vec<AdapterSummary> {
    let summary = |(index, a): (usize, &wgpu::Adapter)| {
        let info = a.get_info();
        let (driver, kind) = (driver(&info), kind(info.device_type));
        AdapterSummary { index, name: info.name, backend: format!("{:?}", info.backend), driver, kind }
    };
    adapters().iter().enumerate().map(summary).collect()
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
pub(super) fn open(request: &AdapterRequest) -> Result<Opened> {
    let adapter = choose(adapters(), request.name.as_deref())?;
    let info = adapter.get_info();
    let own = adapter.limits();
    if let Some(reason) = missing_limit(&own) {
        return Err(Error::Adapter { adapter: info.name, reason });
    }
    let switched_off = match request.all_variants {
        true => Vec::new(),
        false => quarantine::switched_off(&info.name, &format!("{:?}", info.backend), &driver(&info)),
    };
    let mut request = request.clone();
    request.disable.extend(switched_off.iter().cloned());
    let features = request.features(adapter.features())?;
    let limits = match request.limits {
        LimitsChoice::Adapter => own,
        LimitsChoice::Default => wgpu::Limits::default(),
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("emotone"),
        required_features: features,
        required_limits: limits.clone(),
        experimental_features: experimental::features(features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX)),
        memory_hints: wgpu::MemoryHints::Performance,
        trace: wgpu::Trace::Off,
    }))
    .map_err(|e| Error::Adapter { adapter: info.name.clone(), reason: e.to_string() })?;
    let faults = Faults::default();
    let shared = faults.clone();
    device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
        shared.record(match e {
            wgpu::Error::OutOfMemory { source } => Fault::Memory(source.to_string()),
            e => Fault::Other(e.to_string()),
        });
    }));
    let shared = faults.clone();
    device.set_device_lost_callback(move |reason, message| {
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        shared.record(Fault::Lost(format!("{reason:?}{message}")));
    });
    let software = info.device_type == wgpu::DeviceType::Cpu;
    let fixed = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size > 0;
    let caps = Capabilities {
        driver: driver(&info),
        backend: format!("{:?}", info.backend),
        software,
        subgroup_size: (features.contains(wgpu::Features::SUBGROUP) && fixed).then_some(info.subgroup_min_size),
        f16: features.contains(wgpu::Features::SHADER_F16),
        int64: features.contains(wgpu::Features::SHADER_INT64),
        cooperative: cooperative(&adapter).filter(|_| features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX)),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
        max_workgroup_memory: limits.max_compute_workgroup_storage_size,
        max_groups: limits.max_compute_workgroups_per_dimension,
        max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
        max_buffer: limits.max_buffer_size,
        max_binding: limits.max_storage_buffer_binding_size,
        storage_alignment: limits.min_storage_buffer_offset_alignment,
        uniform_alignment: limits.min_uniform_buffer_offset_alignment,
        switched_off,
        memory_budget: if software { free_memory() } else { None },
        adapter: info.name,
    };
    Ok(Opened { device, queue, caps, disabled: request.disable, faults })
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
    use super::*;

    #[test]
    fn an_unmatched_name_lists_what_there_is() {
        let request = AdapterRequest { name: Some("no such card".into()), ..AdapterRequest::default() };
        let message = open(&request).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("no such card"), "{message}");
        for a in list() {
            assert!(message.contains(&a.name), "{message}");
        }
    }

    #[test]
    fn features_can_be_switched_off() {
        let all = wgpu::Features::all();
        let request = |limits, disable: &[&str]| AdapterRequest {
            limits,
            disable: disable.iter().map(|d| d.to_string()).collect(),
            ..AdapterRequest::default()
        };
        let granted = request(LimitsChoice::Adapter, &["subgroups", "coop"]).features(all).expect("known words");
        assert_eq!(granted, wgpu::Features::SHADER_F16 | wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY);
        assert!(
            request(LimitsChoice::Adapter, &[]).features(all).is_ok_and(|f| f.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX))
        );
        assert_eq!(request(LimitsChoice::Adapter, &[]).features(wgpu::Features::SUBGROUP).ok(), Some(wgpu::Features::SUBGROUP));
        assert_eq!(request(LimitsChoice::Default, &[]).features(all).ok(), Some(wgpu::Features::empty()));
        let message = request(LimitsChoice::Adapter, &["subgroup"]).features(all).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains("did you mean \"subgroups\""), "{message}");
    }

    #[test]
    fn a_missing_limit_is_named() {
        assert_eq!(missing_limit(&wgpu::Limits::default()), None);
        let small = wgpu::Limits { max_compute_invocations_per_workgroup: 128, ..wgpu::Limits::default() };
        assert!(missing_limit(&small).is_some_and(|m| m.contains("max_compute_invocations_per_workgroup is 128")));
    }
}
