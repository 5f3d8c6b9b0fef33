//! What naga knows of a shader: bindings by name, workgroup size, parameter offsets.

use super::wgsl::Expanded;
use crate::{Error, Result};
use naga::proc::Layouter;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use std::collections::BTreeMap;

/// How an entry point uses one binding of group 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingInfo {
    /// Variable name in the shader.
    pub name: String,
    /// Binding number.
    pub index: u32,
    /// A uniform block (the parameters), otherwise a storage buffer.
    pub uniform: bool,
    /// Declared `read_write`.
    pub writable: bool,
}

/// One entry point.
#[derive(Debug, Clone)]
pub struct EntryInfo {
    /// Invocations along each axis of a workgroup.
    pub workgroup: [u32; 3],
    /// Bindings the entry point reaches, by number.
    pub bindings: Vec<BindingInfo>,
    /// Byte offset of each field of the uniform block, in order.
    pub params: Vec<(String, u32)>,
    /// Size of the uniform block in bytes.
    pub params_size: u32,
}

/// A parsed and validated shader.
#[derive(Debug)]
pub struct Reflection {
    /// Entry points by name.
    pub entries: BTreeMap<String, EntryInfo>,
}

/// Parses and validates expanded WGSL and reads its interface.
///
/// # Errors
/// [`Error::Wgsl`] that points at the original file and line.
pub fn reflect(source: &Expanded) -> Result<Reflection> {
    let located = |line: usize, message: String| {
        let (file, line) = source.origin(line);
        Error::Wgsl { file, line, message }
    };
    let module = naga::front::wgsl::parse_str(&source.text)
        .map_err(|e| located(e.location(&source.text).map_or(1, |l| l.line_number as usize), e.message().to_string()))?;
    let caps = Capabilities::default()
        | Capabilities::SUBGROUP
        | Capabilities::SUBGROUP_BARRIER
        | Capabilities::SHADER_FLOAT16
        | Capabilities::SHADER_INT64
        | Capabilities::COOPERATIVE_MATRIX;
    let info = Validator::new(ValidationFlags::all(), caps).validate(&module).map_err(|e| {
        let line = e.location(&source.text).map_or(1, |l| l.line_number as usize);
        let mut message = e.as_inner().to_string();
        let mut cause = std::error::Error::source(e.as_inner());
        while let Some(c) = cause {
            message.push_str(": ");
            message.push_str(&c.to_string());
            cause = c.source();
        }
        located(line, message)
    })?;
    let mut entries = BTreeMap::new();
    for (i, entry) in module.entry_points.iter().enumerate() {
        entries.insert(entry.name.clone(), entry_info(&module, &info, i).map_err(|m| located(1, m))?);
    }
    Ok(Reflection { entries })
}

fn entry_info(module: &naga::Module, info: &ModuleInfo, index: usize) -> Result<EntryInfo, String> {
    let uses = info.get_entry_point(index);
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|e| e.to_string())?;
    let mut out =
        EntryInfo { workgroup: module.entry_points[index].workgroup_size, bindings: Vec::new(), params: Vec::new(), params_size: 0 };
    for (handle, var) in module.global_variables.iter() {
        if uses[handle].is_empty() {
            continue;
        }
        let Some(binding) = &var.binding else { continue };
        let name = var.name.clone().unwrap_or_default();
        if binding.group != 0 {
            return Err(format!("`{name}` is in group {}; only group 0 is used", binding.group));
        }
        let (uniform, writable) = match var.space {
            naga::AddressSpace::Uniform => (true, false),
            naga::AddressSpace::Storage { access } => (false, access.contains(naga::StorageAccess::STORE)),
            _ => return Err(format!("`{name}`: unexpected address space {:?}", var.space)),
        };
        if uniform && let naga::TypeInner::Struct { members, span } = &module.types[var.ty].inner {
            out.params = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset)).collect();
            out.params_size = *span;
        }
        out.bindings.push(BindingInfo { name, index: binding.binding, uniform, writable });
    }
    out.bindings.sort_by_key(|b| b.index);
    if let Some(pair) = out.bindings.windows(2).find(|w| w[0].index == w[1].index) {
        return Err(format!("`{}` and `{}` share binding {}", pair[0].name, pair[1].name, pair[0].index));
    }
    Ok(out)
}
