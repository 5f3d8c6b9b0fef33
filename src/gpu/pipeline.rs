//! Pipelines: an entry point with a tunable set, preprocessed, reflected and compiled.

use super::experimental;
use super::halves;
use super::includes;
use super::launch::{Launch, Shader};
use super::reflect::{self, EntryInfo};
use super::wgsl::{self, Tunable};
use crate::{Error, Result};

/// A compiled entry point with its interface.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    /// Interface read by reflection.
    pub info: EntryInfo,
}

/// What makes two pipelines the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub shader: &'static Shader,
    pub entry: &'static str,
    pub tunables: Vec<Tunable>,
    /// Variables that keep halves.
    pub halves: Vec<&'static str>,
}

impl Key {
    /// Of a launch.
    pub(super) fn of<B>(launch: &Launch<B>) -> Key {
        let (tunables, halves) = (launch.tunables.clone(), launch.halves.clone());
        Key { shader: launch.shader, entry: launch.entry, tunables, halves }
    }

    /// The plain WGSL of it.
    pub(super) fn expanded(&self) -> Result<wgsl::Expanded> {
        let mut source = expand(self.shader, &self.tunables)?;
        halves::halve(&mut source, &self.halves)?;
        Ok(source)
    }
}

/// Expands a shader with a tunable set.
///
/// # Errors
/// [`Error::Wgsl`] with file and line.
pub fn expand(shader: &Shader, tunables: &[Tunable]) -> Result<wgsl::Expanded> {
    wgsl::expand(&format!("shaders/{}.wgsl", shader.stem), shader.source, tunables, &includes)
}

/// The pipeline's plain WGSL and interface.
///
/// # Errors
/// [`Error::Wgsl`] with file and line.
pub fn of<B>(launch: &Launch<B>) -> Result<(wgsl::Expanded, reflect::Reflection)> {
    let source = Key::of(launch).expanded()?;
    let reflection = reflect::reflect(&source)?;
    Ok((source, reflection))
}

/// Expands and validates a shader with a tunable set.
///
/// # Errors
/// [`Error::Wgsl`] with file and line.
pub fn load(shader: &'static Shader, tunables: &[Tunable]) -> Result<(wgsl::Expanded, reflect::Reflection)> {
    let source = expand(shader, tunables)?;
    let reflection = reflect::reflect(&source)?;
    Ok((source, reflection))
}

/// Compiles an entry point on `device`; `unchecked` without wgpu's bounds on loops and indices, where `doctor`
/// has cases for the shader.
///
/// # Errors
/// [`Error::Wgsl`] for a bad shader or unknown entry, [`Error::Gpu`] when the driver refuses it.
pub(super) async fn compile(device: &wgpu::Device, key: &Key, unchecked: bool) -> Result<Pipeline> {
    let source = key.expanded()?;
    let reflection = reflect::reflect(&source)?;
    let info = reflection.entries.get(key.entry).cloned().ok_or_else(|| Error::Wgsl {
        file: format!("shaders/{}.wgsl", key.shader.stem),
        line: 1,
        message: format!("no entry point `{}`", key.entry),
    })?;
    // All values live in one arena buffer and a buffer has one usage per dispatch, so inputs are bound read_write as well;
    // reflection above has already proved that the shader does not write what it declares `read`.
    let text = source.text.replace("var<storage, read>", "var<storage, read_write>");
    let label = format!("{}::{}", key.shader.stem, key.entry);
    let storage = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Storage { read_only: false },
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let uniform = wgpu::BindingType::Buffer { ty: wgpu::BufferBindingType::Uniform, has_dynamic_offset: false, min_binding_size: None };
    let entries: Vec<_> = info
        .bindings
        .iter()
        .map(|b| wgpu::BindGroupLayoutEntry {
            binding: b.index,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: if b.uniform { uniform } else { storage },
            count: None,
        })
        .collect();
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let shader = wgpu::ShaderModuleDescriptor { label: Some(&label), source: wgpu::ShaderSource::Wgsl(text.into()) };
    let module = experimental::module(device, shader, unchecked && key.shader.examined);
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(&label), entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(&label),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&label),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some(key.entry),
        // Every workgroup array is written before it is read. Zeroed first, on DX12 and Metal one lane does it while the others wait.
        compilation_options: wgpu::PipelineCompilationOptions { zero_initialize_workgroup_memory: false, ..Default::default() },
        cache: None,
    });
    match scope.pop().await {
        Some(e) => Err(Error::Gpu(format!("{label}: {e}"))),
        None => Ok(Pipeline { raw, layout, info }),
    }
}
