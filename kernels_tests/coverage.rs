//! Every shader validates with every tunable set it ships with, has one owner, and a case for each entry point.

use crate::case::device;
use emotone::check;
use emotone::gpu::{includes, pipeline};
use emotone::kernels::{SHIPPED, Target};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn stems(dir: &str, ext: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let files = fs::read_dir(root).expect("directory").map(|e| e.expect("entry").path());
    files
        .filter(|p| p.extension().is_some_and(|e| e == ext))
        .filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned()))
        .collect()
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
    let mut files = stems("shaders", "wgsl");
    files.retain(|stem| !stem.starts_with("self_check"));
    assert_eq!(files, owned, "files under shaders/ and kernels::SHIPPED");
}

#[test]
fn every_common_file_can_be_included() {
    for stem in stems("shaders/common", "wgsl") {
        assert!(includes(&format!("common/{stem}.wgsl")).is_some(), "{stem}");
    }
    assert!(includes("common/nothing.wgsl").is_none());
}

/// Entry points that no op launches, and the tests that launch them.
const APART: [(&str, &str); 1] = [("ceiling", "ceiling.rs")];

#[test]
fn every_entry_point_is_launched_by_a_case() {
    let Some(device) = device() else { return };
    let mut launched: BTreeSet<(&str, &str)> = BTreeSet::new();
    for case in check::cases(&Target::new(&device)) {
        let launches = case.launches(&device).unwrap_or_else(|e| panic!("{} {}: {e}", case.variant, case.name));
        launched.extend(launches.iter().map(|l| (l.shader.stem, l.entry)));
    }
    for shipped in SHIPPED.iter().filter(|s| !APART.iter().any(|(stem, _)| *stem == s.shader.stem)) {
        let (_, reflection) = pipeline::load(shipped.shader, &[]).expect("shader");
        for entry in reflection.entries.keys() {
            assert!(launched.contains(&(shipped.shader.stem, entry.as_str())), "{}::{entry} is launched by no case", shipped.shader.stem);
        }
    }
}
