//! SPIR-V of a shader as wgpu-hal's Vulkan makes it.

use anyhow::{Context, Result, anyhow};
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

/// Which of the checks that wgpu adds to a shader stay in.
#[derive(Debug, Clone, Copy)]
pub struct Checks {
    /// A bound on every loop.
    pub loops: bool,
    /// Indices held within arrays.
    pub index: bool,
    /// Integer quotients by zero.
    pub quotients: bool,
}

impl Checks {
    /// By names: `loop,index,div` or some of them, or `none`.
    ///
    /// # Errors
    /// Another word.
    pub fn of(words: &str) -> Result<Checks> {
        let mut checks = Checks { loops: false, index: false, quotients: false };
        for word in words.split(',').filter(|w| *w != "none") {
            match word {
                "loop" => checks.loops = true,
                "index" => checks.index = true,
                "div" => checks.quotients = true,
                _ => return Err(anyhow!("--checks {words}: {word:?} must be loop, index, div or none")),
            }
        }
        Ok(checks)
    }
}

/// A shader that naga has read and validated.
pub struct Module {
    pub module: naga::Module,
    pub info: ModuleInfo,
}

impl Module {
    /// Reads WGSL as it is handed to wgpu.
    ///
    /// # Errors
    /// With the place in the text.
    pub fn read(name: &str, text: &str) -> Result<Module> {
        let module = naga::front::wgsl::parse_str(text).map_err(|e| anyhow!("{name}: {}", e.emit_to_string(text)))?;
        let capabilities = Capabilities::default()
            | Capabilities::SUBGROUP
            | Capabilities::SUBGROUP_BARRIER
            | Capabilities::SHADER_FLOAT16
            | Capabilities::SHADER_INT64
            | Capabilities::COOPERATIVE_MATRIX;
        let info = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
        Ok(Module { info: info.map_err(|e| anyhow!("{name}: {}", e.emit_to_string(text)))?, module })
    }

    /// Numbers of the bindings an entry point reaches, sorted, and whether each is uniform.
    pub fn bindings(&self, entry: &str) -> Vec<(u32, bool)> {
        let index = self.module.entry_points.iter().position(|e| e.name == entry).unwrap_or(0);
        let uses = self.info.get_entry_point(index);
        let used = self.module.global_variables.iter().filter(|(h, _)| !uses[*h].is_empty());
        let mut all: Vec<_> = used.filter_map(|(_, v)| v.binding.map(|b| (b.binding, v.space == naga::AddressSpace::Uniform))).collect();
        all.sort_unstable();
        all
    }

    /// The words of an entry point. With `robust` the driver bounds accesses to buffers.
    ///
    /// # Errors
    /// naga cannot write it.
    pub fn words(&self, entry: &str, checks: Checks, robust: bool) -> Result<Vec<u32>> {
        let index = if checks.index { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
        let options = spv::Options {
            lang_version: (1, 6),
            flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
            capabilities: None,
            bounds_check_policies: BoundsCheckPolicies {
                index,
                buffer: if robust { BoundsCheckPolicy::Unchecked } else { index },
                image_load: BoundsCheckPolicy::Unchecked,
                binding_array: BoundsCheckPolicy::Unchecked,
            },
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            force_loop_bounding: checks.loops,
            emit_int_div_checks: checks.quotients,
            ..Default::default()
        };
        let point = spv::PipelineOptions { entry_point: entry.to_string(), shader_stage: naga::ShaderStage::Compute };
        spv::write_vec(&self.module, &self.info, &options, Some(&point)).with_context(|| format!("{entry} as SPIR-V"))
    }
}
