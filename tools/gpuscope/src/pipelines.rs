//! The pipelines that the engine would create: every shader with every tunable set it ships with, and which of them a GPU is given.

use anyhow::{Context, Result, bail};
use emotone::check;
use emotone::gpu::reflect::{self, Reflection};
use emotone::gpu::{Capabilities, Shader, includes, pipeline, wgsl};
use emotone::kernels::{SHIPPED, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A shader with a tunable set.
pub struct Text {
    /// File stem.
    pub stem: String,
    /// Values of its tunables, or what else tells it apart.
    pub set: String,
    /// WGSL as the engine hands it to wgpu.
    pub wgsl: String,
    /// Entry points with the invocations of a workgroup, and whether GPUs are given them with this set.
    pub entries: Vec<(String, u32, bool)>,
}

/// What a text asks for beyond WebGPU's core.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Needs {
    pub int64: bool,
    pub subgroups: bool,
    pub f16: bool,
    pub cooperative: bool,
}

impl Needs {
    /// By the words in it.
    pub fn of(wgsl: &str) -> Needs {
        let code: String = wgsl.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
        let word = |w: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|x| x == w);
        Needs {
            int64: word("u64") || word("i64"),
            subgroups: code.contains("subgroup"),
            f16: word("f16"),
            cooperative: code.contains("wgpu_cooperative_matrix"),
        }
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let all = [("int64", self.int64), ("subgroups", self.subgroups), ("f16", self.f16), ("cooperative", self.cooperative)];
        all.into_iter().filter(|(_, needed)| *needed).map(|(name, _)| name).collect()
    }
}

impl Text {
    /// What is printed of an entry point.
    pub fn name(&self, entry: &str) -> String {
        format!("{}::{entry} {}", self.stem, self.set)
    }
}

/// A set as it is printed.
pub fn set_name(tunables: &BTreeMap<String, u32>) -> String {
    let values: Vec<_> = tunables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if values.is_empty() { "-".into() } else { values.join(",") }
}

/// A GPU without a fixed subgroup size and with `cooperative` matrices, as far as the engine's choices depend on it: with WebGPU's default
/// limits, or those of an AMD card.
pub fn gpu(cooperative: Option<u32>, wide: bool) -> Target {
    let caps = Capabilities {
        adapter: "a GPU that is not here".into(),
        backend: "Vulkan".into(),
        driver: String::new(),
        processor: false,
        software: false,
        subgroup_size: cooperative.map(|_| 32),
        subgroup_max: cooperative.map(|_| 32),
        unchecked: false,
        f16: cooperative.is_some(),
        int64: true,
        cooperative,
        timestamps: true,
        max_workgroup_invocations: if wide { 1024 } else { 256 },
        max_workgroup_memory: if wide || cooperative.is_some() { 64 << 10 } else { 16 << 10 },
        max_groups: 65_535,
        max_storage_buffers: if wide { 64 } else { 8 },
        max_buffer: 4 << 30,
        max_binding: if wide { 2 << 30 } else { 128 << 20 },
        storage_alignment: 256,
        uniform_alignment: 256,
        switched_off: Vec::new(),
        memory_budget: None,
    };
    Target { caps: Arc::new(caps), half: cooperative.is_some(), winograd: true, fusion: true, apart: false, tuned: Arc::default() }
}

/// A shader's stem, an entry point, a tunable set.
type Launched = BTreeSet<(&'static str, &'static str, String)>;

/// What the cases of the kernel tests launch on GPUs.
fn launched() -> Result<Launched> {
    let mut all = Launched::new();
    let mut sets = BTreeMap::new();
    for target in [gpu(None, false), gpu(None, true), gpu(Some(8), true), gpu(Some(16), true)] {
        for case in check::cases(&target) {
            for launch in case.launches(&target)? {
                let key = (launch.shader.stem, launch.tunables.clone());
                let set = match sets.get(&key) {
                    Some(set) => set,
                    None => sets.entry(key).or_insert(set_name(&pipeline::load(launch.shader, &launch.tunables)?.0.tunables)),
                };
                all.insert((launch.shader.stem, launch.entry, set.clone()));
            }
        }
    }
    Ok(all)
}

/// Invocations that no workgroup of a GPU goes below, where the engine chooses their number.
const GPU_WORKGROUP: u32 = 32;

/// Every text that ships.
pub fn shipped() -> Result<Vec<Text>> {
    let launched = launched()?;
    let mut all = BTreeMap::new();
    for owner in SHIPPED {
        for tunables in owner.tunables {
            let text = text(owner.shader, tunables, &launched)?;
            all.entry((text.stem.clone(), text.set.clone())).or_insert(text);
        }
    }
    Ok(all.into_values().collect())
}

fn text(shader: &'static Shader, tunables: &[wgsl::Tunable], launched: &Launched) -> Result<Text> {
    let (expanded, reflection) = pipeline::load(shader, tunables)?;
    let set = set_name(&expanded.tunables);
    // The cases do not have rows of every length.
    let wide = expanded.tunables.get("WG").is_some_and(|wg| *wg >= GPU_WORKGROUP);
    let on_gpus = |name: &str| wide || launched.iter().any(|(stem, entry, with)| (*stem, *entry, with) == (shader.stem, name, &set));
    Ok(text_of(shader.stem, set.clone(), &expanded.text, &reflection, on_gpus))
}

/// An expanded shader as the engine hands it to wgpu: inputs are bound to be written as well, see `src/gpu/pipeline.rs`.
pub fn text_of(stem: &str, set: String, expanded: &str, reflection: &Reflection, on_gpus: impl Fn(&str) -> bool) -> Text {
    let entries = reflection.entries.iter().map(|(name, e)| (name.clone(), e.workgroup.iter().product(), on_gpus(name)));
    let wgsl = expanded.replace("var<storage, read>", "var<storage, read_write>");
    Text { stem: stem.into(), set, entries: entries.collect(), wgsl }
}

/// A shader under work: a file, with the engine's directives or without, and values of its tunables as `NAME=VALUE`.
pub fn own(file: &Path, tunables: &[String]) -> Result<Text> {
    let source = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut values: Vec<wgsl::Tunable> = Vec::new();
    for t in tunables {
        let Some((name, value)) = t.split_once('=').and_then(|(n, v)| Some((n, v.parse().ok()?))) else {
            bail!("--tune {t}: must be NAME=VALUE, a number");
        };
        values.push((String::leak(name.to_string()), value));
    }
    let expanded = wgsl::expand(&file.display().to_string(), &source, &values, &includes)?;
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(text_of(&stem, set_name(&expanded.tunables), &expanded.text, &reflect::reflect(&expanded)?, |_| true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_from_code_not_from_comments() {
        assert_eq!(Needs::of("// u64 f16\nvar x: f32;"), Needs::default());
        assert_eq!(Needs::of("var x: u64; subgroupAdd(1)").names(), ["int64", "subgroups"]);
    }

    #[test]
    fn gpus_are_given_their_sets_and_not_those_of_software() {
        let all = shipped().expect("shaders");
        let gpu = |stem: &str, entry: &str, part: &str| {
            let texts = all.iter().filter(|t| t.stem == stem && t.set.ends_with(part));
            texts.flat_map(|t| &t.entries).filter(|(e, ..)| e == entry).map(|(.., gpu)| *gpu).collect::<Vec<_>>()
        };
        let wide = gpu("matmul_wide", "matmul_wide", "");
        assert!(!wide.is_empty() && !wide.contains(&true), "{wide:?}");
        assert!(gpu("pointwise", "add", "WG=128").contains(&true));
        assert!(!gpu("pointwise", "add", "WG=8").contains(&true) && !gpu("pointwise", "add", "WG=8").is_empty());
        assert!(gpu("stft", "stft_power", "WG=256").iter().all(|g| *g));
    }
}
