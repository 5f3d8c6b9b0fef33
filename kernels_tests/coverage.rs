//! Every shader validates with every tunable set it ships with, has one owner, and a case for each entry point.

use crate::case::device;
use emotone::check;
use emotone::gpu::{Capabilities, Device, Launch, includes, pipeline};
use emotone::graph::Operand;
use emotone::kernels::{SHIPPED, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Names of the files of a folder of the sources; `None` where a program was carried to a machine without them.
fn stems(dir: &str, ext: &str) -> Option<BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    if !root.exists() {
        println!("skipped: {dir} is not on this machine");
        return None;
    }
    let files = fs::read_dir(root).expect("directory").map(|e| e.expect("entry").path());
    let named = files.filter(|p| p.extension().is_some_and(|e| e == ext));
    Some(named.filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned())).collect())
}

#[test]
fn every_shader_validates_with_every_shipped_tunable_set() {
    for shipped in SHIPPED {
        for set in shipped.tunables {
            match pipeline::load(shipped.shader, set) {
                Ok((expanded, _)) => {
                    let lines = expanded.text.lines().count();
                    // A screenful of source must not become a driver's nightmare, and stays far from the preprocessor's own bound.
                    assert!(lines < 2500, "{} with {set:?} has {lines} lines", shipped.shader.stem);
                }
                Err(e) => panic!("{} with {set:?}: {e}", shipped.shader.stem),
            }
        }
    }
}

#[test]
fn every_shader_has_one_owner() {
    let owned: BTreeSet<String> = SHIPPED.iter().map(|s| s.shader.stem.to_string()).collect();
    assert_eq!(owned.len(), SHIPPED.len(), "a stem is listed twice");
    let Some(mut files) = stems("shaders", "wgsl") else { return };
    files.retain(|stem| !stem.starts_with("self_check"));
    assert_eq!(files, owned, "files under shaders/ and kernels::SHIPPED");
}

#[test]
fn every_common_file_can_be_included() {
    for stem in stems("shaders/common", "wgsl").into_iter().flatten() {
        assert!(includes(&format!("common/{stem}.wgsl")).is_some(), "{stem}");
    }
    assert!(includes("common/nothing.wgsl").is_none());
}

/// Shaders that no op launches; tests of their own do.
const APART: [&str; 1] = ["ceiling"];

/// This device, and adapters that take other ways through the kernels.
fn targets(device: &Device) -> Vec<(&'static str, Target)> {
    let here = Target::new(device);
    let other = |change: &dyn Fn(&mut Capabilities)| {
        let mut caps = (**device.caps()).clone();
        change(&mut caps);
        Target { caps: Arc::new(caps), ..here.clone() }
    };
    let gpu = |caps: &mut Capabilities| {
        (caps.software, caps.max_workgroup_invocations) = (false, 256);
    };
    // A GPU's matrices do not go with the subgroups that software has.
    let software = |caps: &mut Capabilities| {
        caps.cooperative = caps.cooperative.filter(|_| caps.software);
        caps.software = true;
    };
    let cooperative = |edge: u32, wave: u32| {
        let target = other(&|caps| {
            gpu(caps);
            (caps.f16, caps.cooperative, caps.subgroup_size) = (true, Some(edge), Some(wave));
            caps.max_workgroup_memory = 1 << 15;
        });
        Target { half: true, ..target }
    };
    vec![
        ("a GPU", other(&|caps| gpu(caps))),
        ("a GPU with 8 x 8 matrices", cooperative(8, 32)),
        ("a GPU with 16 x 16 matrices", cooperative(16, 32)),
        (
            "a software adapter",
            other(&|caps| {
                software(caps);
                (caps.subgroup_size, caps.int64) = (Some(8), true);
            }),
        ),
        (
            "a software adapter without subgroups",
            other(&|caps| {
                software(caps);
                caps.subgroup_size = None;
            }),
        ),
        (
            "a software adapter without 64-bit integers",
            other(&|caps| {
                software(caps);
                caps.int64 = false;
            }),
        ),
        ("this device", here),
    ]
}

/// Launches of GPUs that bind an operand twice, which a browser refuses because it takes all bindings for written; there they read a copy
/// (`apart.rs`). These are graphs in which two inputs are one value; a kernel that does not need an operand leaves it out instead
/// (`Launch::bind_any`).
const BOUND_TWICE: [&str; 2] = ["layer_norm::layer_norm_bwd: dy and other", "mixup::mixup: x1 and x2"];

fn bound_twice(launch: &Launch<Operand>) -> Vec<String> {
    let pairs = launch.bindings.iter().enumerate().flat_map(|(i, a)| launch.bindings[i + 1..].iter().map(move |b| (a, b)));
    pairs.filter(|((_, a), (_, b))| a == b).map(|((a, _), (b, _))| format!("{}: {a} and {b}", launch.name())).collect()
}

/// On every kind of adapter: entry points, names, types, operands and tunable sets. So what a GPU alone runs is looked at everywhere.
#[test]
fn launches_fit_their_shaders_and_ship_their_tunables() {
    let Some(device) = device() else { return };
    let (mut loaded, mut launched, mut unshipped) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
    let mut twice = BTreeSet::new();
    for (adapter, target) in targets(&device) {
        for case in check::cases(&target) {
            let label = format!("{} {} on {adapter}", case.variant, case.name);
            for launch in case.launches(&target).unwrap_or_else(|e| panic!("{label}: {e}")) {
                launched.insert((launch.shader.stem, launch.entry));
                if !target.software {
                    twice.extend(bound_twice(&launch));
                }
                let shader = loaded.entry((launch.shader.stem, launch.tunables.clone())).or_insert_with(|| {
                    let (expanded, reflection) = pipeline::load(launch.shader, &launch.tunables).unwrap_or_else(|e| panic!("{label}: {e}"));
                    if !shipped(launch.shader.stem).contains(&expanded.tunables) {
                        unshipped.insert(format!("{} {:?} ({label})", launch.shader.stem, launch.tunables));
                    }
                    reflection
                });
                launch.check(&shader.entries[launch.entry]).unwrap_or_else(|e| panic!("{label}: {e}"));
            }
        }
    }
    assert!(unshipped.is_empty(), "launched but not shipped: {unshipped:#?}");
    assert_eq!(twice.iter().map(String::as_str).collect::<Vec<_>>(), BOUND_TWICE, "operands that a GPU's launch binds to two variables");
    for owner in SHIPPED.iter().filter(|s| !APART.contains(&s.shader.stem)) {
        let (_, reflection) = pipeline::load(owner.shader, &[]).expect("shader");
        for entry in reflection.entries.keys() {
            assert!(launched.contains(&(owner.shader.stem, entry.as_str())), "{}::{entry} is launched by no case", owner.shader.stem);
        }
    }
}

/// The tunable sets of a shader, whole.
fn shipped(stem: &str) -> Vec<BTreeMap<String, u32>> {
    let owner = SHIPPED.iter().find(|s| s.shader.stem == stem).unwrap_or_else(|| panic!("{stem} is not shipped"));
    owner.tunables.iter().map(|set| pipeline::load(owner.shader, set).expect("shader").0.tunables).collect()
}
