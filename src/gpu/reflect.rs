//! What naga knows of a shader: bindings by name, workgroup size, parameters with their types, places and readers.

use super::params::{Field, Scalar, Type};
use super::wgsl::Expanded;
use crate::{Error, Result};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Expression, Function, GlobalVariable, Handle, Statement};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How an entry point uses one binding of group 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingInfo {
    /// Variable name in the shader.
    pub name: String,
    /// Binding number.
    pub index: u32,
    /// A uniform block (the parameters), otherwise a storage buffer.
    pub uniform: bool,
}

/// One entry point.
#[derive(Debug, Clone)]
pub struct EntryInfo {
    /// Invocations along each axis of a workgroup.
    pub workgroup: [u32; 3],
    /// Bindings the entry point reaches, by number.
    pub bindings: Vec<BindingInfo>,
    /// Fields of the uniform block, in order.
    pub params: Vec<Field>,
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
    let mut out =
        EntryInfo { workgroup: module.entry_points[index].workgroup_size, bindings: Vec::new(), params: Vec::new(), params_size: 0 };
    for (handle, var) in module.global_variables.iter() {
        let Some(binding) = &var.binding else { continue };
        let name = var.name.clone().unwrap_or_default();
        if var.space == naga::AddressSpace::Uniform {
            (out.params, out.params_size) = fields(module, index, handle)?;
        }
        if uses[handle].is_empty() {
            continue;
        }
        if binding.group != 0 {
            return Err(format!("`{name}` is in group {}; only group 0 is used", binding.group));
        }
        let uniform = match var.space {
            naga::AddressSpace::Uniform => true,
            naga::AddressSpace::Storage { .. } => false,
            _ => return Err(format!("`{name}`: unexpected address space {:?}", var.space)),
        };
        out.bindings.push(BindingInfo { name, index: binding.binding, uniform });
    }
    out.bindings.sort_by_key(|b| b.index);
    if let Some(pair) = out.bindings.windows(2).find(|w| w[0].index == w[1].index) {
        return Err(format!("`{}` and `{}` share binding {}", pair[0].name, pair[1].name, pair[0].index));
    }
    Ok(out)
}

/// Fields and size of the uniform block `block`, as entry point `index` reads it.
fn fields(module: &naga::Module, index: usize, block: Handle<GlobalVariable>) -> Result<(Vec<Field>, u32), String> {
    let naga::TypeInner::Struct { members, span } = &module.types[module.global_variables[block].ty].inner else {
        return Err("the uniform block is not a struct".to_string());
    };
    let (mut read, mut seen) = (BTreeSet::new(), HashSet::new());
    reads(module, &module.entry_points[index].function, block, &mut read, &mut seen);
    let fields = members.iter().zip(0..).map(|(m, i)| {
        let name = m.name.clone().unwrap_or_default();
        let ty = type_of(&module.types[m.ty].inner)
            .ok_or_else(|| format!("parameter `{name}` is neither a 32-bit number nor a vector of them"))?;
        Ok(Field { name, ty, offset: m.offset, read: read.contains(&i) || read.contains(&WHOLE) })
    });
    Ok((fields.collect::<Result<_, String>>()?, *span))
}

fn type_of(inner: &naga::TypeInner) -> Option<Type> {
    let (scalar, len) = match *inner {
        naga::TypeInner::Scalar(scalar) => (scalar, 1),
        naga::TypeInner::Vector { size, scalar } => (scalar, size as usize),
        _ => return None,
    };
    let scalar = match scalar {
        naga::Scalar::U32 => Scalar::U32,
        naga::Scalar::I32 => Scalar::I32,
        naga::Scalar::F32 => Scalar::F32,
        _ => return None,
    };
    Some(Type { scalar, len })
}

/// Stands among the numbers of fields for all of them.
const WHOLE: u32 = u32::MAX;

/// Adds the numbers of the fields of `block` that `function` or what it calls reads.
fn reads(
    module: &naga::Module,
    function: &Function,
    block: Handle<GlobalVariable>,
    read: &mut BTreeSet<u32>,
    seen: &mut HashSet<Handle<Function>>,
) {
    let is_block = |e: Handle<Expression>| matches!(function.expressions[e], Expression::GlobalVariable(v) if v == block);
    for (_, expression) in function.expressions.iter() {
        match *expression {
            Expression::AccessIndex { base, index } if is_block(base) => read.insert(index),
            Expression::Load { pointer } if is_block(pointer) => read.insert(WHOLE),
            _ => continue,
        };
    }
    let mut calls = Vec::new();
    called(&function.body, &mut calls);
    for callee in calls {
        if seen.insert(callee) {
            reads(module, &module.functions[callee], block, read, seen);
        }
    }
}

/// Adds the functions that statements call.
fn called(block: &naga::Block, calls: &mut Vec<Handle<Function>>) {
    for statement in block.iter() {
        match statement {
            Statement::Call { function, .. } => calls.push(*function),
            Statement::Block(inner) => called(inner, calls),
            Statement::If { accept, reject, .. } => [accept, reject].into_iter().for_each(|b| called(b, calls)),
            Statement::Switch { cases, .. } => cases.iter().for_each(|c| called(&c.body, calls)),
            Statement::Loop { body, continuing, .. } => [body, continuing].into_iter().for_each(|b| called(b, calls)),
            _ => {}
        }
    }
}
