//! Every shader validates with every tunable set it ships with, has one owner, a reference and a case for each entry point.

use emotone::gpu::pipeline;
use emotone::kernels::SHIPPED;
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

/// Entry points must be named in the tests, so that adding one without a case fails here.
#[test]
fn every_entry_point_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels_tests");
    let tests: String = stems("kernels_tests", "rs")
        .iter()
        .filter(|s| *s != "coverage")
        .map(|s| fs::read_to_string(root.join(format!("{s}.rs"))).expect("test file"))
        .collect();
    for shipped in SHIPPED {
        let (_, reflection) = pipeline::load(shipped.shader, &[]).expect("shader");
        for entry in reflection.entries.keys() {
            assert!(tests.contains(entry.as_str()), "{}::{entry} is named in no case", shipped.shader.stem);
        }
    }
}
