//! Every pipeline in the languages of other compilers, as wgpu writes them.

use crate::pipelines::{Needs, Text, shipped};
use crate::spirv::{Checks, Module};
use crate::step;
use anyhow::{Context, Result};
use naga::back::hlsl;
use std::fs;
use std::path::Path;

/// Shader models, by the folder of their texts: what FXC takes, what DXC takes at least, and with 16-bit types.
const MODELS: [(&str, hlsl::ShaderModel); 3] =
    [("hlsl51", hlsl::ShaderModel::V5_1), ("hlsl60", hlsl::ShaderModel::V6_0), ("hlsl66", hlsl::ShaderModel::V6_6)];
#[cfg(feature = "metal")]
const VERSIONS: [(&str, (u8, u8)); 4] = [("msl20", (2, 0)), ("msl24", (2, 4)), ("msl30", (3, 0)), ("msl32", (3, 2))];

/// The step whose pipelines are written with operands in half precision; every network has the same.
const HALVES: &str = "S-f16";

/// Writes the folders `wgsl`, `spv`, `hlsl51`, `hlsl60`, `hlsl66` and `manifest.json`, which lists entry points and what they need. Returns whether naga
/// could write everything but cooperative matrices, which HLSL and old versions of Metal do not have.
///
/// # Errors
/// A folder that cannot be written; a shader that is wrong.
pub fn run(dir: &Path) -> Result<bool> {
    let mut manifest = Vec::new();
    let mut refused = Vec::new();
    let halves = step::plan(HALVES)?.texts.into_iter().filter(|text| Needs::of(&text.wgsl).f16);
    for text in shipped()?.into_iter().chain(halves) {
        let needs = Needs::of(&text.wgsl);
        let file = format!("{}__{}", text.stem, text.set.replace([',', ' ', ':'], "_"));
        write(dir, "wgsl", &format!("{file}.wgsl"), text.wgsl.as_bytes())?;
        let module = Module::read(&file, &text.wgsl)?;
        for (entry, workgroup, gpu) in &text.entries {
            manifest.push(serde_json::json!({ "file": file, "shader": text.stem, "set": text.set, "entry": entry, "workgroup": workgroup,
                "needs": needs.names(), "gpu": gpu }));
            let found = languages(dir, &text, &module, &format!("{file}__{entry}"), entry);
            let absent = |language: &str| needs.cooperative && !language.starts_with("spv");
            refused.extend(found?.into_iter().filter(|(language, _)| !absent(language)));
        }
    }
    fs::write(dir.join("manifest.json"), serde_json::to_string_pretty(&manifest)?).with_context(|| dir.display().to_string())?;
    println!("{} entry points in {}, {} refused by naga", manifest.len(), dir.display(), refused.len());
    refused.iter().for_each(|(language, why)| println!("{language}: {why}"));
    Ok(refused.is_empty())
}

fn write(dir: &Path, folder: &str, file: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(dir.join(folder)).with_context(|| dir.display().to_string())?;
    fs::write(dir.join(folder).join(file), bytes).with_context(|| format!("{file} in {}", dir.display()))
}

/// Writes an entry point in every language; what naga refuses comes back with the language.
fn languages(dir: &Path, text: &Text, module: &Module, file: &str, entry: &str) -> Result<Vec<(String, String)>> {
    let mut refused = Vec::new();
    let mut told = |language: &str, e: anyhow::Error| refused.push((language.to_string(), format!("{}: {e:#}", text.name(entry))));
    match module.words(entry, Checks { loops: true, index: true, quotients: true }, true) {
        Ok(words) => {
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            write(dir, "spv", &format!("{file}.spv"), &bytes)?;
        }
        Err(e) => told("spv", e),
    }
    for (folder, model) in MODELS {
        match hlsl(module, entry, model) {
            Ok(text) => write(dir, folder, &format!("{file}.hlsl"), text.as_bytes())?,
            Err(e) => told(folder, e),
        }
    }
    #[cfg(feature = "metal")]
    for (folder, version) in VERSIONS {
        match msl(module, entry, version) {
            Ok(text) => write(dir, folder, &format!("{file}.metal"), text.as_bytes())?,
            Err(e) => told(folder, e),
        }
    }
    Ok(refused)
}

/// As wgpu-hal's DX12: storage is an unordered-access view each, the parameters a constant buffer, registers in the order of bindings. The
/// first line names the entry point.
fn hlsl(module: &Module, entry: &str, model: hlsl::ShaderModel) -> Result<String> {
    let mut map = hlsl::BindingMap::default();
    let (mut constants, mut storage) = (0, 0);
    for (binding, uniform) in module.bindings(entry) {
        let register = if uniform { &mut constants } else { &mut storage };
        let target = hlsl::BindTarget { space: 0, register: *register, ..Default::default() };
        map.insert(naga::ResourceBinding { group: 0, binding }, target);
        *register += 1;
    }
    let options = hlsl::Options {
        shader_model: model,
        binding_map: map,
        fake_missing_bindings: true,
        special_constants_binding: Some(hlsl::BindTarget { space: 0, register: constants, ..Default::default() }),
        zero_initialize_workgroup_memory: false,
        restrict_indexing: true,
        force_loop_bounding: true,
        ..Default::default()
    };
    let point = hlsl::PipelineOptions { entry_point: Some((naga::ShaderStage::Compute, entry.to_string())) };
    let mut out = String::new();
    // naga panics at what HLSL has no word for.
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        hlsl::Writer::new(&mut out, &options, &point).write(&module.module, &module.info, None).map(|r| r.entry_point_names)
    }));
    let names = made.map_err(|_| anyhow::anyhow!("naga panics"))??;
    let name = names.into_iter().next().context("no entry point")??;
    Ok(format!("// entry {name}\n{out}"))
}

/// As wgpu-hal's Metal: buffers in the order of bindings, their sizes in one more.
#[cfg(feature = "metal")]
fn msl(module: &Module, entry: &str, version: (u8, u8)) -> Result<String> {
    use naga::back::msl;
    use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy::Restrict, BoundsCheckPolicy::Unchecked};
    let mut resources = msl::EntryPointResources::default();
    for (i, (binding, _)) in module.bindings(entry).into_iter().enumerate() {
        let target = msl::BindTarget { buffer: Some(i as u8), mutable: true, ..Default::default() };
        resources.resources.insert(naga::ResourceBinding { group: 0, binding }, target);
    }
    resources.sizes_buffer = Some(30);
    let options = msl::Options {
        lang_version: version,
        per_entry_point_map: msl::EntryPointResourceMap::from([(entry.to_string(), resources)]),
        fake_missing_bindings: true,
        bounds_check_policies: BoundsCheckPolicies { index: Restrict, buffer: Restrict, image_load: Restrict, binding_array: Unchecked },
        zero_initialize_workgroup_memory: false,
        force_loop_bounding: true,
        ..Default::default()
    };
    let point = msl::PipelineOptions { entry_point: Some((naga::ShaderStage::Compute, entry.to_string())), ..Default::default() };
    let (out, reflected) = msl::write_string(&module.module, &module.info, &options, &point)?;
    let name = reflected.entry_point_names.into_iter().next().context("no entry point")?.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    Ok(format!("// entry {name}\n{out}"))
}
